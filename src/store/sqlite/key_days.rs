//! Counts of a key by UTC day.
//!
//! Written by [`super::usage`] in the transaction that moves the other totals. Rows are stored by day first, so a key's
//! days are one lookup each: at most 90 for a response. Their sum over an organization's keys is the organization's day.
//! The sum of a key's newest month is in the key's row, for monthly quotas.

use std::cmp::Ordering;

use rusqlite::{Connection, OptionalExtension, Savepoint, params};

use super::row;
use crate::{
    model::{
        DailyUsage, Day, KeyId, OrganizationId, Quota, QuotaPeriod, QuotaState, Timestamp,
        UsageCounts,
    },
    store::Error,
};

pub(super) const ADD: &str = "
    INSERT INTO key_daily_usage (day, key_id, successful_requests, rate_limit_hits, errors)
    VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (day, key_id) DO UPDATE
       SET successful_requests = successful_requests + excluded.successful_requests,
           rate_limit_hits = rate_limit_hits + excluded.rate_limit_hits,
           errors = errors + excluded.errors";

pub(super) const ON_DAY: &str = "
    SELECT successful_requests,
           rate_limit_hits,
           errors
      FROM key_daily_usage
     WHERE day = ?1
       AND key_id = ?2";

/// Sums the days of a month, each by one lookup: after the clock was set back to an earlier month than the newest. Days of
/// the month after the current one count as well.
pub(super) const SUCCESSES_IN_MONTH: &str = "
    SELECT coalesce(sum(successful_requests), 0)
      FROM key_daily_usage
     WHERE day IN (?1, ?1 + 1, ?1 + 2, ?1 + 3, ?1 + 4, ?1 + 5, ?1 + 6, ?1 + 7, ?1 + 8, ?1 + 9, ?1 + 10,
                   ?1 + 11, ?1 + 12, ?1 + 13, ?1 + 14, ?1 + 15, ?1 + 16, ?1 + 17, ?1 + 18, ?1 + 19, ?1 + 20,
                   ?1 + 21, ?1 + 22, ?1 + 23, ?1 + 24, ?1 + 25, ?1 + 26, ?1 + 27, ?1 + 28, ?1 + 29, ?1 + 30)
       AND +day < ?2
       AND key_id = ?3";

/// A range of the day's rows; the organization of each is looked up, so that the rows are in the order of the keys' ids.
pub(super) const BY_KEY: &str = "
    SELECT u.key_id,
           u.successful_requests,
           u.rate_limit_hits,
           u.errors
      FROM key_daily_usage AS u
     CROSS JOIN api_keys AS k
        ON k.id = u.key_id
     WHERE u.day = ?1
       AND k.organization_id = ?2
     ORDER BY u.key_id";

/// The newest month in which a key was used, and its successful requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewestMonth {
    /// The first day of the month; `None` before the first use.
    pub(super) first_day: Option<Day>,
    /// The sum of the month's days.
    pub(super) successful_requests: i64,
}

/// Adds counts to keys and their days, in the order of the table: rows that are written in one order make the same file
/// every time, and share pages.
pub(super) fn add(
    tx: &Savepoint<'_>,
    mut counts: Vec<(Day, KeyId, UsageCounts)>,
) -> Result<(), Error> {
    counts.sort_unstable_by_key(|(day, key, _)| (*day, *key));
    let mut add = tx.prepare_cached(ADD)?;
    for (day, key, counts) in counts {
        add.execute(params![
            day,
            key,
            counts.successful_requests,
            counts.rate_limit_hits,
            counts.errors,
        ])?;
    }
    Ok(())
}

/// Returns the use of a key's quota in the period that contains `now`.
pub(super) fn quota_state(
    conn: &Connection,
    key: KeyId,
    quota: Quota,
    month: NewestMonth,
    now: Timestamp,
) -> rusqlite::Result<QuotaState> {
    let resets_at = quota.period().end(now);
    let used = match quota.period() {
        QuotaPeriod::Day => on_day(conn, key, now.day())?.successful_requests,
        QuotaPeriod::Month => {
            let first_day = quota.period().first_day(now);
            match month.first_day.cmp(&Some(first_day)) {
                Ordering::Less => 0,
                Ordering::Equal => month.successful_requests,
                Ordering::Greater => conn
                    .prepare_cached(SUCCESSES_IN_MONTH)?
                    .query_row(params![first_day, resets_at.day(), key], |row| row.get(0))?,
            }
        }
    };
    Ok(QuotaState {
        quota,
        used,
        resets_at,
    })
}

/// See [`crate::store::Store::key_daily_usage`].
pub(in crate::store) fn daily(
    conn: &Connection,
    key: KeyId,
    today: Day,
    days: u32,
) -> rusqlite::Result<Vec<DailyUsage>> {
    let first = today.minus(i64::from(days) - 1);
    let days = (first.number()..=today.number()).map(Day::from_number);
    days.map(|day| {
        let usage = on_day(conn, key, day)?;
        Ok(DailyUsage { day, usage })
    })
    .collect()
}

/// See [`crate::store::Store::usage_by_key`].
pub(in crate::store) fn by_key(
    conn: &Connection,
    organization: OrganizationId,
    day: Day,
) -> Result<Vec<(KeyId, UsageCounts)>, Error> {
    let mut statement = conn.prepare_cached(BY_KEY)?;
    let rows = statement.query_map(params![day, organization], |row| {
        Ok((row.get(0)?, row::usage(row, 1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns a key's counts of one day; zeros for a day without use.
fn on_day(conn: &Connection, key: KeyId, day: Day) -> rusqlite::Result<UsageCounts> {
    let mut statement = conn.prepare_cached(ON_DAY)?;
    let found = statement.query_row(params![day, key], |row| row::usage(row, 0));
    Ok(found.optional()?.unwrap_or_default())
}
