//! One key, for a member of its organization.

use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::{
    ApiTag,
    auth::{Caller, for_member},
    error::Failure,
    reply::Reply,
    wire::{Count, DateTime},
};
use crate::{
    app::App,
    model::{ApiKey, KeyId, KeyStatus, OrganizationRef, RateLimit, Timestamp, Usage},
};

/// The operations on keys.
pub(super) struct KeysApi {
    pub(super) app: App,
}

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl KeysApi {
    /// Get API key by ID
    ///
    /// Retrieve details of a specific API key
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id",
        method = "get",
        operation_id = "ApiKeysController_getById"
    )]
    async fn key(
        &self,
        caller: Caller,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<String>,
        /// The key's id.
        id: Path<String>,
    ) -> poem::Result<Reply<KeyOut>> {
        let App { store, clock, .. } = &self.app;
        let organization = OrganizationRef::parse(&organization);
        let found = store.key(organization, caller.0, KeyId::parse(&id)).await;
        let key = for_member(found)?.ok_or(Failure::KeyNotFound)?;
        Ok(Reply(KeyOut::new(key, clock.now())))
    }
}

/// What [`KeysApi::key`] may refuse besides [`Failure::of_any_operation`], for the document.
pub(super) fn key_refusals() -> Vec<Failure> {
    vec![
        Failure::PathNotUtf8,
        Failure::NotAMember,
        Failure::KeyNotFound,
    ]
}

/// An API key. Its secret is not among the fields: it is shown once, when the key is made.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyOut {
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
    /// Computed when the key is read. Revoked wins over expired.
    status: StatusOut,
    /// In alphabetical order, without duplicates.
    scopes: Vec<String>,
    /// Null is unlimited.
    #[oai(nullable)]
    rate_limit: Option<RateLimitOut>,
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
}

impl KeyOut {
    fn new(key: ApiKey, now: Timestamp) -> Self {
        Self {
            status: key.status(now).into(),
            id: key.id.0,
            organization_id: key.organization.0,
            preview: key.preview,
            name: key.name,
            description: key.description,
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            rate_limit: key.rate_limit.map(RateLimitOut::from),
            usage: key.usage.into(),
            created_by: key.created_by.map(|user| user.to_string()),
            created_at: DateTime(key.created_at),
            last_used_at: key.last_used_at.map(DateTime),
            expires_at: key.expires_at.map(DateTime),
            revoked_at: key.revoked_at.map(DateTime),
        }
    }
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "ApiKeyStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(super) enum StatusOut {
    Active,
    Revoked,
    Expired,
}

impl From<KeyStatus> for StatusOut {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Active => Self::Active,
            KeyStatus::Revoked => Self::Revoked,
            KeyStatus::Expired => Self::Expired,
        }
    }
}

/// At most `limit` successful requests in any `windowSeconds` seconds.
#[derive(Object, Serialize)]
#[oai(rename = "RateLimit", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct RateLimitOut {
    /// Requests.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    limit: i64,
    /// Seconds, at most 31 days.
    #[oai(validator(minimum(value = "1"), maximum(value = "2678400")))]
    window_seconds: i64,
}

impl From<RateLimit> for RateLimitOut {
    fn from(rate: RateLimit) -> Self {
        Self {
            limit: rate.limit,
            window_seconds: rate.window_seconds,
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

impl From<Usage> for UsageOut {
    fn from(usage: Usage) -> Self {
        Self {
            total_requests: Count(usage.total_requests()),
            successful_requests: Count(usage.successful_requests),
            rate_limit_hits: Count(usage.rate_limit_hits),
            errors: Count(usage.errors),
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
            status: StatusOut::Active,
            scopes: vec!["invoices:read".to_owned(), "invoices:write".to_owned()],
            rate_limit: Some(RateLimitOut {
                limit: 1000,
                window_seconds: 60,
            }),
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
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn a_key_is_written_as_it_is_documented() {
        let key = KeyOut::example();
        assert_eq!(serde_json::to_value(&key).ok(), key.to_json());
    }
}
