//! The responses of the operations on keys: a key, a key with its secret, a page of keys.
//!
//! Each is an annotated struct, converted from the types of the model. The commands print the same JSON.

use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::limits::{QuotaOut, RateLimitOut};
use crate::{
    api::{
        extract,
        scalars::{Count, DateTime, MetadataOut},
        stats::DailyUsageOut,
    },
    model::{
        ApiKey, KeyCursor, KeyId, KeyPage, KeyQuery, KeyStatus, QueryFingerprint, Quota,
        QuotaPeriod, QuotaState, RateLimit, Secret, Timestamp, UsageCounts,
    },
};

/// An API key. Its secret is not among the fields: it is shown once, when the key is made.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct KeyOut {
    /// The key's id, never its secret.
    id: Uuid,
    /// The organization that owns the key.
    organization_id: Uuid,
    /// `sk_...` and the last four characters of the secret.
    preview: String,
    /// 1 to 100 characters.
    name: String,
    /// At most 500 characters.
    #[oai(nullable)]
    description: Option<String>,
    /// The caller's own id of the key's holder, 1 to 255 characters.
    #[oai(nullable)]
    external_id: Option<String>,
    /// The caller's own data: at most 4,096 bytes of JSON.
    metadata: MetadataOut,
    /// Computed when the key is read. Revoked takes precedence over expired, expired over disabled.
    status: StatusOut,
    /// In alphabetical order, without duplicates.
    scopes: Vec<String>,
    /// Null is unlimited.
    #[oai(nullable)]
    rate_limit: Option<RateLimitOut>,
    /// Null is unlimited.
    #[oai(nullable)]
    quota: Option<QuotaOut>,
    /// Lifetime counts.
    usage: UsageOut,
    /// The user who made the key, where known.
    #[oai(nullable)]
    created_by: Option<String>,
    /// When the key was made.
    created_at: DateTime,
    /// Null only if the key was never used.
    #[oai(nullable)]
    last_used_at: Option<DateTime>,
    /// When the key stops working.
    #[oai(nullable)]
    expires_at: Option<DateTime>,
    /// When the key was revoked.
    #[oai(nullable)]
    revoked_at: Option<DateTime>,
    /// When the secret before the latest rotation stops working. Null if it does not work now.
    #[oai(nullable)]
    previous_secret_expires_at: Option<DateTime>,
    /// Only with `days`: that many UTC days, oldest first, today last, days without use as zeros.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<Vec<DailyUsageOut>>,
}

impl KeyOut {
    /// Converts a key, with its status at `now`.
    #[must_use]
    pub fn new(key: ApiKey, now: Timestamp) -> Self {
        let previous_secret_expires_at = key.previous_secret_expires_at(now);
        Self {
            status: key.status(now).into(),
            id: key.id.0,
            organization_id: key.organization.0,
            preview: key.preview,
            name: key.name.into(),
            description: key.description.map(Into::into),
            external_id: key.external_id.map(Into::into),
            metadata: MetadataOut(key.metadata),
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            rate_limit: key.rate_limit.map(RateLimitOut::from),
            quota: key.quota.map(QuotaOut::from),
            usage: key.usage.into(),
            created_by: key.created_by.map(|user| user.to_string()),
            created_at: DateTime(key.created_at),
            last_used_at: key.last_used_at.map(DateTime),
            expires_at: key.expires_at.map(DateTime),
            revoked_at: key.revoked_at.map(DateTime),
            previous_secret_expires_at: previous_secret_expires_at.map(DateTime),
            daily: key
                .daily
                .map(|days| days.into_iter().map(Into::into).collect()),
        }
    }

    /// Returns the key after the example of `UpdateApiKey`, for an example.
    pub(super) fn updated(self) -> Self {
        Self {
            scopes: vec!["invoices:read".to_owned()],
            rate_limit: RateLimit::new(500, 60).map(RateLimitOut::from),
            quota: None,
            ..self
        }
    }

    /// Returns the key, revoked at `at`, for an example.
    pub(super) fn revoked(self, at: Timestamp) -> Self {
        Self {
            status: StatusOut::Revoked,
            revoked_at: Some(DateTime(at)),
            ..self
        }
    }
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "ApiKeyStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum StatusOut {
    Active,
    Disabled,
    Revoked,
    Expired,
}

impl From<KeyStatus> for StatusOut {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Active => Self::Active,
            KeyStatus::Disabled => Self::Disabled,
            KeyStatus::Revoked => Self::Revoked,
            KeyStatus::Expired => Self::Expired,
        }
    }
}

/// Lifetime counts of a key. The total is the sum of the other three.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKeyUsage", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct UsageOut {
    /// All requests with the key.
    total_requests: Count,
    /// Those let through.
    successful_requests: Count,
    /// Those turned away over the rate limit.
    rate_limit_hits: Count,
    /// Those turned away otherwise.
    errors: Count,
}

impl From<UsageCounts> for UsageOut {
    fn from(usage: UsageCounts) -> Self {
        Self {
            total_requests: Count(usage.total_requests()),
            successful_requests: Count(usage.successful_requests),
            rate_limit_hits: Count(usage.rate_limit_hits),
            errors: Count(usage.errors),
        }
    }
}

