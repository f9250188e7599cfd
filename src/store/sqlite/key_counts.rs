//! The kept counts of an organization's keys by status: the only code that changes them.
//!
//! The counts are as of `counted_at`, and any instant is correct: a transaction that changes a key moves them by the key's
//! contribution as of that instant, and a read at another instant adds the [`Difference`] between the two. It reads only
//! the keys that expired or became inactive in between. A recent instant keeps these few, so the writer advances it.
//! [`super::usage`] writes what uses change, together with its own totals.

use std::time::Duration;

use rusqlite::{Connection, Savepoint, named_params, params};

use super::row;
use crate::{
    model::{KeyCounts, KeyState, KeyStats, OrganizationId, Timestamp},
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

/// Counts the keys that expire after `from` and until `to` by what they were at `from`, and the keys that become inactive.
pub(super) const DIFFERENCE: &str = "
    SELECT count(*),
           count(*) FILTER (WHERE disabled_at IS NOT NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at IS NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at <= :idle_from),
           (SELECT count(*)
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND disabled_at IS NULL
               AND last_used_at > :idle_from
               AND last_used_at <= :idle_to
               AND (expires_at IS NULL OR expires_at > :to))
      FROM api_keys
     WHERE organization_id = :organization
       AND revoked_at IS NULL
       AND expires_at > :from
       AND expires_at <= :to";

/// A statement that finds the `:count`th expiry and the `:count`th last use in a range, in one direction.
macro_rules! portion_end {
    ($direction:literal) => {
        concat!(
            "
    SELECT (SELECT expires_at
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND expires_at > :from
               AND expires_at <= :to
             ORDER BY expires_at ",
            $direction,
            "
             LIMIT 1
            OFFSET :count - 1),
           (SELECT last_used_at
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND disabled_at IS NULL
               AND last_used_at > :idle_from
               AND last_used_at <= :idle_to
             ORDER BY last_used_at ",
            $direction,
            "
             LIMIT 1
            OFFSET :count - 1)"
        )
    };
}

pub(super) const PORTION_END: &str = portion_end!("ASC");

pub(super) const PORTION_END_BACKWARD: &str = portion_end!("DESC");

/// The organizations whose counts at `?1` differ from the kept ones. `?2` is the time after which a key is inactive.
pub(super) const OUTDATED: &str = "
    SELECT organization_id
      FROM organization_totals AS t
     WHERE EXISTS (SELECT 1
                     FROM api_keys AS k
                    WHERE k.organization_id = t.organization_id
                      AND k.revoked_at IS NULL
                      AND k.expires_at > min(t.counted_at, ?1)
                      AND k.expires_at <= max(t.counted_at, ?1))
        OR EXISTS (SELECT 1
                     FROM api_keys AS k
                    WHERE k.organization_id = t.organization_id
                      AND k.revoked_at IS NULL
                      AND k.disabled_at IS NULL
                      AND k.last_used_at > min(t.counted_at, ?1) - ?2
                      AND k.last_used_at <= max(t.counted_at, ?1) - ?2)";

/// The age at which a write advances the counts.
const ADVANCE_AFTER: Duration = Duration::from_mins(1);

/// The number of expiries and of last uses that end a portion: few enough to delay a commit by milliseconds only. Keys
/// that share the last millisecond of a portion belong to it, however many they are.
pub(super) const PORTION: i64 = 1000;

/// The maximum number of organizations whose counts are advanced in one write.
const MAX_ORGANIZATIONS: usize = 100;

/// How counts differ between two instants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    /// To be added to the counts at the first instant.
    pub(super) counts: KeyCounts,
    /// The number of keys that were read.
    pub(super) keys: i64,
}

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

/// Returns the instant that the counts are as of. Advances it by a portion first if it is not recent.
pub(super) fn counted_recently(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let counted_at = counted_at(tx, organization)?;
    let age = now.since(counted_at).max(counted_at.since(now));
    if age < ADVANCE_AFTER {
        return Ok(counted_at);
    }
    let (counted_at, _) = advance(tx, organization, now, PORTION)?;
    Ok(counted_at)
}

