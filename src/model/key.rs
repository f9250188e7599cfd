//! An API key as its organization sees it, and the one rule of what makes it active.
//!
//! The secret is not among its fields: see [`super::Secret`].

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use super::{Description, KeyId, Name, OrganizationId, Secret, Timestamp, Usage, UserId};

/// A key's state at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// Neither revoked nor expired.
    Active,
    /// Revoked: for good, and whatever its expiry says.
    Revoked,
    /// Past its expiry.
    Expired,
}

impl KeyStatus {
    /// The state at `now` of a key with these dates. Revoked wins over expired; a key expires at the very
    /// millisecond of `expires_at`. The statistics count by the same rule, in SQL.
    #[must_use]
    pub fn at(
        now: Timestamp,
        revoked_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        if revoked_at.is_some() {
            Self::Revoked
        } else if expires_at.is_some_and(|at| at <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

/// At most `limit` successful requests in any `window_seconds` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    limit: i64,
    window_seconds: i64,
}

impl RateLimit {
    /// How many requests a limit may be.
    pub const LIMITS: RangeInclusive<i64> = 1..=1_000_000_000;
    /// How many seconds a window may last.
    pub const WINDOWS: RangeInclusive<i64> = 1..=31 * 86_400;

    /// Requests, 1 to 10⁹.
    #[must_use]
    pub const fn limit(self) -> i64 {
        self.limit
    }

    /// Seconds, 1 to 31 days.
    #[must_use]
    pub const fn window_seconds(self) -> i64 {
        self.window_seconds
    }

    /// The longest window there is.
    pub const LONGEST_WINDOW: Duration = Duration::from_hours(31 * 24);

    /// The window.
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds.unsigned_abs())
    }

    /// The number of the slot that an instant, given as a distance from any origin, lies in. A window is at most
    /// 1,024 slots of whole milliseconds: successes of one slot are kept as one.
    #[must_use]
    pub fn slot(self, at: Duration) -> u128 {
        at.as_millis() / self.window().as_millis().div_ceil(1024)
    }

    /// The rate limit, if both numbers are in their ranges.
    #[must_use]
    pub fn new(limit: i64, window_seconds: i64) -> Option<Self> {
        let valid = Self::LIMITS.contains(&limit) && Self::WINDOWS.contains(&window_seconds);
        valid.then_some(Self {
            limit,
            window_seconds,
        })
    }
}

/// What a key may be used for: names without duplicates, in alphabetical order; none is fine.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// What scopes must be.
    pub const RULE: &str =
        "must be at most 50 strings of 1 to 64 letters, digits, `:`, `.`, `_`, `*` and `-`";

    const MOST: usize = 50;
    const LONGEST: usize = 64;

    /// The scopes, if there are not too many and each is one.
    #[must_use]
    pub fn new(scopes: &[&str]) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":._*-".contains(&byte);
        let is_scope =
            |scope: &&str| (1..=Self::LONGEST).contains(&scope.len()) && scope.bytes().all(allowed);
        let valid = scopes.len() <= Self::MOST && scopes.iter().all(is_scope);
        valid.then(|| Self(scopes.iter().copied().map(str::to_owned).collect()))
    }

    /// Whether `scope` is among them, letter by letter.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<String>) -> Result<Self, &'static str> {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        Self::new(&scopes).ok_or(Self::RULE)
    }
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its owner.
    pub organization: OrganizationId,
    /// `sk_...` and the last four characters of its secret.
    pub preview: String,
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How often; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Lifetime counts.
    pub usage: Usage,
    /// Who made it, where known.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used; `None` if it never was.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When the grace period of the latest rotation ends; `None` if the key was never rotated.
    pub grace_end: Option<Timestamp>,
}

impl ApiKey {
    /// The key's state at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        KeyStatus::at(now, self.revoked_at, self.expires_at)
    }

    /// Returns when a secret with a grace period until `grace_end` stops working. A secret does not outlive its key.
    #[must_use]
    pub fn secret_end(&self, grace_end: Timestamp) -> Timestamp {
        self.expires_at
            .map_or(grace_end, |expiry| expiry.min(grace_end))
    }

    /// Returns when the previous secret stops working, or `None` if it does not work at `now`.
    #[must_use]
    pub fn previous_secret_expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let grace_end = self.grace_end.filter(|end| *end > now)?;
        let is_active = self.status(now) == KeyStatus::Active;
        is_active.then(|| self.secret_end(grace_end))
    }
}

/// What whoever makes a key chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How often; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// A key to be created. The store generates its id and keeps only the hash of its secret.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The secret.
    pub secret: Secret,
    /// What was chosen.
    pub settings: KeySettings,
    /// Who makes it, where known.
    pub created_by: Option<UserId>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// Where a list of keys goes on: behind this key, in the order from new to old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCursor {
    /// When the key was made.
    pub created_at: Timestamp,
    /// The key, for those made at the same instant.
    pub id: KeyId,
}

/// A part of an organization's keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// Where the next part begins; `None` when this was the last.
    pub next: Option<KeyCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sorted_and_kept_once() {
        let scopes = Scopes::new(&["b:write", "a.read", "b:write", "*"]).unwrap();
        assert_eq!(
            scopes.iter().collect::<Vec<_>>(),
            ["*", "a.read", "b:write"]
        );
    }

    #[test]
    fn a_scope_is_a_short_word_of_few_characters() {
        for scope in ["", &"x".repeat(65), "a b", "ñ", "a,b", "a/b"] {
            assert_eq!(Scopes::new(&[scope]), None, "{scope}");
        }
        assert!(Scopes::new(&[&"x".repeat(64)]).is_some());
        assert!(Scopes::new(&["s"; 50]).is_some());
        assert_eq!(Scopes::new(&["s"; 51]), None);
    }

    #[test]
    fn a_rate_limit_is_within_its_bounds() {
        for (limit, window) in [(1, 1), (1_000_000_000, 2_678_400)] {
            assert!(RateLimit::new(limit, window).is_some());
        }
        for (limit, window) in [
            (0, 60),
            (1_000_000_001, 60),
            (1, 0),
            (1, 2_678_401),
            (-1, 60),
        ] {
            assert_eq!(RateLimit::new(limit, window), None, "{limit}/{window}");
        }
    }
}
