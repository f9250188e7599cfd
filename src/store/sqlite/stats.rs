//! An organization's statistics: stored totals, three range counts, the most recently used keys, and the days.
//!
//! Two statements, three with days, on one snapshot. None reads a row per request. The three counts walk the expired, the
//! never-used and the idle keys.

use std::{collections::HashMap, time::Duration};

use rusqlite::{Connection, Row, named_params, params};

use super::row;
use crate::{
    model::{
        DailyUsage, Day, KeyCounts, KeyDates, KeyStats, KeyStatusCounts, OrganizationId,
        OrganizationRef, RecentKey, Timestamp, UsageCounts, UserId,
    },
    store::{AccessError, Error},
};

/// Returns one row for a member and no row for a non-member. Total and revoked keys are stored; the other counts depend on
/// the current time, so each counts a range of an index.
pub(super) const SUMMARY: &str = "
    SELECT o.id,
           coalesce(t.total_keys, 0),
           coalesce(t.revoked_keys, 0),
           (SELECT count(*)
              FROM api_keys AS k
             WHERE k.organization_id = o.id
               AND k.revoked_at IS NULL
               AND k.expires_at <= :now) AS expired_keys,
           (SELECT count(*)
              FROM api_keys AS k
             WHERE k.organization_id = o.id
               AND k.revoked_at IS NULL
               AND k.last_used_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > :now)) AS never_used_keys,
           (SELECT count(*)
              FROM api_keys AS k
             WHERE k.organization_id = o.id
               AND k.revoked_at IS NULL
               AND k.last_used_at <= :idle_since
               AND (k.expires_at IS NULL OR k.expires_at > :now)) AS inactive_keys,
           coalesce(t.successful_requests, 0),
           coalesce(t.rate_limit_hits, 0),
           coalesce(t.errors, 0)
      FROM organizations AS o
      JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = :user
      LEFT JOIN organization_totals AS t
        ON t.organization_id = o.id
     WHERE o.id = coalesce(:id, (SELECT id FROM organizations WHERE slug = :slug))";

pub(super) const RECENT: &str = "
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
     WHERE organization_id = ?1
       AND last_used_at IS NOT NULL
     ORDER BY last_used_at DESC, id
     LIMIT ?2";

pub(super) const DAILY: &str = "
    SELECT day,
           successful_requests,
           rate_limit_hits,
           errors
      FROM organization_daily_usage
     WHERE organization_id = ?1
       AND day BETWEEN ?2 AND ?3
     ORDER BY day";

/// Reads one row per organization: total and revoked keys are stored there, expired ones are a range of an index.
pub(super) const STATUS_COUNTS: &str = "
    SELECT coalesce(sum(t.total_keys), 0),
           coalesce(sum(t.revoked_keys), 0),
           coalesce(sum((SELECT count(*)
                           FROM api_keys AS k
                          WHERE k.organization_id = t.organization_id
                            AND k.revoked_at IS NULL
                            AND k.expires_at <= ?1)), 0) AS expired_keys
      FROM organization_totals AS t";

const IDLE: Duration = Duration::from_hours(24 * KeyStats::INACTIVE_AFTER_DAYS as u64);

/// See [`crate::store::Store::key_stats`].
pub(in crate::store) fn key_stats(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    now: Timestamp,
    days: Option<u32>,
) -> Result<KeyStats, AccessError> {
    let (id, slug) = row::id_or_slug(organization);
    let mut statement = conn.prepare_cached(SUMMARY)?;
    // One snapshot: it lasts while a statement is unfinished, and `rows` lives to the end of the function.
    // https://sqlite.org/lang_transaction.html, "implicit versus explicit transactions"
    let mut rows = statement.query(named_params! {
        ":id": id,
        ":slug": slug,
        ":user": user,
        ":now": now,
        ":idle_since": now.before(IDLE),
    })?;
    let Some(row) = rows.next()? else {
        return Err(AccessError::NotAMember);
    };
    let (organization, keys, usage) = summary(row)?;
    Ok(KeyStats {
        organization,
        keys,
        usage,
        recent: recent(conn, organization, now)?,
        daily: days
            .map(|days| daily(conn, organization, now.day(), days))
            .transpose()?,
    })
}

fn summary(row: &Row<'_>) -> rusqlite::Result<(OrganizationId, KeyCounts, UsageCounts)> {
    let keys = KeyCounts {
        total: row.get(1)?,
        revoked: row.get(2)?,
        expired: row.get(3)?,
        never_used: row.get(4)?,
        inactive: row.get(5)?,
    };
    Ok((row.get(0)?, keys, row::usage(row, 6)?))
}

fn recent(
    conn: &Connection,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Vec<RecentKey>, Error> {
    let mut statement = conn.prepare_cached(RECENT)?;
    let rows = statement.query_map(params![organization, KeyStats::RECENT_KEYS], |row| {
        Ok(RecentKey {
            id: row.get(0)?,
            name: row.get(1)?,
            preview: row.get(2)?,
            status: KeyDates {
                revoked_at: row.get(3)?,
                expires_at: row.get(4)?,
                disabled_at: row.get(5)?,
            }
            .status(now),
            last_used_at: row.get(6)?,
            total_requests: row::usage(row, 7)?.total_requests(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::key_status_counts`].
pub(in crate::store) fn key_status_counts(
    conn: &Connection,
    now: Timestamp,
) -> Result<KeyStatusCounts, Error> {
    let mut statement = conn.prepare_cached(STATUS_COUNTS)?;
    Ok(statement.query_row([now], |row| {
        let (total, revoked, expired): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(KeyStatusCounts {
            active: total - revoked - expired,
            revoked,
            expired,
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
