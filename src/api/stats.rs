//! `GET /organizations/{organizationId}/api-keys/stats`: the statistics of an organization's keys, for its members.
//!
//! The store counts everything in one snapshot; this module converts the result.

use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::Example,
};
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::{
    documented_error::DocumentedError,
    error::ApiError,
    extract::{Caller, PathParam},
    keys::StatusOut,
    operations::{ApiTag, OperationDoc},
    problems::Problems,
    response::JsonResponse,
    scalars::{Count, Date, DateTime, IntParam},
};
use crate::{
    app::App,
    model::{DailyUsage, Day, KeyStats, KeyStatus, OrganizationRef, RecentKey, Timestamp},
};

pub(super) struct GetStats;

/// The parameter `days`.
type Days = IntParam<1, 90>;

pub(super) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_getStats",
    success: "Statistics retrieved successfully",
    headers: &[],
    errors: || {
        vec![
            DocumentedError::bad_request("invalid-days", Days::problem("days")),
            ApiError::NotAMember.into(),
        ]
    },
    example: None,
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl GetStats {
    /// Get API key statistics
    ///
    /// Get usage statistics for all API keys in an organization
    #[oai(
        path = "/organizations/:organizationId/api-keys/stats",
        method = "get",
        operation_id = "ApiKeysController_getStats"
    )]
    async fn stats(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// Adds `daily`: so many UTC days, today included.
        days: Query<Option<Days>>,
    ) -> poem::Result<JsonResponse<StatsOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let days = problems.check_optional(days.0.map(|days| days.get("days")));
        let organization = problems.finish(organization)?;

        let now = app.clock.now();
        let stats = app.store.key_stats(organization, caller.0, now, days).await;
        Ok(JsonResponse(stats.map_err(ApiError::from)?.into()))
    }
}

/// Statistics over all keys of an organization, revoked and expired ones too.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKeyStats", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
struct StatsOut {
    /// The organization.
    organization_id: Uuid,
    /// All keys: active, revoked, expired and disabled ones together.
    total_keys: Count,
    /// Keys that are neither revoked, expired nor disabled.
    active_keys: Count,
    /// Revoked keys.
    revoked_keys: Count,
    /// Keys past their expiry that were not revoked.
    expired_keys: Count,
    /// Disabled keys that were not revoked and have not expired.
    disabled_keys: Count,
    /// Lifetime requests: successful ones, rate-limit hits and errors together.
    total_requests: Count,
    /// Requests let through.
    successful_requests: Count,
    /// Requests turned away over a rate limit.
    rate_limit_hits: Count,
    /// Requests turned away otherwise.
    errors: Count,
    /// Active keys without any use.
    never_used_keys: Count,
    /// Active keys whose last use is 30 days ago or more.
    inactive_keys: Count,
    /// Newest first; keys never used are left out.
    #[oai(validator(max_items = 5))]
    most_recently_used: Vec<RecentKeyOut>,
    /// Only with `days`: that many UTC days, oldest first, today last, days without use as zeros.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<Vec<DailyUsageOut>>,
}

impl From<KeyStats> for StatsOut {
    fn from(stats: KeyStats) -> Self {
        Self {
            organization_id: stats.organization.0,
            total_keys: Count(stats.keys.total),
            active_keys: Count(stats.keys.active()),
            revoked_keys: Count(stats.keys.revoked),
            expired_keys: Count(stats.keys.expired),
            disabled_keys: Count(stats.keys.disabled),
            total_requests: Count(stats.usage.total_requests()),
            successful_requests: Count(stats.usage.successful_requests),
            rate_limit_hits: Count(stats.usage.rate_limit_hits),
            errors: Count(stats.usage.errors),
            never_used_keys: Count(stats.keys.never_used),
            inactive_keys: Count(stats.keys.inactive),
            most_recently_used: stats.recent.into_iter().map(Into::into).collect(),
            daily: stats
                .daily
                .map(|days| days.into_iter().map(Into::into).collect()),
        }
    }
}

/// A key among the most recently used.
#[derive(Object, Serialize)]
#[oai(rename = "RecentApiKey", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct RecentKeyOut {
    /// The key's id.
    id: Uuid,
    /// The key's name.
    name: String,
    /// `sk_...` and the last four characters of the secret.
    preview: String,
    /// The key's state now.
    status: StatusOut,
    /// Lifetime requests with the key.
    total_requests: Count,
    /// When it was last used.
    last_used_at: DateTime,
}

impl From<RecentKey> for RecentKeyOut {
    fn from(key: RecentKey) -> Self {
        Self {
            id: key.id.0,
            name: key.name.into(),
            preview: key.preview,
            status: key.status.into(),
            total_requests: Count(key.total_requests),
            last_used_at: DateTime(key.last_used_at),
        }
    }
}

/// The requests of one UTC day.
#[derive(Object, Serialize)]
#[oai(rename = "DailyUsage", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(super) struct DailyUsageOut {
    /// The day.
    date: Date,
    /// All requests.
    total_requests: Count,
    /// Those let through.
    successful_requests: Count,
    /// Those turned away over a rate limit.
    rate_limit_hits: Count,
    /// Those turned away otherwise.
    errors: Count,
}

impl From<DailyUsage> for DailyUsageOut {
    fn from(daily: DailyUsage) -> Self {
        Self {
            date: Date(daily.day),
            total_requests: Count(daily.usage.total_requests()),
            successful_requests: Count(daily.usage.successful_requests),
            rate_limit_hits: Count(daily.usage.rate_limit_hits),
            errors: Count(daily.usage.errors),
        }
    }
}

/// The busiest organization of the demo fixtures, with `days=1`.
impl Example for StatsOut {
    fn example() -> Self {
        let last_used = Timestamp::from_millis(1_767_614_400_000);
        Self {
            organization_id: uuid!("550e8400-e29b-41d4-a716-446655440000"),
            total_keys: Count(12),
            active_keys: Count(9),
            revoked_keys: Count(1),
            expired_keys: Count(1),
            disabled_keys: Count(1),
            total_requests: Count(598_310),
            successful_requests: Count(574_204),
            rate_limit_hits: Count(20_741),
            errors: Count(3365),
            never_used_keys: Count(1),
            inactive_keys: Count(1),
            most_recently_used: vec![RecentKeyOut {
                id: uuid!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
                name: "Production server".to_owned(),
                preview: "sk_...Zk3Q".to_owned(),
                status: KeyStatus::Active.into(),
                total_requests: Count(412_087),
                last_used_at: DateTime(last_used),
            }],
            daily: Some(vec![DailyUsageOut {
                date: Date(Day::from_number(last_used.day().number())),
                total_requests: Count(6648),
                successful_requests: Count(6380),
                rate_limit_hits: Count(231),
                errors: Count(37),
            }]),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn response_is_serialized_as_documented() {
        let stats = StatsOut::example();
        assert_eq!(serde_json::to_value(&stats).ok(), stats.to_json());
    }
}
