//! Imports of uses: counted, recorded in the audit log, and not counted twice under one batch id.
//!
//! A batch id is stored in the transaction that counts. The number of its requests is stored with it, to tell a
//! repetition from another file under an old id.

use rusqlite::{OptionalExtension, Savepoint, params};

use super::{audit, usage};
use crate::{
    model::{Act, Actor, Batch, Imported, Tally, Timestamp},
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
        count(tx, tally, at)?;
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
            count(tx, tally, at)?;
            tx.prepare_cached(INSERT)?
                .execute(params![batch.id, batch.requests, at])?;
            Ok(Imported::Counted)
        }
    }
}

/// Adds the tally to all totals, with one audit entry for each organization.
fn count(tx: &Savepoint<'_>, tally: &Tally, at: Timestamp) -> Result<(), Error> {
    for (organization, used) in usage::record_tally(tx, tally)? {
        let act = Act::UsageImported(used.total_requests());
        audit::insert(tx, organization, at, &Actor::Operator, &act)?;
    }
    Ok(())
}