/// A key and its secret, which is shown this once.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKeyWithSecret", example)]
pub struct KeyWithSecretOut {
    #[oai(flatten)]
    #[serde(flatten)]
    about: KeyOut,
    /// The secret: `sk_`, 30 random letters and digits, and 6 of checksum. It is not stored, and never shown
    /// again.
    #[oai(validator(pattern = "^sk_[0-9A-Za-z]{36}$"))]
    key: String,
}

impl KeyWithSecretOut {
    /// Converts a key, with its status at `now` and its new secret.
    #[must_use]
    pub fn new(key: ApiKey, secret: &Secret, now: Timestamp) -> Self {
        Self {
            about: KeyOut::new(key, now),
            key: secret.reveal().to_owned(),
        }
    }

    /// Returns the key, whose previous secret works until `at`, for an example.
    pub(super) fn with_previous_secret_until(mut self, at: Timestamp) -> Self {
        self.about.previous_secret_expires_at = Some(DateTime(at));
        self
    }
}

/// A part of a list of an organization's keys.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKeyPage", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyPageOut {
    /// The keys.
    #[oai(validator(max_items = 100))]
    items: Vec<KeyOut>,
    /// The `cursor` of the next page; null on the last page.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl KeyPageOut {
    pub(super) fn new(page: KeyPage, now: Timestamp) -> Self {
        let keys = page.keys.into_iter();
        Self {
            items: keys.map(|key| KeyOut::new(key, now)).collect(),
            next_cursor: page.next.map(extract::encode),
        }
    }
}

/// The demo fixtures' busiest key.
impl Example for KeyOut {
    fn example() -> Self {
        Self {
            id: uuid!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
            organization_id: uuid!("550e8400-e29b-41d4-a716-446655440000"),
            preview: "sk_...Zk3Q".to_owned(),
            name: "Production server".to_owned(),
            description: Some("Backend of the customer portal".to_owned()),
            external_id: Some("customer-portal".to_owned()),
            metadata: MetadataOut::example(),
            status: StatusOut::Active,
            scopes: vec!["invoices:read".to_owned(), "invoices:write".to_owned()],
            rate_limit: RateLimit::new(1000, 60).map(RateLimitOut::from),
            quota: Some(QuotaOut::example()),
            usage: UsageOut {
                total_requests: Count(412_087),
                successful_requests: Count(409_113),
                rate_limit_hits: Count(1204),
                errors: Count(1770),
            },
            created_by: Some("11111111-1111-4111-8111-111111111111".to_owned()),
            created_at: DateTime(Timestamp::from_millis(1_744_286_400_000)),
            last_used_at: Some(DateTime(Timestamp::from_millis(1_767_614_400_000))),
            expires_at: None,
            revoked_at: None,
            previous_secret_expires_at: None,
            daily: None,
        }
    }
}

/// The key that the example of `CreateApiKey` creates.
impl Example for KeyWithSecretOut {
    fn example() -> Self {
        let made = KeyOut {
            id: uuid!("2f1d3c5e-9a7b-4e60-8c2d-1b0a9f8e7d6c"),
            preview: "sk_...wv9F".to_owned(),
            name: "Deployment".to_owned(),
            description: Some("Releases of the customer portal".to_owned()),
            scopes: vec!["releases:write".to_owned()],
            rate_limit: RateLimit::new(100, 60).map(RateLimitOut::from),
            quota: Quota::new(10_000, QuotaPeriod::Month)
                .map(|quota| QuotaState {
                    quota,
                    used: 0,
                    resets_at: Timestamp::from_millis(1_769_904_000_000),
                })
                .map(QuotaOut::from),
            usage: UsageCounts::default().into(),
            created_at: DateTime(Timestamp::from_millis(1_767_614_400_000)),
            last_used_at: None,
            expires_at: Some(DateTime(Timestamp::from_millis(4_102_444_800_000))),
            ..KeyOut::example()
        };
        Self {
            about: made,
            key: "sk_Rw7PqK2mYc9TzL4vHd1XsB8nGf5JeA3Cwv9F".to_owned(),
        }
    }
}

impl Example for KeyPageOut {
    fn example() -> Self {
        let key = KeyOut {
            external_id: None,
            metadata: MetadataOut::default(),
            quota: None,
            ..KeyOut::example()
        };
        let created_at = key.created_at.0;
        let last_key = KeyCursor {
            query: QueryFingerprint::of(&KeyQuery::default()),
            value: Some(created_at.as_millis()),
            created_at,
            id: KeyId(key.id),
        };
        Self {
            items: vec![key],
            next_cursor: Some(extract::encode(last_key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn responses_are_serialized_as_documented() {
        let key = KeyOut::example();
        assert_eq!(serde_json::to_value(&key).ok(), key.to_json());
        let key = KeyWithSecretOut::example();
        assert_eq!(serde_json::to_value(&key).ok(), key.to_json());
        let page = KeyPageOut::example();
        assert_eq!(serde_json::to_value(&page).ok(), page.to_json());
    }

    #[test]
    fn example_secret_is_valid() {
        let KeyWithSecretOut { about, key } = KeyWithSecretOut::example();
        let secret = Secret::parse(&key).map(|secret| secret.preview());
        assert_eq!(secret, Some(about.preview));
    }
}
