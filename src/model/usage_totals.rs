//! Sums of usage events: by key and UTC day, with each key's last use.
//!
//! The store writes the sums instead of the events. Their size depends on the number of keys and days, not on the number
//! of events.

use std::collections::HashMap;

use super::{Day, KeyId, Timestamp, UsageCounts, UsageEvent};

/// The sums of any number of events.
#[derive(Debug, Clone, Default)]
pub struct UsageTotals(HashMap<KeyId, KeyTotals>);

/// The sums of one key.
#[derive(Debug, Clone)]
pub struct KeyTotals {
    /// The instant of the key's last use.
    pub last_used_at: Timestamp,
    /// The key's counts by UTC day.
    pub by_day: HashMap<Day, UsageCounts>,
}

impl UsageTotals {
    /// Adds an event. Returns `false` and adds nothing if a sum overflows.
    #[must_use]
    pub fn add(&mut self, event: UsageEvent) -> bool {
        if event.count == 0 {
            return true;
        }
        let key = self.0.entry(event.key).or_insert_with(|| KeyTotals {
            last_used_at: event.at,
            by_day: HashMap::new(),
        });
        let sum = key.by_day.entry(event.at.day()).or_default();
        let Some(added) = sum.checked_add(UsageCounts::of(event.outcome, event.count)) else {
            return false;
        };
        *sum = added;
        key.last_used_at = key.last_used_at.max(event.at);
        true
    }

    /// Returns the sums of each key, in the order of the keys' ids: rows that are written in one order make the same file
    /// every time, and share pages.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, &KeyTotals)> {
        let mut keys: Vec<_> = self.0.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| **key);
        keys.into_iter().map(|(key, totals)| (*key, totals))
    }

    /// Returns whether there is an event of `key`.
    #[must_use]
    pub fn contains(&self, key: KeyId) -> bool {
        self.0.contains_key(&key)
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl KeyTotals {
    /// Returns the key's counts over all days. `None` if the sum overflows.
    #[must_use]
    pub fn total(&self) -> Option<UsageCounts> {
        let mut days = self.by_day.values();
        days.try_fold(UsageCounts::default(), |sum, day| sum.checked_add(*day))
    }

    /// Returns the first day of the month of the key's last use, and the successful requests in that month.
    #[must_use]
    pub fn newest_month(&self) -> (Day, i64) {
        let first_day = self.last_used_at.day().first_of_month();
        let days = self.by_day.iter().filter(|(day, _)| **day >= first_day);
        let successes = days.map(|(_, counts)| counts.successful_requests).sum();
        (first_day, successes)
    }
}
