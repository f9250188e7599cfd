//! Statistics: of an organization for its members, by day for the operator, and over all keys for monitoring.
//!
//! Counts and totals are kept by the transactions that change keys, so no read depends on the number of requests. Invariant:
//! a read that may be long does not run on an async thread.

use super::{AccessError, Error, Store, sqlite};
use crate::model::{
    DailyUsage, Day, KeyStats, KeyStatusCounts, OrganizationId, OrganizationRef, Timestamp, UserId,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Returns an organization's statistics as of `now` for `user`, a member with any role, and the last `days` UTC days
    /// if requested. The cost grows with `days`, and not with the number of keys or requests: counts are kept, and only
    /// the keys that have expired or become inactive since they were updated are read. If these are many, the read leaves
    /// the async thread, and the counts are updated in the background.
    pub async fn key_stats(
        &self,
        organization: OrganizationRef,
        user: UserId,
        now: Timestamp,
        days: Option<u32>,
    ) -> Result<KeyStats, AccessError> {
        let readers = &self.database.readers;
        let short = {
            let (organization, user) = (organization.clone(), user.clone());
            readers.read(move |conn| {
                sqlite::stats::short_key_stats(conn, &organization, &user, now, days)
            })
        };
        if let Some(stats) = short.await? {
            return Ok(stats);
        }
        let long = move |conn: &_| sqlite::stats::key_stats(conn, &organization, &user, now, days);
        let stats = readers.read_in_background(long).await?;
        self.database
            .start_to_advance_key_counts(stats.organization, now);
        Ok(stats)
    }

    /// Returns the usage of an organization by UTC day, oldest first: the last `days` days up to `today`, with zeros for
    /// days without use; or, without `days`, all days with use.
    pub async fn daily_usage(
        &self,
        organization: OrganizationId,
        today: Day,
        days: Option<u32>,
    ) -> Result<Vec<DailyUsage>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::stats::daily_usage(conn, organization, today, days))
            .await
    }

    /// Counts the keys of all organizations by their status at `now`. The cost grows with the number of organizations.
    pub async fn key_status_counts(&self, now: Timestamp) -> Result<KeyStatusCounts, Error> {
        self.database
            .readers
            .read_in_background(move |conn| sqlite::stats::key_status_counts(conn, now))
            .await
    }
}
