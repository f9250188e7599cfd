//! `GET` and `POST /api-keys/validate`: validate an API key, for gateways and for scripts.
//!
//! [`crate::key_validation`] decides and counts. This module checks the request, and maps the verdict to a status and
//! headers, which a gateway passes on to the service behind it. A request that may misspell a required scope is a 400
//! before the key is looked at, and is not counted.

mod wire;

use std::time::Duration;

use poem::{Request, web::Data};
use poem_openapi::{OpenApi, param::Query};

use self::wire::ValidKeyResponse;
use super::{
    documented_error::DocumentedError,
    error::ApiError,
    extract::{BODY_PROBLEM, HasBody, PresentedKey, ScopeParam, required_scopes},
    operations::{ApiTag, OperationDoc},
};
use crate::{
    app::App,
    key_validation::{self, Verdict},
    model::RateLimitState,
};

/// The GET, for gateways.
pub(super) struct ForGateway;

/// The POST.
pub(super) struct Validate;

pub(super) const FOR_GATEWAY_DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_validateForGateway",
    success: "The API key is valid",
    headers: &HEADERS,
    errors: || documented_errors(&[ScopeParam::PROBLEM, "unknown parameter: scopes"]),
    example: None,
};

pub(super) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_validate",
    success: "The API key is valid",
    headers: &HEADERS,
    errors: || {
        let problems = [
            ScopeParam::PROBLEM,
            "unknown parameter: scopes",
            BODY_PROBLEM,
        ];
        let mut errors = documented_errors(&problems);
        errors.push(ApiError::BodyTimeout.into());
        errors
    },
    example: None,
};

/// The headers of a success, with examples.
const HEADERS: [(&str, &str); 6] = [
    ("x-key-id", "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
    ("x-organization-id", "550e8400-e29b-41d4-a716-446655440000"),
    ("x-key-scopes", "invoices:read invoices:write"),
    ("ratelimit-limit", "1000"),
    ("ratelimit-remaining", "999"),
    ("ratelimit-reset", "60"),
];

/// The errors of both operations; `problems` are those of the 400.
fn documented_errors(problems: &[&str]) -> Vec<DocumentedError> {
    let rate_limit = RateLimitState {
        limit: 1000,
        remaining: 0,
        reset: Duration::from_secs(7),
    };
    vec![
        DocumentedError::bad_request("invalid-requirement", problems.join("; ")),
        ApiError::InvalidKey.into(),
        ApiError::MissingKey.into(),
        ApiError::RevokedKeyUsed.into(),
        ApiError::ExpiredKeyUsed.into(),
        ApiError::DisabledKeyUsed.into(),
        ApiError::MissingScopes("invoices:write".to_owned()).into(),
        ApiError::RateLimited(rate_limit).into(),
    ]
}

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl ForGateway {
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
    ) -> poem::Result<ValidKeyResponse> {
        // A gateway may announce the body of the request that it guards and never send it.
        let scopes = required_scopes(request, scope.0.as_deref(), false)?;
        decide(&app, &key, &scopes).await
    }
}

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Validate {
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
    ) -> poem::Result<ValidKeyResponse> {
        let scopes = required_scopes(request, scope.0.as_deref(), has_body)?;
        decide(&app, &key, &scopes).await
    }
}

/// Validates the key, counts its use, and converts the verdict.
async fn decide(
    app: &App,
    key: &PresentedKey,
    scopes: &[String],
) -> poem::Result<ValidKeyResponse> {
    let verdict = key_validation::validate(app, key.text(), scopes).await;
    // A use that could not be recorded is not allowed, and the response says nothing about the key.
    let verdict = verdict.map_err(|error| ApiError::Unavailable {
        cause: error.to_string(),
    })?;
    let error = match verdict {
        Verdict::Valid { key, rate_limit } => return Ok(ValidKeyResponse { key, rate_limit }),
        Verdict::MissingKey => ApiError::MissingKey,
        Verdict::InvalidKey => ApiError::InvalidKey,
        Verdict::Revoked => ApiError::RevokedKeyUsed,
        Verdict::Expired => ApiError::ExpiredKeyUsed,
        Verdict::Disabled => ApiError::DisabledKeyUsed,
        Verdict::MissingScopes(scopes) => ApiError::MissingScopes(scopes.join(", ")),
        Verdict::RateLimited(state) => ApiError::RateLimited(state),
    };
    Err(error.into())
}
