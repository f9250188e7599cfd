//! Maintenance: work that a server does in the background.
//!
//! Called by `serve`. Invariant: each portion is a write of its own, small enough to delay others by milliseconds only.

use super::{Error, Store, sqlite};
use crate::model::{Day, Timestamp};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Updates the kept counts of keys to `now` where keys have expired or become inactive since, so that statistics
    /// stay cheap for organizations without writes. Their results do not depend on it.
    pub async fn advance_key_counts(&self, now: Timestamp) -> Result<(), Error> {
        let database = &self.database;
        let outdated = database
            .readers
            .read_in_background(move |conn| sqlite::key_counts::outdated(conn, now));
        database.advance_key_counts(outdated.await?, now).await
    }

    /// Deletes the days of keys before `first_kept`.
    pub async fn delete_key_days_before(&self, first_kept: Day) -> Result<(), Error> {
        let database = &self.database;
        let has_more = move |conn: &_| sqlite::retention::has_days_before(conn, first_kept);
        let mut has_more = database.readers.read_in_background(has_more).await?;
        while has_more {
            has_more = database
                .write(move |tx| sqlite::retention::delete_portion(tx, first_kept))
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{
            KeyId, KeySettings, Name, NewKey, Organization, OrganizationId, Secret, Seed, SeedKey,
            SeedState, Slug,
        },
        store::OpenOptions,
    };

    const START: Timestamp = Timestamp::from_millis(1_768_478_400_000);

    /// A store in memory with `organizations` organizations, each with one key, which expires after a millisecond.
    async fn store(organizations: u16) -> Store {
        let mut seed = Seed::default();
        for n in 0..organizations {
            let id = OrganizationId(Uuid::from_u128(n.into()));
            let name = Name::new("x").unwrap();
            seed.organizations.push(Organization {
                id,
                slug: Slug::new(format!("x{n}")).unwrap(),
                name: name.clone(),
                created_at: START,
            });
            let mut random = [0; 32];
            random[..2].copy_from_slice(&n.to_be_bytes());
            seed.keys.push(SeedKey {
                id: key(n),
                organization: id,
                key: NewKey {
                    secret: Secret::generate(random),
                    settings: KeySettings {
                        expires_at: Some(Timestamp::from_millis(START.as_millis() + 1)),
                        ..KeySettings::named(name)
                    },
                    created_by: None,
                    created_at: START,
                },
                state: SeedState::default(),
            });
        }
        let store = Store::in_memory(&OpenOptions {
            readers: NonZeroU32::MIN,
            new_signing_secret: [7; 32],
        });
        let store = store.unwrap();
        store.seed_if_empty(seed).await.unwrap();
        store
    }

    fn key(n: u16) -> KeyId {
        KeyId(Uuid::from_u64_pair(1, n.into()))
    }

    #[tokio::test]
    async fn advance_key_counts_updates_all_organizations() {
        let store = store(250).await;
        let outdated = async |now| {
            let read = move |conn: &_| sqlite::key_counts::outdated(conn, now);
            store.database.readers.read(read).await.unwrap().len()
        };
        let later = Timestamp::from_millis(START.as_millis() + 1);
        assert_eq!([outdated(START).await, outdated(later).await], [0, 250]);
        store.advance_key_counts(later).await.unwrap();
        assert_eq!([outdated(START).await, outdated(later).await], [250, 0]);
        store.advance_key_counts(START).await.unwrap();
        assert_eq!([outdated(START).await, outdated(later).await], [0, 250]);
    }
}
