//! The status of a key, computed from its dates whenever it is read.
//!
//! The statistics and the filters of a list apply the same rule in SQL.

use super::Timestamp;

/// A key's status at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// Neither revoked, expired nor disabled.
    Active,
    /// Disabled until it is enabled again, neither revoked nor expired.
    Disabled,
    /// Revoked. Permanent, also for a key that has expired.
    Revoked,
    /// Expired, and not revoked. A new expiry revives the key.
    Expired,
}

/// The dates that decide a key's status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyDates {
    /// The instant of its revocation; `None` if it is not revoked.
    pub revoked_at: Option<Timestamp>,
    /// The instant of its expiry; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
    /// The instant at which it was disabled; `None` if it is enabled.
    pub disabled_at: Option<Timestamp>,
}

impl KeyDates {
    /// Returns the status at `now`. Revoked takes precedence over expired, expired over disabled; a key expires at the
    /// millisecond `expires_at`.
    #[must_use]
    pub fn status(self, now: Timestamp) -> KeyStatus {
        if self.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            KeyStatus::Expired
        } else if self.disabled_at.is_some() {
            KeyStatus::Disabled
        } else {
            KeyStatus::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revoked_precedes_expired_and_expired_precedes_disabled() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let status = |revoked_at, expires_at, disabled_at| {
            let dates = KeyDates {
                revoked_at,
                expires_at,
                disabled_at,
            };
            dates.status(Timestamp::from_millis(10))
        };
        assert_eq!(status(at(1), at(1), at(1)), KeyStatus::Revoked);
        assert_eq!(status(None, at(10), at(1)), KeyStatus::Expired);
        assert_eq!(status(None, at(11), at(1)), KeyStatus::Disabled);
        assert_eq!(status(None, at(11), None), KeyStatus::Active);
        assert_eq!(status(None, None, None), KeyStatus::Active);
    }
}
