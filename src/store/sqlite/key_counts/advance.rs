//! Advances the instant that the kept counts are as of, in portions.
//!
//! Called by every write of uses, and by the maintenance of a server for organizations without uses. The portion bounds how
//! long the commit of other writes is delayed when many keys expire at about the same time.

use std::time::Duration;

use rusqlite::{Connection, Savepoint, named_params, params};

use super::{add, counted_at, difference};
use crate::{
    model::{KeyStats, OrganizationId, Timestamp},
    store::Error,
};

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

pub(in crate::store::sqlite) const PORTION_END: &str = portion_end!("ASC");

pub(in crate::store::sqlite) const PORTION_END_BACKWARD: &str = portion_end!("DESC");

/// The organizations whose counts at `?1` differ from the kept ones. `?2` is the time after which a key is inactive.
pub(in crate::store::sqlite) const OUTDATED: &str = "
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
pub(in crate::store::sqlite) const PORTION: i64 = 1000;

/// The maximum number of organizations whose counts are advanced in one write.
const MAX_ORGANIZATIONS: usize = 100;

/// Returns the instant that the counts are as of. Advances it by a portion first if it is not recent.
pub(in crate::store::sqlite) fn counted_recently(
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
