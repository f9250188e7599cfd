//! Uses added up: of each key by day, and when each key was last used.
//!
//! What is written to the database at once, however many uses it stands for. Its size depends on how many keys and
//! days there are, not on how many uses.

use std::collections::HashMap;

use super::{Day, KeyId, Timestamp, Usage, Use};

/// The sums of any number of uses.
#[derive(Debug, Clone, Default)]
pub struct Tally(HashMap<KeyId, KeyTally>);

/// The sums of one key.
#[derive(Debug, Clone)]
pub struct KeyTally {
    /// The key's last use.
    pub last: Timestamp,
    /// Its uses by the UTC day that they fall on.
    pub by_day: HashMap<Day, Usage>,
}

impl Tally {
    /// Adds a use; `false`, and nothing is added, if a sum gets too large to be stored.
    #[must_use]
    pub fn add(&mut self, used: Use) -> bool {
        if used.count == 0 {
            return true;
        }
        let key = self.0.entry(used.key).or_insert_with(|| KeyTally {
            last: used.at,
            by_day: HashMap::new(),
        });
        let sum = key.by_day.entry(used.at.day()).or_default();
        let Some(added) = sum.checked_add(Usage::of(used.outcome, used.count)) else {
            return false;
        };
        *sum = added;
        key.last = key.last.max(used.at);
        true
    }

    /// The sums, key by key, in the order of the keys' ids: what is written in an order is the same file every time, and
    /// is written to neighbouring pages.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, &KeyTally)> {
        let mut keys: Vec<_> = self.0.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| **key);
        keys.into_iter().map(|(key, tally)| (*key, tally))
    }

    /// Whether there is a use of `key`.
    #[must_use]
    pub fn contains(&self, key: KeyId) -> bool {
        self.0.contains_key(&key)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no use at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl KeyTally {
    /// All uses of the key; `None` if the sum gets too large to be stored.
    #[must_use]
    pub fn total(&self) -> Option<Usage> {
        let mut days = self.by_day.values();
        days.try_fold(Usage::default(), |sum, day| sum.checked_add(*day))
    }
}
