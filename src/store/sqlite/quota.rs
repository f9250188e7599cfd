//! Quotas: decides about uses in the transaction that counts them, so that the decision is exact.
//!
//! Called by the writer with the uses of a group, in the order of the queue. SQLite has one writer, and the quota and its
//! use are read in the transaction: a changed quota takes effect with the next use, and imports count. A success over the
//! quota becomes a rate-limit hit. A key without a quota costs nothing here.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{OptionalExtension, Savepoint};

use super::{
    key_days::{self, NewestMonth},
    row, usage,
};
use crate::{
    model::{Day, KeyId, MeteredUse, Outcome, Quota, QuotaState, Timestamp, UseReceipt},
    store::Error,
};

pub(super) const QUOTA: &str = "
    SELECT quota_limit,
           quota_period,
           newest_month,
           newest_month_successes
      FROM api_keys
     WHERE id = ?1";

/// Counts uses that happen now, each as a rate-limit hit if it is over its key's quota. Returns a receipt for each.
pub(super) fn count(tx: &Savepoint<'_>, uses: &[MeteredUse]) -> Result<Vec<UseReceipt>, Error> {
    if !uses.iter().any(|metered| metered.has_quota) {
        usage::count_metered(tx, uses)?;
        return Ok(vec![UseReceipt::WITHOUT_QUOTA; uses.len()]);
    }
    let mut uses = uses.to_vec();
    let mut quotas = Quotas::new(tx);
    let decide = |metered: &mut MeteredUse| quotas.decide(metered);
    let receipts = uses.iter_mut().map(decide).collect::<Result<_, _>>()?;
    usage::count_metered(tx, &uses)?;
    Ok(receipts)
}

/// The quotas of the keys in a group, with the uses that were decided so far.
struct Quotas<'a> {
    tx: &'a Savepoint<'a>,
    /// As they are now; `None` for a key whose quota was removed meanwhile.
    settings: HashMap<KeyId, Option<(Quota, NewestMonth)>>,
    /// By key and first day of the period: at midnight, a group has uses of two periods.
    states: HashMap<(KeyId, Day), QuotaState>,
}

impl<'a> Quotas<'a> {
    fn new(tx: &'a Savepoint<'a>) -> Self {
        Self {
            tx,
            settings: HashMap::new(),
            states: HashMap::new(),
        }
    }

    /// Decides about a use. A success over the quota becomes a rate-limit hit.
    fn decide(&mut self, metered: &mut MeteredUse) -> Result<UseReceipt, Error> {
        let event = &mut metered.event;
        let has_quota = metered.has_quota;
        let quota = if has_quota {
            self.quota(event.key)?
        } else {
            None
        };
        let Some((quota, month)) = quota else {
            return Ok(UseReceipt::WITHOUT_QUOTA);
        };
        let state = self.state(event.key, quota, month, event.at)?;
        let count = i64::from(event.count);
        let is_success = event.outcome == Outcome::Success;
        let is_over_quota = is_success && state.remaining() < count;
        if is_over_quota {
            event.outcome = Outcome::RateLimited;
        } else if is_success {
            state.used += count;
        }
        Ok(UseReceipt {
            is_over_quota,
            quota: Some(*state),
        })
    }

    /// Returns the key's quota and its newest month before the group, which are read once.
    fn quota(&mut self, key: KeyId) -> Result<Option<(Quota, NewestMonth)>, Error> {
        Ok(match self.settings.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(quota(self.tx, key)?),
        })
    }

    /// Returns the state in the period that contains `at`, which is read once.
    fn state(
        &mut self,
        key: KeyId,
        quota: Quota,
        month: NewestMonth,
        at: Timestamp,
    ) -> Result<&mut QuotaState, Error> {
        Ok(
            match self.states.entry((key, quota.period().first_day(at))) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    unknown.insert(key_days::quota_state(self.tx, key, quota, month, at)?)
                }
            },
        )
    }
}

/// Reads a key's quota and its newest month. An unknown key has none; counting its use fails.
fn quota(tx: &Savepoint<'_>, key: KeyId) -> Result<Option<(Quota, NewestMonth)>, Error> {
    let mut statement = tx.prepare_cached(QUOTA)?;
    let found = statement.query_row([key], |row| {
        Ok(row::quota(row, 0)?.zip(Some(row::newest_month(row, 2)?)))
    });
    Ok(found.optional()?.flatten())
}
