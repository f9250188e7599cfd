//! Usage counts: the only code that changes them.
//!
//! A use changes four rows in one transaction: its key, its key's UTC day, its organization's totals, and its
//! organization's UTC day. Live uses, imports and seeds all go through [`add_to_totals`], so that the four cannot
//! disagree. A first use, and a use of an inactive key, also move the organization's counts of keys, which are in the row
//! of its totals: see [`super::key_counts`].

use std::collections::{BTreeMap, btree_map::Entry};

use rusqlite::{OptionalExtension, Savepoint, params};

use super::{key_counts, key_days, rate_slots, row};
use crate::{
    model::{
        Day, KeyCounts, KeyId, KeyState, KeyTotals, MeteredUse, OrganizationId, Timestamp,
        UsageCounts, UsageEvent, UsageTotals,
    },
    store::Error,
};

pub(super) const KEY_STATE: &str = "
    SELECT organization_id,
           revoked_at,
           expires_at,
           disabled_at,
           last_used_at
      FROM api_keys
     WHERE id = ?1";

pub(super) const ADD_TO_KEY: &str = "
    UPDATE api_keys
       SET successful_requests = successful_requests + ?2,
           rate_limit_hits = rate_limit_hits + ?3,
           errors = errors + ?4,
           last_used_at = ?5,
           newest_month = max(coalesce(newest_month, ?6), ?6),
           newest_month_successes = CASE
             WHEN newest_month > ?6 THEN newest_month_successes
             WHEN newest_month = ?6 THEN newest_month_successes + ?7
             ELSE ?7
           END
     WHERE id = ?1";

/// A use can only make a never-used or inactive key one that is neither.
pub(super) const ADD_TO_ORGANIZATION: &str = "
    UPDATE organization_totals
       SET successful_requests = successful_requests + ?2,
           rate_limit_hits = rate_limit_hits + ?3,
           errors = errors + ?4,
           never_used_keys = never_used_keys + ?5,
           inactive_keys = inactive_keys + ?6
     WHERE organization_id = ?1";

pub(super) const ADD_TO_DAY: &str = "
    INSERT INTO organization_daily_usage (organization_id, day, successful_requests, rate_limit_hits, errors)
    VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (organization_id, day) DO UPDATE
       SET successful_requests = successful_requests + excluded.successful_requests,
           rate_limit_hits = rate_limit_hits + excluded.rate_limit_hits,
           errors = errors + excluded.errors";

/// The sums of a group for the totals of one organization.
struct OrganizationSums {
    usage: UsageCounts,
    keys: KeyCounts,
    /// The instant that the counts of keys are as of.
    counted_at: Timestamp,
}

/// Counts uses that happen now. Their successes also count against the keys' rate limits.
pub(super) fn count_metered(tx: &Savepoint<'_>, uses: &[MeteredUse]) -> Result<(), Error> {
    count_events(tx, uses.iter().map(|metered| metered.event))?;
    rate_slots::add(tx, uses)
}

/// Counts events, the latest of which happens now.
pub(super) fn count_events(
    tx: &Savepoint<'_>,
    events: impl IntoIterator<Item = UsageEvent>,
) -> Result<(), Error> {
    let mut totals = UsageTotals::default();
    let mut now = None;
    for event in events {
        now = now.max(Some(event.at));
        if !totals.add(event) {
            return Err(Error::TooLarge);
        }
    }
    match now {
        Some(now) => add_to_totals(tx, &totals, now).map(drop),
        None => Ok(()),
    }
}

/// Adds sums to the stored ones. Each row is written once, however many events the sums stand for. Returns the sum of
/// each organization.
pub(super) fn add_to_totals(
    tx: &Savepoint<'_>,
    totals: &UsageTotals,
    now: Timestamp,
) -> Result<BTreeMap<OrganizationId, UsageCounts>, Error> {
    let mut by_organization: BTreeMap<OrganizationId, OrganizationSums> = BTreeMap::new();
    let mut by_day: BTreeMap<(OrganizationId, Day), UsageCounts> = BTreeMap::new();
    let mut by_key: Vec<(Day, KeyId, UsageCounts)> = Vec::new();
    for (key, totals) in totals.keys() {
        let (organization, before) = key_state(tx, key)?;
        // Before the organization's first key is changed: counts that are rolled forward must agree with the keys.
        let sums = match by_organization.entry(organization) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(OrganizationSums {
                usage: UsageCounts::default(),
                keys: KeyCounts::default(),
                counted_at: key_counts::counted_recently(tx, organization, now)?,
            }),
        };
        let after = before.used(totals.last_used_at);
        sums.keys += after.counts(sums.counted_at) - before.counts(sums.counted_at);
        add_to_key(tx, key, totals, after)?;
        for (day, counts) in &totals.by_day {
            by_key.push((*day, key, *counts));
            add(&mut sums.usage, *counts)?;
            add(by_day.entry((organization, *day)).or_default(), *counts)?;
        }
    }
    key_days::add(tx, by_key)?;
    add_to_organizations(tx, &by_organization)?;
    add_to_days(tx, by_day)?;
    let usage = |(organization, sums): (_, OrganizationSums)| (organization, sums.usage);
    Ok(by_organization.into_iter().map(usage).collect())
}

fn add(sum: &mut UsageCounts, counts: UsageCounts) -> Result<(), Error> {
    *sum = sum.checked_add(counts).ok_or(Error::TooLarge)?;
    Ok(())
}

/// Returns the organization that owns a key, and the key's state.
fn key_state(tx: &Savepoint<'_>, key: KeyId) -> Result<(OrganizationId, KeyState), Error> {
    let mut statement = tx.prepare_cached(KEY_STATE)?;
    let found = statement.query_row([key], |row| {
        let state = KeyState {
            dates: row::key_dates(row, 1)?,
            last_used_at: row.get(4)?,
        };
        Ok((row.get(0)?, state))
    });
    found.optional()?.ok_or(Error::UnknownKey(key))
}

/// Adds a key's sums to the key, whose state is `after` then.
fn add_to_key(
    tx: &Savepoint<'_>,
    key: KeyId,
    totals: &KeyTotals,
    after: KeyState,
) -> Result<(), Error> {
    let counts = totals.total().ok_or(Error::TooLarge)?;
    let (month, successes) = totals.newest_month();
    let changed = tx.prepare_cached(ADD_TO_KEY)?.execute(params![
        key,
        counts.successful_requests,
        counts.rate_limit_hits,
        counts.errors,
        after.last_used_at,
        month,
        successes,
    ])?;
    row::expect_one_row(changed)
}

fn add_to_organizations(
    tx: &Savepoint<'_>,
    by_organization: &BTreeMap<OrganizationId, OrganizationSums>,
) -> Result<(), Error> {
    let mut add = tx.prepare_cached(ADD_TO_ORGANIZATION)?;
    for (organization, OrganizationSums { usage, keys, .. }) in by_organization {
        let changed = add.execute(params![
            organization,
            usage.successful_requests,
            usage.rate_limit_hits,
            usage.errors,
            keys.never_used,
            keys.inactive,
        ])?;
        row::expect_one_row(changed)?;
    }
    Ok(())
}

fn add_to_days(
    tx: &Savepoint<'_>,
    by_day: BTreeMap<(OrganizationId, Day), UsageCounts>,
) -> Result<(), Error> {
    let mut add = tx.prepare_cached(ADD_TO_DAY)?;
    for ((organization, day), counts) in by_day {
        add.execute(params![
            organization,
            day,
            counts.successful_requests,
            counts.rate_limit_hits,
            counts.errors,
        ])?;
    }
    Ok(())
}
