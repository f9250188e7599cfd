//! The JWK set that was fetched last.
//!
//! Called by [`crate::key_set`], which uses it after a restart while the source of the set is down.

use super::{Error, Store, sqlite};
use crate::model::Timestamp;

/// A JWK set as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedKeySet {
    /// The URL that it was fetched from.
    pub url: String,
    /// Its text.
    pub body: String,
    /// The end of the fetch.
    pub fetched_at: Timestamp,
}

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Stores a JWK set in place of the previous one.
    pub async fn set_fetched_key_set(&self, set: FetchedKeySet) -> Result<(), Error> {
        self.database
            .write(move |tx| sqlite::key_set::set(tx, &set))
            .await
    }

    /// Returns the stored JWK set if it was fetched from `url`.
    pub async fn fetched_key_set(&self, url: String) -> Result<Option<FetchedKeySet>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::key_set::of_url(conn, url))
            .await
    }
}
