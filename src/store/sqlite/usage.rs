//! Usage counts: the only code that changes them.
//!
//! A use changes four rows in one transaction: its key, its key's UTC day, its organization's totals, and its
//! organization's UTC day. Live uses, imports and seeds all go through [`add_to_totals`], so that the four cannot
//! disagree.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Savepoint, params};

use super::{key_days, rate_slots, row};
use crate::{
    model::{
        Day, KeyId, KeyTotals, MeteredUse, OrganizationId, UsageCounts, UsageEvent, UsageTotals,
    },
    store::Error,
};

pub(super) const ADD_TO_KEY: &str = "
    UPDATE api_keys
       SET successful_requests = successful_requests + ?2,
           rate_limit_hits = rate_limit_hits + ?3,
           errors = errors + ?4,
           last_used_at = max(coalesce(last_used_at, ?5), ?5)
     WHERE id = ?1
    RETURNING organization_id";

pub(super) const ADD_TO_ORGANIZATION: &str = "
    UPDATE organization_totals
       SET successful_requests = successful_requests + ?2,
           rate_limit_hits = rate_limit_hits + ?3,
           errors = errors + ?4
     WHERE organization_id = ?1";

pub(super) const ADD_TO_DAY: &str = "
    INSERT INTO organization_daily_usage (organization_id, day, successful_requests, rate_limit_hits, errors)
    VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (organization_id, day) DO UPDATE
       SET successful_requests = successful_requests + excluded.successful_requests,
           rate_limit_hits = rate_limit_hits + excluded.rate_limit_hits,
           errors = errors + excluded.errors";

/// Counts uses that happen now. Their successes also count against the keys' rate limits.
pub(super) fn count_metered(tx: &Savepoint<'_>, uses: &[MeteredUse]) -> Result<(), Error> {
    count_events(tx, uses.iter().map(|metered| metered.event))?;
    rate_slots::add(tx, uses)
}

/// Counts events.
pub(super) fn count_events(
    tx: &Savepoint<'_>,
    events: impl IntoIterator<Item = UsageEvent>,
) -> Result<(), Error> {
    let mut totals = UsageTotals::default();
    for event in events {
        if !totals.add(event) {
            return Err(Error::TooLarge);
        }
    }
    add_to_totals(tx, &totals).map(drop)
}

/// Adds sums to the stored ones. Each row is written once, however many events the sums stand for. Returns the sum of
/// each organization.
pub(super) fn add_to_totals(
    tx: &Savepoint<'_>,
    totals: &UsageTotals,
) -> Result<BTreeMap<OrganizationId, UsageCounts>, Error> {
    let mut by_organization: BTreeMap<OrganizationId, UsageCounts> = BTreeMap::new();
    let mut by_day: BTreeMap<(OrganizationId, Day), UsageCounts> = BTreeMap::new();
    let mut by_key: Vec<(Day, KeyId, UsageCounts)> = Vec::new();
    let add = |sum: &mut UsageCounts, counts: UsageCounts| {
        *sum = sum.checked_add(counts).ok_or(Error::TooLarge)?;
        Ok::<_, Error>(())
    };
    for (key, totals) in totals.keys() {
        let organization = add_to_key(tx, key, totals)?;
        for (day, counts) in &totals.by_day {
            by_key.push((*day, key, *counts));
            add(by_organization.entry(organization).or_default(), *counts)?;
            add(by_day.entry((organization, *day)).or_default(), *counts)?;
        }
    }

    key_days::add(tx, by_key)?;
    let mut add_to_organization = tx.prepare_cached(ADD_TO_ORGANIZATION)?;
    for (organization, counts) in &by_organization {
        let changed = add_to_organization.execute(params![
            organization,
            counts.successful_requests,
            counts.rate_limit_hits,
            counts.errors,
        ])?;
        row::expect_one_row(changed)?;
    }
    let mut add_to_day = tx.prepare_cached(ADD_TO_DAY)?;
    for ((organization, day), counts) in by_day {
        add_to_day.execute(params![
            organization,
            day,
            counts.successful_requests,
            counts.rate_limit_hits,
            counts.errors,
        ])?;
    }
    Ok(by_organization)
}

/// Adds a key's sums to the key. Returns the organization that owns it. A key's last use only moves forward.
fn add_to_key(tx: &Savepoint<'_>, key: KeyId, totals: &KeyTotals) -> Result<OrganizationId, Error> {
    let counts = totals.total().ok_or(Error::TooLarge)?;
    tx.prepare_cached(ADD_TO_KEY)?
        .query_row(
            params![
                key,
                counts.successful_requests,
                counts.rate_limit_hits,
                counts.errors,
                totals.last_used_at,
            ],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(Error::UnknownKey(key))
}
