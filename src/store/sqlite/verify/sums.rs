//! Compares kept sums with sums that are computed from scratch.
//!
//! Called by [`super::verify`] and by a restore. One pass over the keys, one over the days of organizations, and one over
//! the days of keys. The statements read whole tables, in their own order. Invariant: a finding is a fault; days that the
//! retention has deleted, or that are older than a migration, are not reported.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::Problem;
use crate::{
    model::{Day, KeyCounts, KeyId, KeyState, OrganizationId, Timestamp, UsageCounts},
    store::sqlite::{key_days, row, schema},
};

/// The version that introduced the counts of keys by status and the counts of keys by day.
const VERSION_WITH_KEY_COUNTS: u32 = 3;

const ALL_KEYS: &str = "
    SELECT organization_id,
           revoked_at,
           expires_at,
           disabled_at,
           last_used_at,
           successful_requests,
           rate_limit_hits,
           errors
      FROM api_keys NOT INDEXED";

const ALL_KEYS_BEFORE_V3: &str = "
    SELECT organization_id,
           revoked_at,
           expires_at,
           NULL,
           last_used_at,
           successful_requests,
           rate_limit_hits,
           errors
      FROM api_keys NOT INDEXED";

const ALL_TOTALS: &str = "
    SELECT o.id,
           t.counted_at,
           t.successful_requests,
           t.rate_limit_hits,
           t.errors,
           t.total_keys,
           t.revoked_keys,
           t.expired_keys,
           t.disabled_keys,
           t.never_used_keys,
           t.inactive_keys
      FROM organizations AS o
      JOIN organization_totals AS t
        ON t.organization_id = o.id";

const ALL_TOTALS_BEFORE_V3: &str = "
    SELECT o.id,
           0,
           t.successful_requests,
           t.rate_limit_hits,
           t.errors,
           t.total_keys,
           t.revoked_keys,
           0,
           0,
           0,
           0
      FROM organizations AS o
      JOIN organization_totals AS t
        ON t.organization_id = o.id";

const WITHOUT_TOTALS: &str = "
    SELECT id
      FROM organizations
     WHERE id NOT IN (SELECT organization_id
                        FROM organization_totals)
     LIMIT 1";

const ALL_DAYS: &str = "
    SELECT organization_id,
           day,
           successful_requests,
           rate_limit_hits,
           errors
      FROM organization_daily_usage";

/// In the order of the table, which is by day.
const ALL_DAYS_OF_KEYS: &str = "
    SELECT u.day,
           k.organization_id,
           u.successful_requests,
           u.rate_limit_hits,
           u.errors
      FROM key_daily_usage AS u
     CROSS JOIN api_keys AS k
        ON k.id = u.key_id
     ORDER BY u.day";

const MONTHS_OF_QUOTAS: &str = "
    SELECT id,
           newest_month,
           newest_month_successes
      FROM api_keys
     WHERE quota_period = 'month'
       AND newest_month IS NOT NULL";

/// Returns the first kept sum that differs from the computed one.
pub(in crate::store::sqlite) fn sums(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let version = schema::version(conn)?;
    if let Some(problem) = totals(conn, version)? {
        return Ok(Some(problem));
    }
    if version < VERSION_WITH_KEY_COUNTS {
        return Ok(None);
    }
    match days_of_keys(conn)? {
        None => months_of_quotas(conn),
        problem => Ok(problem),
    }
}

/// The totals of an organization as they are kept, and as they add up.
struct Totals {
    counted_at: Timestamp,
    kept_usage: UsageCounts,
    kept_keys: KeyCounts,
    usage: UsageCounts,
    days: UsageCounts,
    keys: KeyCounts,
}

fn totals(conn: &Connection, version: u32) -> rusqlite::Result<Option<Problem>> {
    let mut without = conn.prepare(WITHOUT_TOTALS)?;
    if let Some(row) = without.query([])?.next()? {
        return Ok(Some(Problem::NoTotals(row.get(0)?)));
    }
    let has_counts = version >= VERSION_WITH_KEY_COUNTS;
    let mut totals = kept_totals(conn, has_counts)?;
    add_keys(conn, &mut totals, has_counts)?;
    add_days(conn, &mut totals)?;
    let mut problems = totals
        .iter()
        .filter_map(|(organization, totals)| totals.problem(*organization, has_counts));
    Ok(problems.next())
}

fn kept_totals(
    conn: &Connection,
    has_counts: bool,
) -> rusqlite::Result<BTreeMap<OrganizationId, Totals>> {
    let mut statement = conn.prepare(if has_counts {
        ALL_TOTALS
    } else {
        ALL_TOTALS_BEFORE_V3
    })?;
    let totals = statement.query_map([], |row| {
        let totals = Totals {
            counted_at: row.get(1)?,
            kept_usage: row::usage(row, 2)?,
            kept_keys: KeyCounts {
                total: row.get(5)?,
                revoked: row.get(6)?,
                expired: row.get(7)?,
                disabled: row.get(8)?,
                never_used: row.get(9)?,
                inactive: row.get(10)?,
            },
            usage: UsageCounts::default(),
            days: UsageCounts::default(),
            keys: KeyCounts::default(),
        };
        Ok((row.get(0)?, totals))
    })?;
    totals.collect()
}

