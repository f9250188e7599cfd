//! An API key as its organization sees it, and the one rule of what makes it active.
//!
//! The secret is not among its fields: see [`super::Secret`].

use std::collections::BTreeSet;

use super::{KeyId, OrganizationId, Secret, Timestamp, Usage, UserId};

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
    /// Requests, 1 to 10⁹.
    pub limit: i64,
    /// Seconds, 1 to 31 days.
    pub window_seconds: i64,
}

/// What a key may be used for: names without duplicates, in alphabetical order; none is fine.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
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
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What it is for, at most 500 characters.
    pub description: Option<String>,
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
}

impl ApiKey {
    /// The key's state at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        KeyStatus::at(now, self.revoked_at, self.expires_at)
    }
}

/// A key to be stored: what [`ApiKey`] has, before any use, and the secret that only its hash will outlive.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// Its owner.
    pub organization: OrganizationId,
    /// The secret.
    pub secret: Secret,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What it is for, at most 500 characters.
    pub description: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How often; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Who made it, where known.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, for a key that comes from elsewhere.
    pub revoked_at: Option<Timestamp>,
}
