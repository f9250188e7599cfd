//! Imports of usage: counted once per batch id, with an entry in the audit log of each organization.
//!
//! The batch id is stored in the transaction that counts. The number of requests is stored with it, to tell a repetition
//! from another file with the same id; see [`Batch::decide`].

use rusqlite::{OptionalExtension, Savepoint, params};

use super::{audit, usage};
use crate::{
    model::{Actor, AuditEvent, Batch, ImportOutcome, Timestamp, UsageTotals},
    store::Error,
};

pub(super) const FIND: &str = "
    SELECT requests
      FROM usage_batches
     WHERE id = ?1";

pub(super) const INSERT: &str = "
    INSERT INTO usage_batches (id, requests, created_at)
    VALUES (?1, ?2, ?3)";

/// Counts an import; see [`crate::store::Store::import_usage`].
pub(in crate::store) fn import(
    tx: &Savepoint<'_>,
    totals: &UsageTotals,
    batch: Option<&Batch>,
    at: Timestamp,
) -> Result<ImportOutcome, Error> {
    if let Some(batch) = batch {
        let outcome = batch.decide(find(tx, batch)?);
        if outcome != ImportOutcome::Imported {
            return Ok(outcome);
        }
        tx.prepare_cached(INSERT)?
            .execute(params![batch.id, batch.requests, at])?;
    }
    count(tx, totals, at)?;
    Ok(ImportOutcome::Imported)
}

/// Returns the number of requests of the import with the same id.
fn find(tx: &Savepoint<'_>, batch: &Batch) -> Result<Option<i64>, Error> {
    let mut statement = tx.prepare_cached(FIND)?;
    let found = statement.query_row([&batch.id], |row| row.get(0));
    Ok(found.optional()?)
}

/// Adds the totals, and one audit entry for each organization.
fn count(tx: &Savepoint<'_>, totals: &UsageTotals, at: Timestamp) -> Result<(), Error> {
    for (organization, counts) in usage::add_to_totals(tx, totals, at)? {
        let event = AuditEvent::UsageImported(counts.total_requests());
        audit::insert(tx, organization, at, &Actor::Operator, &event)?;
    }
    Ok(())
}
