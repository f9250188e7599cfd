//! Whether a key may pass: asked by gateways (GET) and scripts (POST), for every request that they guard.
//!
//! What is decided and counted is [`crate::key_validation`]'s business; here it gets its statuses and headers. A gateway
//! passes the headers of a yes on to what it guards.

use poem::{
    IntoResponse, Response,
    http::{HeaderMap, HeaderName, HeaderValue},
    web::Data,
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Query,
    registry::{MetaResponses, Registry},
    types::Example,
};
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::{
    ApiTag,
    error::{Failure, quota_headers},
    extract::PresentedKey,
    response::Reply,
    scalars::DateTime,
};
use crate::{
    app::App,
    key_validation::{Quota, Verdict, validate},
    model::{ApiKey, Timestamp},
};

/// The operations on the use of keys.
pub(super) struct ValidateApi;

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl ValidateApi {
    /// Validate an API key
    ///
    /// Decide whether an API key may pass, and count the request. For gateways.
    #[oai(
        path = "/api-keys/validate",
        method = "get",
        operation_id = "ApiKeysController_validateForGateway"
    )]
    async fn validate_for_gateway(
        &self,
        key: PresentedKey,
        app: Data<&App>,
        /// A scope that the key must have; may be given several times.
        scope: Query<Vec<String>>,
    ) -> poem::Result<Pass> {
        judge(&app, &key, &scope).await
    }

    /// Validate an API key
    ///
    /// Decide whether an API key may pass, and count the request.
    #[oai(
        path = "/api-keys/validate",
        method = "post",
        operation_id = "ApiKeysController_validate"
    )]
    async fn validate(
        &self,
        key: PresentedKey,
        app: Data<&App>,
        /// A scope that the key must have; may be given several times.
        scope: Query<Vec<String>>,
    ) -> poem::Result<Pass> {
        judge(&app, &key, &scope).await
    }
}

async fn judge(app: &App, key: &PresentedKey, scopes: &[String]) -> poem::Result<Pass> {
    let secret = key.0.as_deref().unwrap_or_default();
    let verdict = validate(app, secret, scopes).await;
    // Whatever the reason, what could not be recorded is no yes, and no fault of the key's.
    let verdict = verdict.map_err(|error| Failure::Unavailable {
        cause: error.to_string(),
    })?;
    let failure = match verdict {
        Verdict::Valid { key, quota } => return Ok(Pass { key, quota }),
        Verdict::Unknown => Failure::InvalidKey,
        Verdict::Revoked => Failure::RevokedKeyUsed,
        Verdict::Expired => Failure::ExpiredKeyUsed,
        Verdict::MissingScopes(scopes) => Failure::MissingScopes(scopes.join(", ")),
        Verdict::RateLimited(quota) => Failure::RateLimited(quota),
    };
    Err(failure.into())
}

/// The headers of a yes, with examples, for the document.
pub(super) const HEADERS: [(&str, &str); 6] = [
    ("x-key-id", "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
    ("x-organization-id", "550e8400-e29b-41d4-a716-446655440000"),
    ("x-key-scopes", "invoices:read invoices:write"),
    ("ratelimit-limit", "1000"),
    ("ratelimit-remaining", "999"),
    ("ratelimit-reset", "60"),
];

/// What both operations may refuse, for the document.
pub(super) fn refusals() -> Vec<Failure> {
    vec![
        Failure::InvalidKey,
        Failure::RevokedKeyUsed,
        Failure::ExpiredKeyUsed,
        Failure::MissingScopes("invoices:write".to_owned()),
        Failure::RateLimited(Quota {
            limit: 1000,
            remaining: 0,
            reset: std::time::Duration::from_secs(7),
        }),
    ]
}

/// A yes: the body, and the headers to pass on.
pub(super) struct Pass {
    key: Box<ApiKey>,
    quota: Option<Quota>,
}

impl Pass {
    fn headers(&self) -> HeaderMap {
        let scopes: Vec<&str> = self.key.scopes.iter().collect();
        let about = [
            ("x-key-id", self.key.id.0.to_string()),
            ("x-organization-id", self.key.organization.0.to_string()),
            ("x-key-scopes", scopes.join(" ")),
        ];
        let about = about.map(|(name, value)| (HeaderName::from_static(name), value));
        let quota = self.quota.iter().flat_map(quota_headers);
        let headers = about.into_iter().chain(quota);
        headers
            .filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?)))
            .collect()
    }
}

impl IntoResponse for Pass {
    fn into_response(self) -> Response {
        let headers = self.headers();
        let mut response = Reply(ValidKeyOut::from(*self.key)).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

impl ApiResponse for Pass {
    fn meta() -> MetaResponses {
        Reply::<ValidKeyOut>::meta()
    }

    fn register(registry: &mut Registry) {
        Reply::<ValidKeyOut>::register(registry);
    }
}

/// A key that may pass.
#[derive(Object, Serialize)]
#[oai(rename = "ValidApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
struct ValidKeyOut {
    /// Always true: a key that may not pass is an error.
    valid: bool,
    /// The key's id.
    key_id: Uuid,
    /// The key's name.
    name: String,
    /// The organization that owns the key.
    organization_id: Uuid,
    /// In alphabetical order, without duplicates.
    scopes: Vec<String>,
    /// When the key stops working.
    #[oai(nullable)]
    expires_at: Option<DateTime>,
    /// Always true, likewise.
    active: bool,
}

impl From<ApiKey> for ValidKeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            valid: true,
            key_id: key.id.0,
            name: key.name.into(),
            organization_id: key.organization.0,
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            expires_at: key.expires_at.map(DateTime),
            active: true,
        }
    }
}

/// The demo fixtures' busiest key.
impl Example for ValidKeyOut {
    fn example() -> Self {
        Self {
            valid: true,
            key_id: uuid!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
            name: "Production server".to_owned(),
            organization_id: uuid!("550e8400-e29b-41d4-a716-446655440000"),
            scopes: vec!["invoices:read".to_owned(), "invoices:write".to_owned()],
            expires_at: Some(DateTime(Timestamp::from_millis(4_102_444_800_000))),
            active: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn a_yes_is_written_as_it_is_documented() {
        let key = ValidKeyOut::example();
        assert_eq!(serde_json::to_value(&key).ok(), key.to_json());
    }
}
