//! Uses of keys: admitted and counted as they happen, imported, and read by key and day.
//!
//! Called by [`crate::key_validation`] and by `llavero usage`. An organization's days are in [`super::stats`].

use super::{Error, Store, sqlite};
use crate::model::{
    Admission, ApiKey, Batch, Clock, DailyUsage, Day, ImportOutcome, KeyId, OrganizationId,
    Timestamp, UsageCounts, UsageEvent, UsageTotals,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Admits one request with a key unless the key is over its rate limit or its quota, and counts it: as a success or as
    /// a rate-limit hit. The key must be active, as it was just read. The count is durable when the call returns.
    ///
    /// At most the rate limit's successes are admitted in any window, and at most the quota's in a period, also across
    /// restarts. A request that one of them refuses does not count toward the other. The decision and the count are one
    /// operation: a request that cannot be counted is not admitted, and one that the rate limit admits is counted even if
    /// the caller drops the future. `clock` is read at the moment of the decision.
    pub async fn admit_and_count(&self, key: &ApiKey, clock: &Clock) -> Result<Admission, Error> {
        self.database.admit_and_count(key, clock).await
    }

    /// Counts a use that does not need to be admitted, such as a request with a revoked key. The count is durable when
    /// the call returns. Uses that are counted at the same time share a transaction.
    pub async fn count_use(&self, event: UsageEvent) -> Result<(), Error> {
        self.database.count_use(event).await
    }

    /// Returns a key's usage of the last `days` UTC days up to `today`, oldest first, with zeros for days without use. One
    /// lookup for each day.
    pub async fn key_daily_usage(
        &self,
        key: KeyId,
        today: Day,
        days: u32,
    ) -> Result<Vec<DailyUsage>, Error> {
        self.database
            .readers
            .read(move |conn| Ok(sqlite::key_days::daily(conn, key, today, days)?))
            .await
    }

    /// Returns the usage of one UTC day by key, in the order of the keys' ids, of the keys of an organization that were
    /// used on that day. Reads the day's rows of all organizations.
    pub async fn usage_by_key(
        &self,
        organization: OrganizationId,
        day: Day,
    ) -> Result<Vec<(KeyId, UsageCounts)>, Error> {
        self.database
            .readers
            .read_in_background(move |conn| sqlite::key_days::by_key(conn, organization, day))
            .await
    }

    /// Adds usage to the totals, all or nothing, with an entry in the audit log of each organization. With `batch`, only
    /// once: see [`Batch::decide`]. A key's last use only moves forward.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] if no key has one of the ids, [`Error::TooLarge`] if a sum overflows.
    pub async fn import_usage(
        &self,
        totals: UsageTotals,
        batch: Option<Batch>,
        at: Timestamp,
    ) -> Result<ImportOutcome, Error> {
        self.database
            .write(move |tx| sqlite::usage_imports::import(tx, &totals, batch.as_ref(), at))
            .await
    }
}
