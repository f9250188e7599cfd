//! Counts of an organization's keys by status, and what one key contributes to them.
//!
//! The store keeps the counts of each organization as of an instant. An event moves them by the key's contribution after
//! the event minus the one before, both as of that instant. [`KeyState::counts`] is the definition of every count; the
//! store's SQL repeats it for ranges of keys.

use std::ops::{Add, AddAssign, Sub};

use super::{ApiKey, KeyDates, KeyStats, KeyStatus, Timestamp};

/// Counts of an organization's keys by status at one instant, or the difference of two such counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// All keys.
    pub total: i64,
    /// Revoked keys.
    pub revoked: i64,
    /// Expired keys that were not revoked.
    pub expired: i64,
    /// Disabled keys that were not revoked and have not expired.
    pub disabled: i64,
    /// Active keys without any use.
    pub never_used: i64,
    /// Active keys whose last use is [`KeyStats::INACTIVE_AFTER`] ago or more.
    pub inactive: i64,
}

impl KeyCounts {
    /// Returns the number of keys that are neither revoked, expired nor disabled.
    #[must_use]
    pub const fn active(&self) -> i64 {
        self.total - self.revoked - self.expired - self.disabled
    }
}

impl Add for KeyCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            revoked: self.revoked + other.revoked,
            expired: self.expired + other.expired,
            disabled: self.disabled + other.disabled,
            never_used: self.never_used + other.never_used,
            inactive: self.inactive + other.inactive,
        }
    }
}

impl AddAssign for KeyCounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for KeyCounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            total: self.total - other.total,
            revoked: self.revoked - other.revoked,
            expired: self.expired - other.expired,
            disabled: self.disabled - other.disabled,
            never_used: self.never_used - other.never_used,
            inactive: self.inactive - other.inactive,
        }
    }
}

/// Everything about a key that decides how it is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyState {
    /// The dates that decide its status.
    pub dates: KeyDates,
    /// The instant of its last use; `None` if it was never used.
    pub last_used_at: Option<Timestamp>,
}

impl KeyState {
    /// Returns what the key contributes to the counts as of `at`: a total of one, and zero or one of each other count.
    #[must_use]
    pub fn counts(self, at: Timestamp) -> KeyCounts {
        let status = self.dates.status(at);
        let is_active = status == KeyStatus::Active;
        let idle_since = at.before(KeyStats::INACTIVE_AFTER);
        let is_idle = self.last_used_at.is_some_and(|last| last <= idle_since);
        KeyCounts {
            total: 1,
            revoked: i64::from(status == KeyStatus::Revoked),
            expired: i64::from(status == KeyStatus::Expired),
            disabled: i64::from(status == KeyStatus::Disabled),
            never_used: i64::from(is_active && self.last_used_at.is_none()),
            inactive: i64::from(is_active && is_idle),
        }
    }

    /// Returns the state after a use at `at`. The last use only moves forward.
    #[must_use]
    pub fn used(self, at: Timestamp) -> Self {
        Self {
            last_used_at: self.last_used_at.max(Some(at)),
            ..self
        }
    }
}

impl From<&ApiKey> for KeyState {
    fn from(key: &ApiKey) -> Self {
        Self {
            dates: key.dates(),
            last_used_at: key.last_used_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(100 * 86_400_000);

    /// The latest use of an inactive key.
    const EDGE: Timestamp = Timestamp::from_millis(70 * 86_400_000);

    #[test]
    fn counts_of_a_key_are_one_status_and_for_active_keys_its_use() {
        let one = KeyCounts {
            total: 1,
            ..KeyCounts::default()
        };
        let dates = |revoked_at, expires_at, disabled_at| KeyDates {
            revoked_at,
            expires_at,
            disabled_at,
        };
        let active = KeyDates::default();
        let expired = dates(None, Some(NOW), Some(NOW));
        for (dates, last_used_at, expected) in [
            (
                active,
                None,
                KeyCounts {
                    never_used: 1,
                    ..one
                },
            ),
            (active, Some(EDGE), KeyCounts { inactive: 1, ..one }),
            (
                active,
                Some(Timestamp::from_millis(EDGE.as_millis() + 1)),
                one,
            ),
            (
                dates(Some(NOW), Some(NOW), None),
                None,
                KeyCounts { revoked: 1, ..one },
            ),
            (expired, None, KeyCounts { expired: 1, ..one }),
            (
                dates(None, None, Some(NOW)),
                Some(EDGE),
                KeyCounts { disabled: 1, ..one },
            ),
        ] {
            let state = KeyState {
                dates,
                last_used_at,
            };
            assert_eq!(state.counts(NOW), expected, "{state:?}");
        }
    }

    #[test]
    fn used_moves_the_last_use_forward_only() {
        let state = KeyState::default().used(NOW);
        assert_eq!(state.last_used_at, Some(NOW));
        assert_eq!(state.used(NOW.before(KeyStats::INACTIVE_AFTER)), state);
    }
}