fn add_keys(
    conn: &Connection,
    totals: &mut BTreeMap<OrganizationId, Totals>,
    has_counts: bool,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(if has_counts {
        ALL_KEYS
    } else {
        ALL_KEYS_BEFORE_V3
    })?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A key without an organization is a problem of its reference.
        let Some(totals) = totals.get_mut(&row.get(0)?) else {
            continue;
        };
        let state = KeyState {
            dates: row::key_dates(row, 1)?,
            last_used_at: row.get(4)?,
        };
        totals.keys += state.counts(totals.counted_at);
        totals.usage = with(totals.usage, row, 5)?;
    }
    Ok(())
}

fn add_days(
    conn: &Connection,
    totals: &mut BTreeMap<OrganizationId, Totals>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(ALL_DAYS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(totals) = totals.get_mut(&row.get(0)?) {
            totals.days = with(totals.days, row, 2)?;
        }
    }
    Ok(())
}

/// Adds the counts in three columns. A sum that is too large to be stored cannot be a kept one.
fn with(sum: UsageCounts, row: &Row<'_>, first: usize) -> rusqlite::Result<UsageCounts> {
    Ok(sum
        .checked_add(row::usage(row, first)?)
        .unwrap_or(UsageCounts {
            successful_requests: -1,
            rate_limit_hits: -1,
            errors: -1,
        }))
}

impl Totals {
    /// Returns the first kept total that is not the sum over the keys or the days.
    fn problem(&self, organization: OrganizationId, has_counts: bool) -> Option<Problem> {
        let usage = |of: &str, kept: UsageCounts, computed: UsageCounts| {
            let kept = [kept.successful_requests, kept.rate_limit_hits, kept.errors];
            let computed = [
                computed.successful_requests,
                computed.rate_limit_hits,
                computed.errors,
            ];
            let names = ["successful_requests", "rate_limit_hits", "errors"];
            first_difference(
                &names.map(|name| format!("{name} over the {of}")),
                &kept,
                &computed,
            )
        };
        let keys = || {
            let names = [
                "total_keys",
                "revoked_keys",
                "expired_keys",
                "disabled_keys",
                "never_used_keys",
                "inactive_keys",
            ];
            let columns = if has_counts { 6 } else { 2 };
            first_difference(
                &names.map(str::to_owned)[..columns],
                &counts(self.kept_keys)[..columns],
                &counts(self.keys)[..columns],
            )
        };
        let found = keys()
            .or_else(|| usage("keys", self.kept_usage, self.usage))
            .or_else(|| usage("days", self.kept_usage, self.days));
        let (name, kept, computed) = found?;
        Some(Problem::Sum {
            sum: format!("{name} of the organization {}", organization.0),
            kept,
            computed,
        })
    }
}

fn counts(keys: KeyCounts) -> [i64; 6] {
    [
        keys.total,
        keys.revoked,
        keys.expired,
        keys.disabled,
        keys.never_used,
        keys.inactive,
    ]
}

fn first_difference(
    names: &[String],
    kept: &[i64],
    computed: &[i64],
) -> Option<(String, i64, i64)> {
    let mut values = names.iter().zip(kept).zip(computed);
    let ((name, kept), computed) = values.find(|((_, kept), computed)| kept != computed)?;
    Some((name.clone(), *kept, *computed))
}

/// Returns the first day on which keys have more uses than their organization. They may have fewer: days of keys end with the
/// retention, and begin with the version that counts them.
fn days_of_keys(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let mut statement = conn.prepare(ALL_DAYS_OF_KEYS)?;
    let mut rows = statement.query([])?;
    let mut day: Option<Day> = None;
    let mut sums: BTreeMap<OrganizationId, UsageCounts> = BTreeMap::new();
    loop {
        let row = rows.next()?;
        let next: Option<Day> = row.map(|row| row.get(0)).transpose()?;
        if let Some(day) = day
            && next != Some(day)
        {
            for (organization, counts) in std::mem::take(&mut sums) {
                if let Some(problem) = more_than_on_day(conn, organization, day, counts)? {
                    return Ok(Some(problem));
                }
            }
        }
        let Some(row) = row else {
            return Ok(None);
        };
        day = next;
        let counts = sums.entry(row.get(1)?).or_default();
        *counts = with(*counts, row, 2)?;
    }
}

const ORGANIZATION_DAY: &str = "
    SELECT successful_requests + rate_limit_hits + errors
      FROM organization_daily_usage
     WHERE organization_id = ?1
       AND day = ?2";

fn more_than_on_day(
    conn: &Connection,
    organization: OrganizationId,
    day: Day,
    of_keys: UsageCounts,
) -> rusqlite::Result<Option<Problem>> {
    let mut statement = conn.prepare_cached(ORGANIZATION_DAY)?;
    let mut rows = statement.query((organization, day))?;
    let kept: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    let computed = of_keys.total_requests();
    Ok((computed > kept || computed < 0).then(|| Problem::Sum {
        sum: format!("the day {day} of the organization {}", organization.0),
        kept,
        computed,
    }))
}

/// Returns the first month of a quota that is kept lower than its days add up to, which would admit requests over the quota.
fn months_of_quotas(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let mut statement = conn.prepare(MONTHS_OF_QUOTAS)?;
    let mut days = conn.prepare(key_days::SUCCESSES_IN_MONTH)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, month, kept): (KeyId, Day, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let end = month.first_of_next_month();
        let computed: i64 = days.query_row((month, end, key), |row| row.get(0))?;
        if computed > kept {
            return Ok(Some(Problem::Sum {
                sum: format!("the month from {month} of the key {}", key.0),
                kept,
                computed,
            }));
        }
    }
    Ok(None)
}
