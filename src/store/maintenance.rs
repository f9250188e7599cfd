//! Maintenance: work that a server does in the background, in portions between other writes.

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
        while database
            .write(move |tx| sqlite::retention::delete_portion(tx, first_kept))
            .await?
        {}
        Ok(())
    }
}
