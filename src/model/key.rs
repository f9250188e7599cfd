//! An API key with its settings, its usage and its status.
//!
//! The secret is not a field of it: the database stores only a hash. See [`super::Secret`].

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use super::{Description, KeyId, Name, OrganizationId, Secret, Timestamp, UsageCounts, UserId};

/// A key's status at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// Neither revoked nor expired.
    Active,
    /// Revoked. Permanent, also for a key that has expired.
    Revoked,
    /// Expired, and not revoked.
    Expired,
}

impl KeyStatus {
    /// Returns the status at `now` of a key with these dates. Revoked takes precedence over expired; a key expires at
    /// the millisecond `expires_at`. The statistics apply the same rule in SQL.
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
    /// The range of `limit`.
    pub const LIMITS: RangeInclusive<i64> = 1..=1_000_000_000;
    /// The range of `window_seconds`.
    pub const WINDOWS: RangeInclusive<i64> = 1..=31 * 86_400;

    /// Returns the number of requests, 1 to 10⁹.
    #[must_use]
    pub const fn limit(self) -> i64 {
        self.limit
    }

    /// Returns the length of the window in seconds, at most 31 days.
    #[must_use]
    pub const fn window_seconds(self) -> i64 {
        self.window_seconds
    }

    /// The longest window.
    pub const MAX_WINDOW: Duration = Duration::from_hours(31 * 24);

    /// Returns the length of the window.
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds.unsigned_abs())
    }

    /// Returns the number of the slot that contains an instant, given as the time since any origin. A window has at most
    /// 1,024 slots of whole milliseconds. The successes of one slot are stored together.
    #[must_use]
    pub fn slot(self, at: Duration) -> u128 {
        at.as_millis() / self.window().as_millis().div_ceil(1024)
    }

    /// Creates a rate limit. `None` if a number is out of its range.
    #[must_use]
    pub fn new(limit: i64, window_seconds: i64) -> Option<Self> {
        let valid = Self::LIMITS.contains(&limit) && Self::WINDOWS.contains(&window_seconds);
        valid.then_some(Self {
            limit,
            window_seconds,
        })
    }
}

/// The scopes of a key, in alphabetical order and without duplicates. May be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The rule for scopes, to follow their field in an error message.
    pub const RULE: &str =
        "must be at most 50 strings of 1 to 64 letters, digits, `:`, `.`, `_`, `*` and `-`";

    const MAX_SCOPES: usize = 50;
    const MAX_LENGTH: usize = 64;

    /// Validates scopes.
    #[must_use]
    pub fn new(scopes: &[&str]) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":._*-".contains(&byte);
        let is_scope = |scope: &&str| {
            (1..=Self::MAX_LENGTH).contains(&scope.len()) && scope.bytes().all(allowed)
        };
        let valid = scopes.len() <= Self::MAX_SCOPES && scopes.iter().all(is_scope);
        valid.then(|| Self(scopes.iter().copied().map(str::to_owned).collect()))
    }

    /// Returns whether `scope` is one of them. Comparison is exact.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Returns the scopes in alphabetical order.
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
    /// The organization that owns it.
    pub organization: OrganizationId,
    /// `sk_...` and the last four characters of its secret.
    pub preview: String,
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Description>,
    /// Its scopes.
    pub scopes: Scopes,
    /// Its rate limit; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Its lifetime counts.
    pub usage: UsageCounts,
    /// The user who created it; `None` if it was created at the command line.
    pub created_by: Option<UserId>,
    /// The instant of its creation.
    pub created_at: Timestamp,
    /// The instant of its last use; `None` if it was never used.
    pub last_used_at: Option<Timestamp>,
    /// The instant of its expiry; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
    /// The instant of its revocation; `None` if it is not revoked.
    pub revoked_at: Option<Timestamp>,
    /// When the grace period of the latest rotation ends; `None` if the key was never rotated.
    pub grace_end: Option<Timestamp>,
}

impl ApiKey {
    /// Returns the key's status at `now`.
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

    /// Revokes the key at `at`. Revocation is idempotent: returns `None` if the key is already revoked, and keeps the
    /// time of the first revocation.
    #[must_use]
    pub fn revoke(&self, at: Timestamp) -> Option<Self> {
        self.revoked_at.is_none().then(|| Self {
            revoked_at: Some(at),
            ..self.clone()
        })
    }
}

/// The settings of a key, chosen at its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Description>,
    /// Its scopes.
    pub scopes: Scopes,
    /// Its rate limit; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// The instant of its expiry; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// A key to be created. The store generates its id and keeps only the hash of its secret.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The secret.
    pub secret: Secret,
    /// The settings.
    pub settings: KeySettings,
    /// The user who creates it; `None` at the command line.
    pub created_by: Option<UserId>,
    /// The instant of its creation.
    pub created_at: Timestamp,
}

/// A pagination cursor: the last key of a page. The next page starts after it, from newest to oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCursor {
    /// The instant of the key's creation.
    pub created_at: Timestamp,
    /// The key's id, which orders keys of the same instant.
    pub id: KeyId,
}

/// A page of an organization's keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<KeyCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_sorted_without_duplicates() {
        let scopes = Scopes::new(&["b:write", "a.read", "b:write", "*"]).unwrap();
        assert_eq!(
            scopes.iter().collect::<Vec<_>>(),
            ["*", "a.read", "b:write"]
        );
    }

    #[test]
    fn scope_has_1_to_64_characters_of_a_small_alphabet() {
        for scope in ["", &"x".repeat(65), "a b", "ñ", "a,b", "a/b"] {
            assert_eq!(Scopes::new(&[scope]), None, "{scope}");
        }
        assert!(Scopes::new(&[&"x".repeat(64)]).is_some());
        assert!(Scopes::new(&["s"; 50]).is_some());
        assert_eq!(Scopes::new(&["s"; 51]), None);
    }

    #[test]
    fn rate_limit_is_within_its_ranges() {
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

    #[test]
    fn revoke_keeps_the_time_of_the_first_revocation() {
        let key = ApiKey {
            id: KeyId(uuid::Uuid::nil()),
            organization: OrganizationId(uuid::Uuid::nil()),
            preview: String::new(),
            name: Name::new("x").unwrap(),
            description: None,
            scopes: Scopes::default(),
            rate_limit: None,
            usage: UsageCounts::default(),
            created_by: None,
            created_at: Timestamp::from_millis(0),
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
            grace_end: None,
        };
        let revoked = key.revoke(Timestamp::from_millis(1)).unwrap();
        assert_eq!(revoked.revoked_at, Some(Timestamp::from_millis(1)));
        assert_eq!(revoked.revoke(Timestamp::from_millis(2)), None);
    }
}
