//! An organization's statistics: kept counts and totals, what has changed since, the most recently used keys, the days.
//!
//! All statements read one snapshot. None reads a row per request or per key: the counts of keys are kept as of an instant,
//! see [`super::key_counts`], and only the keys that have expired or become inactive since are read.

use std::{cmp::Reverse, collections::HashMap};

use rusqlite::{Connection, Row, named_params, params};

use super::{
    key_counts::{self, Difference},
    row,
};
use crate::{
    model::{
        DailyUsage, Day, KeyCounts, KeyId, KeyStats, KeyStatusCounts, OrganizationId,
        OrganizationRef, RecentKey, Timestamp, UsageCounts, UserId,
    },
    store::{AccessError, Error},
};

/// Returns one row for a member and no row for a non-member.
pub(super) const SUMMARY: &str = "
    SELECT t.organization_id,
           t.counted_at,
           t.total_keys,
           t.revoked_keys,
           t.expired_keys,
           t.disabled_keys,
           t.never_used_keys,
           t.inactive_keys,
           t.successful_requests,
           t.rate_limit_hits,
           t.errors
      FROM organization_totals AS t
      JOIN memberships AS m
        ON m.organization_id = t.organization_id
       AND m.user_id = :user
     WHERE t.organization_id = coalesce(:id, (SELECT id FROM organizations WHERE slug = :slug))";

/// All used keys, most recently used first. Read only as far as it is needed.
pub(super) const BY_LAST_USE: &str = "
    SELECT rowid,
           id,
           last_used_at
      FROM api_keys
     WHERE organization_id = ?1
       AND last_used_at IS NOT NULL
     ORDER BY last_used_at DESC, created_at DESC, id DESC";

pub(super) const RECENT_KEY: &str = "
    SELECT id,
           name,
           preview,
           revoked_at,
           expires_at,
           disabled_at,
           last_used_at,
           successful_requests,
           rate_limit_hits,
           errors
      FROM api_keys
     WHERE rowid = ?1";

pub(super) const DAILY: &str = "
    SELECT day,
           successful_requests,
           rate_limit_hits,
           errors
      FROM organization_daily_usage
     WHERE organization_id = ?1
       AND day BETWEEN ?2 AND ?3
     ORDER BY day";

/// Reads one row per organization, and the unrevoked keys that expire between the instant of its counts and `?1`.
pub(super) const STATUS_COUNTS: &str = "
    SELECT coalesce(sum(t.total_keys), 0),
           coalesce(sum(t.revoked_keys), 0),
           coalesce(sum(t.expired_keys + sign(?1 - t.counted_at)
                        * (SELECT count(*)
                             FROM api_keys AS k
                            WHERE k.organization_id = t.organization_id
                              AND k.revoked_at IS NULL
                              AND k.expires_at > min(t.counted_at, ?1)
                              AND k.expires_at <= max(t.counted_at, ?1))), 0),
           coalesce(sum(t.disabled_keys - sign(?1 - t.counted_at)
                        * (SELECT count(*)
                             FROM api_keys AS k
                            WHERE k.organization_id = t.organization_id
                              AND k.revoked_at IS NULL
                              AND k.expires_at > min(t.counted_at, ?1)
                              AND k.expires_at <= max(t.counted_at, ?1)
                              AND k.disabled_at IS NOT NULL)), 0)
      FROM organization_totals AS t";

/// The maximum number of keys among which the most recently used ones are chosen. Keys that were last used in the same
/// millisecond are ordered by id. If more share it, which only an import can cause, the last created are chosen.
const MAX_CANDIDATES: usize = 10_000;

/// The kept part of an organization's statistics.
#[derive(Clone, Copy)]
struct Summary {
    organization: OrganizationId,
    /// The instant that `keys` are as of.
    counted_at: Timestamp,
    keys: KeyCounts,
    usage: UsageCounts,
}

/// See [`crate::store::Store::key_stats`].
pub(in crate::store) fn key_stats(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    now: Timestamp,
    days: Option<u32>,
) -> Result<KeyStats, AccessError> {
    with_summary(conn, organization, user, |summary| {
        let Summary {
            organization,
            counted_at,
            ..
        } = summary;
        let since = key_counts::difference(conn, organization, counted_at, now)?;
        complete(conn, summary, since, now, days)
    })
}

/// Returns the statistics as [`key_stats`] does, or `None` if too many keys have expired or become inactive since the
/// counts were kept to read them on an async thread.
pub(in crate::store) fn short_key_stats(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    now: Timestamp,
    days: Option<u32>,
) -> Result<Option<KeyStats>, AccessError> {
    with_summary(conn, organization, user, |summary| {
        let Summary {
            organization,
            counted_at,
            ..
        } = summary;
        let since = key_counts::short_difference(conn, organization, counted_at, now)?;
        since
            .map(|since| complete(conn, summary, since, now, days))
            .transpose()
    })
}

