//! What can be asked of the store about keys: one, a page, the statistics, and each step of a key's life.
//!
//! The organization comes first in every method that acts for somebody, and who may is decided in the
//! transaction that acts: see [`Access`]. `key` is `None` where a caller's text is no key's id at all.

use rusqlite::Connection;

use super::{Error, Store, sqlite};
use crate::model::{
    Access, Actor, ApiKey, Batch, DailyUsage, Day, Imported, KeyCursor, KeyId, KeyIdRandom,
    KeyPage, KeyStats, KeyStatusCounts, LiveUse, NewKey, OrganizationId, OrganizationRef, Rotated,
    Rotation, SecretHash, Tally, Timestamp, Use, UserId,
};

impl Store {
    /// One key of an organization, for `user`, who may have any role. `Granted(None)` when the organization has
    /// no such key, whether another one has it or not. Three look-ups by primary key, whatever the size of the
    /// tables.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key(
        &self,
        organization: OrganizationRef,
        user: UserId,
        key: Option<KeyId>,
    ) -> Result<Access<Option<ApiKey>>, Error> {
        self.read(move |conn| sqlite::keys::key(conn, &organization, &user, key))
            .await
    }

    /// The key with this id, whosever it is: for the operator.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key_by_id(&self, key: KeyId) -> Result<Option<ApiKey>, Error> {
        self.read(move |conn| sqlite::keys::by_id(conn, key)).await
    }

    /// Returns whether a key has this id: one look-up in an index.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key_exists(&self, key: KeyId) -> Result<bool, Error> {
        self.read(move |conn| sqlite::keys::exists(conn, key)).await
    }

    /// The key that a secret opens at `now`, whatever its state: the one that has this secret, or that had it
    /// before its last rotation, as long as the grace lasts. Two or three look-ups by index.
    ///
    /// # Errors
    /// As every read: when the store cannot answer. Also if no key is found because the file is not in its place any
    /// more: the key may be in the file that replaced it. For a key that is found, recording its use checks that.
    pub async fn key_with_secret(
        &self,
        secret: SecretHash,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        let find = move |conn: &Connection| sqlite::keys::by_secret(conn, &secret, now);
        let found = self.read(find).await?;
        if found.is_none() {
            self.check_file()?;
        }
        Ok(found)
    }

    /// At most `limit` keys of an organization, newest first, from the one behind `after` on. Keys made meanwhile
    /// move nothing: whoever follows [`KeyPage::next`] to the end sees every key that was there at the beginning
    /// exactly once. A range of an index: the cost does not depend on how many keys there are, or on how far
    /// down the page is.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn keys(
        &self,
        organization: OrganizationRef,
        by: Actor,
        after: Option<KeyCursor>,
        limit: u32,
    ) -> Result<Access<KeyPage>, Error> {
        self.read(move |conn| sqlite::keys::page(conn, &organization, &by, after, limit))
            .await
    }

    /// The organization's statistics as of `now`, for `user`, with the last `days` UTC days if asked for.
    /// The cost grows with the number of expired, idle and never-used keys and with `days`, not with the requests
    /// ever recorded.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key_stats(
        &self,
        organization: OrganizationRef,
        user: UserId,
        now: Timestamp,
        days: Option<u32>,
    ) -> Result<Access<KeyStats>, Error> {
        self.read(move |conn| sqlite::stats::key_stats(conn, &organization, &user, now, days))
            .await
    }

    /// Counts the keys of all organizations by their status at `now`. The cost grows with the number of organizations
    /// and of expired keys.
    ///
    /// # Errors
    /// As every read.
    pub async fn key_status_counts(&self, now: Timestamp) -> Result<KeyStatusCounts, Error> {
        self.read_in_background(move |conn| sqlite::stats::key_status_counts(conn, now))
            .await
    }

    /// Creates a key and returns it. Its id is a UUIDv7 with these `random` bits, greater than every id that was
    /// generated in this database before: see [`KeyId::next`].
    ///
    /// # Errors
    /// As every write: when the store cannot write, or when too many writes wait.
    pub async fn create_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: NewKey,
        random: KeyIdRandom,
    ) -> Result<Access<ApiKey>, Error> {
        self.write(move |tx| sqlite::key_life::create(tx, &organization, &by, &key, random))
            .await
    }

    /// Gives a key a new secret, unless the key's state or an earlier rotation does not allow it: see
    /// [`Rotation::decide`]. Everything else about the key stays.
    ///
    /// # Errors
    /// As every write.
    pub async fn rotate_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: Option<KeyId>,
        rotation: Rotation,
    ) -> Result<Access<Option<Rotated>>, Error> {
        self.write(move |tx| sqlite::key_life::rotate(tx, &organization, &by, key, &rotation))
            .await
    }

    /// Revokes a key for good, and returns it. A key that was revoked before stays as it is.
    ///
    /// # Errors
    /// As every write.
    pub async fn revoke_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: Option<KeyId>,
        at: Timestamp,
    ) -> Result<Access<Option<ApiKey>>, Error> {
        self.write(move |tx| sqlite::key_life::revoke(tx, &organization, &by, key, at))
            .await
    }

    /// Adds a tally to the totals, all or nothing, and records the import in the audit log of each organization. With
    /// `batch`, only if no import with that id was counted before.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] when a use names no stored key; else as every write.
    pub async fn import_usage(
        &self,
        tally: Tally,
        batch: Option<Batch>,
        at: Timestamp,
    ) -> Result<Imported, Error> {
        self.write(move |tx| sqlite::batches::import(tx, &tally, batch.as_ref(), at))
            .await
    }

    /// The uses of an organization by UTC day, oldest first: the last `days` of them, `today` last and days without
    /// use as zeros; or all that were used.
    ///
    /// # Errors
    /// As every read.
    pub async fn daily_usage(
        &self,
        organization: OrganizationId,
        today: Day,
        days: Option<u32>,
    ) -> Result<Vec<DailyUsage>, Error> {
        self.read(move |conn| sqlite::stats::daily_usage(conn, organization, today, days))
            .await
    }

    /// Records one use as it happens: like [`Store::record`], together with whatever other uses wait, and a success
    /// counts against the key's rate limit after a restart, too. Returns when it is durable.
    ///
    /// # Errors
    /// As every write.
    pub async fn record_live(&self, used: LiveUse) -> Result<(), Error> {
        self.write_use(used).await
    }

    /// The successes of a rate-limited key after `since`, in slots: when the last success of each came, and how
    /// many there are, oldest first. A clock that was set back has left some after `now`: they are moved to it, for
    /// good, so that they count for one window and no longer.
    ///
    /// # Errors
    /// As every read, and as every write if there is something to move.
    pub async fn successes_since(
        &self,
        key: KeyId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, i64)>, Error> {
        let slots = move |conn: &Connection| sqlite::rate::since(conn, key, since);
        let found = self.read(slots).await?;
        if found.iter().all(|(last, _)| *last <= now) {
            return Ok(found);
        }
        self.write(move |tx| sqlite::rate::set_back(tx, key, now))
            .await?;
        self.read(slots).await
    }

    /// Adds uses to the totals of their keys, of the keys' organizations and of the UTC days they fall on:
    /// all of them or, on any error, none. A key's last use only moves forward.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] when a use names no stored key; else as every write.
    pub async fn record(&self, uses: Vec<Use>) -> Result<(), Error> {
        self.write(move |tx| sqlite::usage::record(tx, uses)).await
    }
}
