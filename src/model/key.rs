//! An API key with its settings, its usage and its status.
//!
//! The secret is not a field of it: the database stores only a hash. See [`super::Secret`].

use super::{
    DailyUsage, Description, ExternalId, KeyDates, KeyId, KeyStatus, Metadata, MeteredLimit, Name,
    OrganizationId, Quota, QuotaState, RateLimit, Scopes, Secret, Timestamp, UsageCounts, UserId,
};

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
    /// The caller's own id of its holder.
    pub external_id: Option<ExternalId>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// Its scopes.
    pub scopes: Scopes,
    /// Its rate limit; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Successes up to this instant do not count against the rate limit; `None` if the limit was never changed.
    pub rate_limit_counts_after: Option<Timestamp>,
    /// Its quota, and the use of it when the key was read; `None` is unlimited.
    pub quota: Option<QuotaState>,
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
    /// The instant at which it was disabled; `None` if it is enabled.
    pub disabled_at: Option<Timestamp>,
    /// When the grace period of the latest rotation ends; `None` if the key was never rotated.
    pub grace_end: Option<Timestamp>,
    /// Its counts by UTC day, oldest first, today last, without gaps; `None` if they were not requested.
    pub daily: Option<Vec<DailyUsage>>,
}

impl ApiKey {
    /// Returns the rate limit with the successes that it counts; `None` is unlimited.
    #[must_use]
    pub fn metered_limit(&self) -> Option<MeteredLimit> {
        self.rate_limit.map(|rate| MeteredLimit {
            rate,
            counts_after: self.rate_limit_counts_after,
        })
    }

    /// Returns the key's status at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        self.dates().status(now)
    }

    /// Returns the dates that decide the key's status.
    #[must_use]
    pub fn dates(&self) -> KeyDates {
        KeyDates {
            revoked_at: self.revoked_at,
            expires_at: self.expires_at,
            disabled_at: self.disabled_at,
        }
    }

    /// Returns the key's settings.
    #[must_use]
    pub fn settings(&self) -> KeySettings {
        KeySettings {
            name: self.name.clone(),
            description: self.description.clone(),
            external_id: self.external_id.clone(),
            metadata: self.metadata.clone(),
            scopes: self.scopes.clone(),
            rate_limit: self.rate_limit,
            quota: self.quota.map(|state| state.quota),
            expires_at: self.expires_at,
        }
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

/// The settings of a key, chosen at its creation and changed by a [`KeyUpdate`](super::KeyUpdate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Description>,
    /// The caller's own id of its holder.
    pub external_id: Option<ExternalId>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// Its scopes.
    pub scopes: Scopes,
    /// Its rate limit; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Its quota; `None` is unlimited.
    pub quota: Option<Quota>,
    /// The instant of its expiry; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
}

impl KeySettings {
    /// Creates the settings of a key that has a name, no scopes and no limits.
    #[must_use]
    pub fn named(name: Name) -> Self {
        Self {
            name,
            description: None,
            external_id: None,
            metadata: Metadata::default(),
            scopes: Scopes::default(),
            rate_limit: None,
            quota: None,
            expires_at: None,
        }
    }
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

#[cfg(test)]
impl ApiKey {
    /// Creates an active key that has a name, no scopes, no limits and no use.
    pub(super) fn named(name: &str) -> Self {
        Self {
            id: KeyId(uuid::Uuid::nil()),
            organization: OrganizationId(uuid::Uuid::nil()),
            preview: String::new(),
            name: Name::new(name).unwrap(),
            description: None,
            external_id: None,
            metadata: Metadata::default(),
            scopes: Scopes::default(),
            rate_limit: None,
            rate_limit_counts_after: None,
            quota: None,
            usage: UsageCounts::default(),
            created_by: None,
            created_at: Timestamp::from_millis(0),
            last_used_at: None,
            expires_at: None,
            revoked_at: None,
            disabled_at: None,
            grace_end: None,
            daily: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revoke_keeps_the_time_of_the_first_revocation() {
        let key = ApiKey::named("x");
        let revoked = key.revoke(Timestamp::from_millis(1)).unwrap();
        assert_eq!(revoked.revoked_at, Some(Timestamp::from_millis(1)));
        assert_eq!(revoked.revoke(Timestamp::from_millis(2)), None);
    }
}
