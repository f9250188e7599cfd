//! Recording use: the one function that moves totals.
//!
//! A use moves three things, in one transaction: its key's counts and last use, its organization's totals, and
//! its organization's UTC day. Whatever else comes to record use goes through here, so that the three can
//! never disagree.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Savepoint, params};

use super::{rate, row};
use crate::{
    model::{Day, KeyId, KeyTally, LiveUse, OrganizationId, Tally, Usage, Use},
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

pub(super) const ADD_TO_TOTALS: &str = "
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

/// Adds the uses to all totals; see [`crate::store::Store::record`].
pub(in crate::store) fn record(
    tx: &Savepoint<'_>,
    uses: impl IntoIterator<Item = Use>,
) -> Result<(), Error> {
    let mut tally = Tally::default();
    for used in uses {
        if !tally.add(used) {
            return Err(Error::TooLarge);
        }
    }
    record_tally(tx, &tally).map(drop)
}

/// The same for uses that happen now; see [`crate::store::Store::record_live`].
pub(in crate::store) fn record_live(tx: &Savepoint<'_>, uses: &[LiveUse]) -> Result<(), Error> {
    record(tx, uses.iter().map(|live| live.used))?;
    rate::count(tx, uses)
}

/// Adds a tally to all totals. Each row is written once, however many uses the tally sums up. Returns the sum of each
/// organization.
pub(super) fn record_tally(
    tx: &Savepoint<'_>,
    tally: &Tally,
) -> Result<BTreeMap<OrganizationId, Usage>, Error> {
    let mut by_organization: BTreeMap<OrganizationId, Usage> = BTreeMap::new();
    let mut by_day: BTreeMap<(OrganizationId, Day), Usage> = BTreeMap::new();
    let add = |sum: &mut Usage, used: Usage| {
        *sum = sum.checked_add(used).ok_or(Error::TooLarge)?;
        Ok::<_, Error>(())
    };
    for (key, tally) in tally.keys() {
        let organization = add_to_key(tx, key, tally)?;
        for (day, used) in &tally.by_day {
            add(by_organization.entry(organization).or_default(), *used)?;
            add(by_day.entry((organization, *day)).or_default(), *used)?;
        }
    }

    let mut add_to_totals = tx.prepare_cached(ADD_TO_TOTALS)?;
    for (organization, used) in &by_organization {
        let changed = add_to_totals.execute(params![
            organization,
            used.successful_requests,
            used.rate_limit_hits,
            used.errors,
        ])?;
        row::one(changed)?;
    }
    let mut add_to_day = tx.prepare_cached(ADD_TO_DAY)?;
    for ((organization, day), used) in by_day {
        add_to_day.execute(params![
            organization,
            day,
            used.successful_requests,
            used.rate_limit_hits,
            used.errors,
        ])?;
    }
    Ok(by_organization)
}

fn add_to_key(tx: &Savepoint<'_>, key: KeyId, used: &KeyTally) -> Result<OrganizationId, Error> {
    let total = used.total().ok_or(Error::TooLarge)?;
    tx.prepare_cached(ADD_TO_KEY)?
        .query_row(
            params![
                key,
                total.successful_requests,
                total.rate_limit_hits,
                total.errors,
                used.last,
            ],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(Error::UnknownKey(key))
}