/// Calls `read` with the summary, in one snapshot. Fails if the user is not a member.
fn with_summary<T>(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    read: impl FnOnce(Summary) -> Result<T, Error>,
) -> Result<T, AccessError> {
    let (id, slug) = row::id_or_slug(organization);
    let mut statement = conn.prepare_cached(SUMMARY)?;
    // One snapshot: it lasts while a statement is unfinished, and `rows` lives to the end of the function.
    // https://sqlite.org/lang_transaction.html, "implicit versus explicit transactions"
    let mut rows = statement.query(named_params! {
        ":id": id,
        ":slug": slug,
        ":user": user,
    })?;
    let Some(row) = rows.next()? else {
        return Err(AccessError::NotAMember);
    };
    Ok(read(summary(row)?)?)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        organization: row.get(0)?,
        counted_at: row.get(1)?,
        keys: KeyCounts {
            total: row.get(2)?,
            revoked: row.get(3)?,
            expired: row.get(4)?,
            disabled: row.get(5)?,
            never_used: row.get(6)?,
            inactive: row.get(7)?,
        },
        usage: row::usage(row, 8)?,
    })
}

fn complete(
    conn: &Connection,
    summary: Summary,
    since: Difference,
    now: Timestamp,
    days: Option<u32>,
) -> Result<KeyStats, Error> {
    let Summary { organization, .. } = summary;
    Ok(KeyStats {
        organization,
        keys: summary.keys + since.counts,
        usage: summary.usage,
        recent: recent(conn, organization, now)?,
        daily: days
            .map(|days| daily(conn, organization, now.day(), days))
            .transpose()?,
    })
}

/// Returns the most recently used keys, newest first, ties by id.
fn recent(
    conn: &Connection,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Vec<RecentKey>, Error> {
    let newest = most_recently_used(conn, organization)?;
    let mut statement = conn.prepare_cached(RECENT_KEY)?;
    let keys = newest.iter().map(|row| {
        statement.query_row([row], |row| {
            Ok(RecentKey {
                id: row.get(0)?,
                name: row.get(1)?,
                preview: row.get(2)?,
                status: row::key_dates(row, 3)?.status(now),
                last_used_at: row.get(6)?,
                total_requests: row::usage(row, 7)?.total_requests(),
            })
        })
    });
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Returns the row ids of the most recently used keys, newest first, ties by id. Reads only an index, as far as the last
/// of them and the keys that were used in the same millisecond.
fn most_recently_used(conn: &Connection, organization: OrganizationId) -> Result<Vec<i64>, Error> {
    const LIMIT: usize = KeyStats::RECENT_KEYS as usize;
    let mut statement = conn.prepare_cached(BY_LAST_USE)?;
    let mut rows = statement.query([organization])?;
    let mut found: Vec<(Reverse<Timestamp>, KeyId, i64)> = Vec::with_capacity(LIMIT + 1);
    while found.len() < MAX_CANDIDATES
        && let Some(row) = rows.next()?
    {
        let last_used_at = Reverse(row.get(2)?);
        if found
            .get(LIMIT - 1)
            .is_some_and(|(last, ..)| *last != last_used_at)
        {
            break;
        }
        found.push((last_used_at, row.get(1)?, row.get(0)?));
    }
    found.sort_unstable();
    let newest = found.iter().take(LIMIT);
    Ok(newest.map(|(_, _, row)| *row).collect())
}

/// See [`crate::store::Store::key_status_counts`].
pub(in crate::store) fn key_status_counts(
    conn: &Connection,
    now: Timestamp,
) -> Result<KeyStatusCounts, Error> {
    let mut statement = conn.prepare_cached(STATUS_COUNTS)?;
    Ok(statement.query_row([now], |row| {
        let (total, revoked): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (expired, disabled): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(KeyStatusCounts {
            active: total - revoked - expired - disabled,
            revoked,
            expired,
            disabled,
        })
    })?)
}

/// See [`crate::store::Store::daily_usage`].
pub(in crate::store) fn daily_usage(
    conn: &Connection,
    organization: OrganizationId,
    today: Day,
    days: Option<u32>,
) -> Result<Vec<DailyUsage>, Error> {
    if let Some(days) = days {
        return daily(conn, organization, today, days);
    }
    let mut statement = conn.prepare_cached(DAILY)?;
    let used = statement.query_map(
        params![
            organization,
            Day::from_number(0),
            Day::from_number(i64::MAX)
        ],
        |row| {
            Ok(DailyUsage {
                day: row.get(0)?,
                usage: row::usage(row, 1)?,
            })
        },
    )?;
    Ok(used.collect::<Result<_, _>>()?)
}

/// Returns the last `days` days up to `today`, oldest first. A day without a row is a day without use.
fn daily(
    conn: &Connection,
    organization: OrganizationId,
    today: Day,
    days: u32,
) -> Result<Vec<DailyUsage>, Error> {
    let mut statement = conn.prepare_cached(DAILY)?;
    let first = today.minus(i64::from(days) - 1);
    let used: HashMap<Day, UsageCounts> = statement
        .query_map(params![organization, first, today], |row| {
            Ok((row.get(0)?, row::usage(row, 1)?))
        })?
        .collect::<Result<_, _>>()?;
    let day = |number| {
        let day = Day::from_number(number);
        DailyUsage {
            day,
            usage: used.get(&day).copied().unwrap_or_default(),
        }
    };
    Ok((first.number()..=today.number()).map(day).collect())
}
