//! Validates an API key, for gateways (GET) and scripts (POST).
//!
//! [`crate::validation`] decides and counts; this module checks the request, and maps the verdict to a status and
//! headers, which a gateway passes on to the service behind it. A request that may misspell a required scope is a 400
//! before the key is looked at, and is not counted.

use poem::{
    IntoResponse, Request, Response,
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
    documented_error::DocumentedError,
    error::{Failure, rate_limit_headers},
    extract::{BODY_PROBLEM, HasBody, PresentedKey, ScopeParam, required_scopes},
    response::Reply,
    scalars::DateTime,
};
use crate::{
    app::App,
    key_validation::{Verdict, validate},
    model::{ApiKey, RateLimitState, Timestamp},
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
        request: &Request,
        /// A scope that the key must have; may be given several times.
        scope: Query<Option<Vec<ScopeParam>>>,
    ) -> poem::Result<Pass> {
        // A gateway may announce the body of the request that it guards and never send it.
        let scopes = required_scopes(request, scope.0.as_deref(), false)?;
        judge(&app, &key, &scopes).await
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
        request: &Request,
        /// A scope that the key must have; may be given several times.
        scope: Query<Option<Vec<ScopeParam>>>,
        HasBody(has_body): HasBody,
    ) -> poem::Result<Pass> {
        let scopes = required_scopes(request, scope.0.as_deref(), has_body)?;
        judge(&app, &key, &scopes).await
    }
}

async fn judge(app: &App, key: &PresentedKey, scopes: &[String]) -> poem::Result<Pass> {
    let verdict = validate(app, key.text(), scopes).await;
    // A use that was not recorded is never allowed, and says nothing about the key.
    let verdict = verdict.map_err(|error| Failure::Unavailable {
        cause: error.to_string(),
    })?;
    let failure = match verdict {
        Verdict::Valid { key, rate_limit } => return Ok(Pass { key, rate_limit }),
        Verdict::MissingKey => Failure::MissingKey,
        Verdict::InvalidKey => Failure::InvalidKey,
        Verdict::Revoked => Failure::RevokedKeyUsed,
        Verdict::Expired => Failure::ExpiredKeyUsed,
        Verdict::MissingScopes(scopes) => Failure::MissingScopes(scopes.join(", ")),
        Verdict::RateLimited(state) => Failure::RateLimited(state),
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

/// The errors of the GET, for the document.
pub(super) fn refusals() -> Vec<DocumentedError> {
    documented(&[ScopeParam::PROBLEM, "unknown parameter: scopes"])
}

/// The errors of the POST, for the document.
pub(super) fn refusals_of_post() -> Vec<DocumentedError> {
    let problems = [
        ScopeParam::PROBLEM,
        "unknown parameter: scopes",
        BODY_PROBLEM,
    ];
    let mut refusals = documented(&problems);
    refusals.push(Failure::BodyTimeout.into());
    refusals
}

fn documented(problems: &[&str]) -> Vec<DocumentedError> {
    let problems = Failure::BadRequest(problems.join("; "));
    vec![
        DocumentedError::named("invalid-requirement", problems),
        Failure::InvalidKey.into(),
        Failure::MissingKey.into(),
        Failure::RevokedKeyUsed.into(),
        Failure::ExpiredKeyUsed.into(),
        Failure::MissingScopes("invoices:write".to_owned()).into(),
        Failure::RateLimited(RateLimitState {
            limit: 1000,
            remaining: 0,
            reset: std::time::Duration::from_secs(7),
        })
        .into(),
    ]
}

/// A yes: the body, and the headers to pass on.
pub(super) struct Pass {
    key: Box<ApiKey>,
    rate_limit: Option<RateLimitState>,
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
        let rate_limit = self.rate_limit.iter().flat_map(rate_limit_headers);
        let headers = about.into_iter().chain(rate_limit);
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
