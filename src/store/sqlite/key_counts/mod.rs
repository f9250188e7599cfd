//! The kept counts of an organization's keys by status: the only code that changes them.
//!
//! The counts are as of `counted_at`, and any instant is correct: a transaction that changes a key moves them by the key's
//! contribution as of that instant, and a read at another instant adds the [`difference()`] between the two. It reads only
//! the keys that expired or became inactive in between. A recent instant keeps these few, so the writer advances it: see
//! [`mod@advance`]. [`super::usage`] writes what uses change, together with its own totals.

mod advance;
#[cfg(test)]
mod burst_tests;
mod difference;
#[cfg(test)]
mod history;
#[cfg(test)]
mod history_tests;

use rusqlite::{Connection, Savepoint, named_params};

use self::advance::PORTION;
pub(in crate::store) use self::advance::{advance_portion, outdated};
pub(super) use self::{
    advance::counted_recently,
    difference::{Difference, difference, short_difference},
};
#[cfg(test)]
pub(super) use self::{
    advance::{OUTDATED, PORTION_END, PORTION_END_BACKWARD},
    difference::{EXPIRED, IDLE},
};
use super::row;
use crate::{
    model::{KeyCounts, KeyState, OrganizationId, Timestamp},
    store::Error,
};

pub(super) const COUNTED_AT: &str = "
    SELECT counted_at
      FROM organization_totals
     WHERE organization_id = ?1";

pub(super) const ADD: &str = "
    UPDATE organization_totals
       SET counted_at = :counted_at,
           total_keys = total_keys + :total,
           revoked_keys = revoked_keys + :revoked,
           expired_keys = expired_keys + :expired,
           disabled_keys = disabled_keys + :disabled,
           never_used_keys = never_used_keys + :never_used,
           inactive_keys = inactive_keys + :inactive
     WHERE organization_id = :organization";

/// Moves the counts after a key was created (`before` is `None`), or changed from `before` to `after`. Must be called in
/// the transaction that changes the key.
pub(super) fn moved(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    before: Option<KeyState>,
    after: KeyState,
) -> Result<(), Error> {
    let at = counted_at(tx, organization)?;
    let before = before.map(|before| before.counts(at)).unwrap_or_default();
    add(tx, organization, at, after.counts(at) - before)
}

/// Returns the instant that the counts are as of.
fn counted_at(conn: &Connection, organization: OrganizationId) -> Result<Timestamp, Error> {
    let mut statement = conn.prepare_cached(COUNTED_AT)?;
    Ok(statement.query_row([organization], |row| row.get(0))?)
}

/// Adds to the counts, which are as of `counted_at` then.
fn add(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    counted_at: Timestamp,
    counts: KeyCounts,
) -> Result<(), Error> {
    let changed = tx.prepare_cached(ADD)?.execute(named_params! {
        ":organization": organization,
        ":counted_at": counted_at,
        ":total": counts.total,
        ":revoked": counts.revoked,
        ":expired": counts.expired,
        ":disabled": counts.disabled,
        ":never_used": counts.never_used,
        ":inactive": counts.inactive,
    })?;
    row::expect_one_row(changed)
}
