//! The JWK set that was fetched last: one row.

use rusqlite::{Connection, OptionalExtension, Savepoint, params};

use crate::store::{Error, FetchedKeySet};

pub(super) const SET: &str = "
    INSERT INTO fetched_key_set (id, url, body, fetched_at)
    VALUES (1, ?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE
       SET url = excluded.url,
           body = excluded.body,
           fetched_at = excluded.fetched_at";

pub(super) const OF_URL: &str = "
    SELECT body,
           fetched_at
      FROM fetched_key_set
     WHERE id = 1
       AND url = ?1";

/// See [`crate::store::Store::set_fetched_key_set`].
pub(in crate::store) fn set(tx: &Savepoint<'_>, set: &FetchedKeySet) -> Result<(), Error> {
    tx.prepare_cached(SET)?
        .execute(params![set.url, set.body, set.fetched_at])?;
    Ok(())
}

/// See [`crate::store::Store::fetched_key_set`].
pub(in crate::store) fn of_url(
    conn: &Connection,
    url: String,
) -> Result<Option<FetchedKeySet>, Error> {
    let mut statement = conn.prepare_cached(OF_URL)?;
    let row = statement.query_row([&url], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(row.optional()?.map(|(body, fetched_at)| FetchedKeySet {
        url,
        body,
        fetched_at,
    }))
}