/// Advances the counts of `outdated` organizations to `now`, by one portion. Returns the organizations that remain.
pub(in crate::store) fn advance_portion(
    tx: &Savepoint<'_>,
    mut outdated: Vec<OrganizationId>,
    now: Timestamp,
) -> Result<Vec<OrganizationId>, Error> {
    let mut read = 0;
    for _ in 0..MAX_ORGANIZATIONS {
        let Some(organization) = outdated.last().filter(|_| read < PORTION) else {
            break;
        };
        let (counted_at, keys) = advance(tx, *organization, now, PORTION)?;
        read += keys;
        if counted_at == clamp(now) {
            outdated.pop();
        }
    }
    Ok(outdated)
}

/// Returns the organizations whose counts at `now` differ from the kept ones.
pub(in crate::store) fn outdated(
    conn: &Connection,
    now: Timestamp,
) -> Result<Vec<OrganizationId>, Error> {
    let mut statement = conn.prepare_cached(OUTDATED)?;
    let inactive_after = i64::try_from(KeyStats::INACTIVE_AFTER.as_millis()).unwrap_or(i64::MAX);
    let organizations = statement.query_map(params![now, inactive_after], |row| row.get(0))?;
    Ok(organizations.collect::<Result<_, _>>()?)
}

/// Returns how the counts of an organization at `to` differ from those at `from`, which may be later.
pub(super) fn difference(
    conn: &Connection,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Difference> {
    if from > to {
        let Difference { counts, keys } = difference(conn, organization, to, from)?;
        let counts = KeyCounts::default() - counts;
        return Ok(Difference { counts, keys });
    }
    let mut statement = conn.prepare_cached(DIFFERENCE)?;
    let parameters = named_params! {
        ":organization": organization,
        ":from": from,
        ":to": to,
        ":idle_from": from.before(KeyStats::INACTIVE_AFTER),
        ":idle_to": to.before(KeyStats::INACTIVE_AFTER),
    };
    statement.query_row(parameters, |row| {
        let (expired, became_inactive): (i64, i64) = (row.get(0)?, row.get(4)?);
        let were_inactive: i64 = row.get(3)?;
        let counts = KeyCounts {
            total: 0,
            revoked: 0,
            expired,
            disabled: -row.get::<_, i64>(1)?,
            never_used: -row.get::<_, i64>(2)?,
            inactive: became_inactive - were_inactive,
        };
        let keys = expired + became_inactive;
        Ok(Difference { counts, keys })
    })
}

/// Advances the counts towards `now` by one portion. Returns the instant that they are as of then, and the number of keys
/// that were read. If they are as of a later instant, because the clock was set back, advances backward.
pub(super) fn advance(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    now: Timestamp,
    portion: i64,
) -> Result<(Timestamp, i64), Error> {
    let counted_at = counted_at(tx, organization)?;
    let end = portion_end(tx, organization, counted_at, clamp(now), portion)?;
    let difference = difference(tx, organization, counted_at, end)?;
    add(tx, organization, end, difference.counts)?;
    Ok((end, difference.keys))
}

/// Returns the instant at which the portion from `from` towards `to` ends: `to`, unless too many keys expire or become
/// inactive before it.
fn portion_end(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
    portion: i64,
) -> Result<Timestamp, Error> {
    let is_forward = from <= to;
    let (first, last) = if is_forward { (from, to) } else { (to, from) };
    let mut statement = tx.prepare_cached(if is_forward {
        PORTION_END
    } else {
        PORTION_END_BACKWARD
    })?;
    let parameters = named_params! {
        ":organization": organization,
        ":from": first,
        ":to": last,
        ":idle_from": first.before(KeyStats::INACTIVE_AFTER),
        ":idle_to": last.before(KeyStats::INACTIVE_AFTER),
        ":count": portion,
    };
    let (expiry, last_use): (Option<Timestamp>, Option<Timestamp>) =
        statement.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let idle = last_use.map(|at| at.after(KeyStats::INACTIVE_AFTER));
    let ends = [expiry, idle].into_iter().flatten();
    Ok(if is_forward {
        ends.fold(to, Timestamp::min)
    } else {
        // A range excludes its beginning, so that the keys of that millisecond are in the portion.
        let begins = ends.map(|at| at.before(Duration::from_millis(1)));
        begins.fold(to, Timestamp::max)
    })
}

/// Returns the nearest instant that can be stored.
fn clamp(at: Timestamp) -> Timestamp {
    at.clamp(Timestamp::from_millis(0), Timestamp::MAX)
}

/// Returns the instant that the counts are as of.
pub(super) fn counted_at(
    conn: &Connection,
    organization: OrganizationId,
) -> Result<Timestamp, Error> {
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
