//! The contents of the benchmark's files: one organization with any number of keys and uses.
//!
//! Called once for each size. The keys are unlimited, so that every validation is admitted.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use llavero::{
    model::{
        Description, KeyId, KeySettings, Member, Name, NewKey, Organization, OrganizationId,
        Outcome, Role, Secret, Seed, SeedKey, SeedState, Slug, Timestamp, UsageEvent, UsageTotals,
        UserId,
    },
    store::{OpenOptions, Store},
};
use uuid::Uuid;

pub(crate) const SLUG: &str = "acme-corp";

/// The smallest number of keys.
pub(crate) const FEWEST_KEYS: u32 = 10;

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));

/// Returns the path of the file with so many keys and uses.
pub(crate) fn path(directory: &Path, keys: u32, uses: u32) -> PathBuf {
    directory.join(format!("{keys}-{uses}.db"))
}

/// Creates the file with so many keys and uses.
pub(crate) async fn store(directory: &Path, (keys, uses): (u32, u32), now: Timestamp) -> Store {
    let options = OpenOptions {
        readers: NonZeroU32::new(4).expect("not zero"),
        new_signing_secret: [7; 32],
    };
    let path = path(directory, keys, uses);
    let store = Store::open(&path, &options).expect("a new database");
    let created_at = now.before(days(200));
    let mut seed = Seed::default();
    seed.organizations.push(Organization {
        id: ORGANIZATION,
        slug: Slug::new(SLUG).expect("a slug"),
        name: Name::new("Acme Corp").expect("a name"),
        created_at,
    });
    let owner = Member {
        user: user(),
        role: Role::Owner,
        created_at,
    };
    seed.members.push((ORGANIZATION, owner));
    seed.keys.extend((0..keys).map(|n| key(n, created_at)));
    store.seed_if_empty(seed).await.expect("a filled database");
    import(&store, keys, uses, now).await;
    let advanced = store.advance_key_counts(now).await;
    advanced.expect("counts of keys up to date");
    store
}

fn key(n: u32, created_at: Timestamp) -> SeedKey {
    let settings = KeySettings {
        description: Description::new("A description of ordinary length"),
        ..KeySettings::named(Name::new(format!("Key number {n}")).expect("a name"))
    };
    SeedKey {
        id: key_id(n),
        organization: ORGANIZATION,
        key: NewKey {
            secret: secret(n),
            settings,
            created_by: Some(user()),
            created_at,
        },
        state: SeedState::default(),
    }
}

/// Imports single uses of the last 90 days, in batches.
async fn import(store: &Store, keys: u32, uses: u32, now: Timestamp) {
    const BATCH: u32 = 100_000;
    for first in (0..uses).step_by(BATCH as usize) {
        let mut totals = UsageTotals::default();
        for n in first..uses.min(first + BATCH) {
            let ago = days(u64::from(n % 90)) + Duration::from_millis(n.into());
            let added = totals.add(UsageEvent {
                key: key_id(n % keys),
                at: now.before(ago),
                outcome: Outcome::Success,
                count: 1,
            });
            assert!(added, "the totals overflow");
        }
        let imported = store.import_usage(totals, None, now);
        imported.await.expect("usage imported");
    }
}

pub(crate) fn user() -> UserId {
    UserId::new("ana").expect("a user")
}

pub(crate) fn secret(n: u32) -> Secret {
    let mut random = [0; 32];
    random[..4].copy_from_slice(&n.to_be_bytes());
    Secret::generate(random)
}

pub(crate) fn key_id(n: u32) -> KeyId {
    KeyId(Uuid::from_u64_pair(0xb, n.into()))
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}
