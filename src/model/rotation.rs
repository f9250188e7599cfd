//! Rotation: a key gets a new secret, and the secrets that it has had until then stop working, now or later.
//!
//! A key has at most two working secrets: the newest, and the previous one during the grace period of a rotation.
//! [`Rotation::decide`] is the rule; the store calls it in the transaction that rotates the key.

use std::time::Duration;

use super::{ApiKey, KeyStatus, Secret, Timestamp};

/// A rotation to be carried out.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The new secret.
    pub secret: Secret,
    /// The time of the rotation.
    pub at: Timestamp,
    /// How long the newest secret works beside the new one, at most [`Rotation::MAX_GRACE`]. Zero ends all older
    /// secrets at once.
    pub grace: Duration,
    /// Whether a rotation during a grace period replaces the newest secret. Otherwise it is refused.
    pub replace_new: bool,
}

/// The effect of a rotation on the secrets that the key has had until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderSecrets {
    /// All of them stop working at once.
    End,
    /// The newest becomes the previous secret and works until the end of its grace period.
    KeepNewest {
        /// The end of the grace period.
        grace_end: Timestamp,
    },
    /// The newest stops working at once. The previous one keeps its grace period.
    KeepPrevious {
        /// The end of the grace period.
        grace_end: Timestamp,
    },
}

impl OlderSecrets {
    /// Returns the end of the grace period; `None` if no older secret works.
    #[must_use]
    pub fn grace_end(self) -> Option<Timestamp> {
        match self {
            Self::End => None,
            Self::KeepNewest { grace_end } | Self::KeepPrevious { grace_end } => Some(grace_end),
        }
    }
}

/// The reason why a key cannot be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationRefused {
    /// The key is revoked.
    Revoked,
    /// The key has expired.
    Expired,
    /// The previous secret still works, until this instant. Another rotation would end a secret that may be in use.
    InProgress(Timestamp),
}

/// The outcome of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateOutcome {
    /// The key with its new secret's preview.
    pub key: ApiKey,
    /// The effect on its older secrets.
    pub older_secrets: OlderSecrets,
}

impl Rotation {
    /// The longest grace period: a week.
    pub const MAX_GRACE: Duration = Duration::from_hours(7 * 24);

    /// Decides whether `key` can be rotated, and which of its secrets keep working. `previous` is the end of the
    /// previous secret's grace period, if the key has a previous secret.
    ///
    /// During a grace period a rotation is refused, so that a client that retries cannot end the secret that is
    /// deployed, unless it ends all older secrets or replaces the newest one.
    ///
    /// # Errors
    /// When the key is not active, or a grace period has not ended.
    pub fn decide(
        &self,
        key: &ApiKey,
        previous: Option<Timestamp>,
    ) -> Result<OlderSecrets, RotationRefused> {
        match key.status(self.at) {
            KeyStatus::Active | KeyStatus::Disabled => {}
            KeyStatus::Revoked => return Err(RotationRefused::Revoked),
            KeyStatus::Expired => return Err(RotationRefused::Expired),
        }
        if self.grace.is_zero() {
            return Ok(OlderSecrets::End);
        }
        match previous.filter(|end| *end > self.at) {
            None => Ok(OlderSecrets::KeepNewest {
                grace_end: self.at.after(self.grace),
            }),
            Some(grace_end) if self.replace_new => Ok(OlderSecrets::KeepPrevious { grace_end }),
            Some(grace_end) => Err(RotationRefused::InProgress(key.secret_end(grace_end))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn key(revoked_at: Option<i64>, expires_at: Option<i64>) -> ApiKey {
        ApiKey {
            expires_at: expires_at.map(at),
            revoked_at: revoked_at.map(at),
            ..ApiKey::named("x")
        }
    }

    /// A rotation at 1,000 ms.
    fn rotation(grace_millis: u64, replace_new: bool) -> Rotation {
        Rotation {
            secret: Secret::generate([0; 32]),
            at: at(1000),
            grace: Duration::from_millis(grace_millis),
            replace_new,
        }
    }

    #[test]
    fn decide_follows_the_previous_secret_the_grace_and_replace_new() {
        use OlderSecrets::{End, KeepNewest, KeepPrevious};
        let keep_newest = Ok(KeepNewest {
            grace_end: at(1500),
        });
        let keep_previous = Ok(KeepPrevious {
            grace_end: at(1001),
        });
        let in_progress = Err(RotationRefused::InProgress(at(1001)));
        for (previous, grace, replace_new, expected) in [
            (None, 500, false, keep_newest),
            (None, 500, true, keep_newest),
            (None, 0, false, Ok(End)),
            (None, 0, true, Ok(End)),
            // Ended at this very millisecond.
            (Some(1000), 500, false, keep_newest),
            (Some(1000), 500, true, keep_newest),
            (Some(1001), 500, false, in_progress),
            (Some(1001), 500, true, keep_previous),
            (Some(1001), 0, false, Ok(End)),
            (Some(1001), 0, true, Ok(End)),
        ] {
            let decided = rotation(grace, replace_new).decide(&key(None, None), previous.map(at));
            assert_eq!(decided, expected, "{previous:?} {grace} {replace_new}");
        }
    }

    #[test]
    fn decide_refuses_an_inactive_key_before_anything_else() {
        for grace in [0, 500] {
            for replace_new in [false, true] {
                let decide = |key| rotation(grace, replace_new).decide(&key, Some(at(2000)));
                let revoked = decide(key(Some(0), Some(1)));
                assert_eq!(revoked, Err(RotationRefused::Revoked));
                assert_eq!(decide(key(None, Some(1000))), Err(RotationRefused::Expired));
            }
        }
    }

    #[test]
    fn decide_names_the_expiry_of_a_key_that_ends_before_the_grace_period() {
        let decided = rotation(500, false).decide(&key(None, Some(1200)), Some(at(2000)));
        assert_eq!(decided, Err(RotationRefused::InProgress(at(1200))));
    }
}
