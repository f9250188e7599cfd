//! Imports that were given a name, so that the same file is not counted twice.
//!
//! A name is noted down in the transaction that counts; how many uses it stood for is kept with it, to tell a
//! repetition from another file under an old name.

use rusqlite::{OptionalExtension, Savepoint, params};

use super::usage;
use crate::{
    model::{Batch, Imported, Tally, Timestamp},
    store::Error,
};

pub(super) const FIND: &str = "
    SELECT requests
      FROM usage_batches
     WHERE id = ?1";

pub(super) const INSERT: &str = "
    INSERT INTO usage_batches (id, requests, created_at)
    VALUES (?1, ?2, ?3)";

/// Counts an import once; see [`crate::store::Store::import_usage`].
pub(in crate::store) fn import(
    tx: &Savepoint<'_>,
    tally: &Tally,
    batch: Option<&Batch>,
    at: Timestamp,
) -> Result<Imported, Error> {
    let Some(batch) = batch else {
        usage::record_tally(tx, tally)?;
        return Ok(Imported::Counted);
    };
    let found: Option<i64> = tx
        .prepare_cached(FIND)?
        .query_row([&batch.id], |row| row.get(0))
        .optional()?;
    match found {
        Some(requests) if requests == batch.requests => Ok(Imported::Before),
        Some(_) => Ok(Imported::Different),
        None => {
            usage::record_tally(tx, tally)?;
            tx.prepare_cached(INSERT)?
                .execute(params![batch.id, batch.requests, at])?;
            Ok(Imported::Counted)
        }
    }
}
