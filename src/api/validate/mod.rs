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
    middleware::LoggedValidation,
    operations::{ApiTag, OperationDoc},
};
use crate::{
    app::App,
    key_validation::{self, Verdict},
    model::{LimitState, LimitStates},
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
const HEADERS: [(&str, &str); 9] = [
    ("x-key-id", "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
    ("x-organization-id", "550e8400-e29b-41d4-a716-446655440000"),
    ("x-key-scopes", "invoices:read invoices:write"),
    ("ratelimit-limit", "1000"),
    ("ratelimit-remaining", "999"),
    ("ratelimit-reset", "60"),
    ("x-quota-limit", "1000000"),
    ("x-quota-remaining", "982791"),
    ("x-quota-reset", "2289600"),
];

/// The errors of both operations; `problems` are those of the 400.
fn documented_errors(problems: &[&str]) -> Vec<DocumentedError> {
    let state = |limit, remaining, seconds| {
        Some(LimitState {
            limit,
            remaining,
            reset: Duration::from_secs(seconds),
        })
    };
    let rate_limited = LimitStates {
        rate_limit: state(1000, 0, 7),
        quota: state(1_000_000, 982_791, 2_289_600),
    };
    let over_quota = LimitStates {
        rate_limit: state(1000, 1000, 60),
        quota: state(1_000_000, 0, 2_289_600),
    };
    vec![
        DocumentedError::bad_request("invalid-requirement", problems.join("; ")),
        ApiError::InvalidKey.into(),
        ApiError::MissingKey.into(),
        ApiError::RevokedKeyUsed.into(),
        ApiError::ExpiredKeyUsed.into(),
        ApiError::DisabledKeyUsed.into(),
        ApiError::MissingScopes("invoices:write".to_owned()).into(),
        ApiError::RateLimited(rate_limited).into(),
        ApiError::OverQuota(over_quota).into(),
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
    let validation = key_validation::validate(app, key.text(), scopes).await;
    let logged = LoggedValidation {
        key: validation.key,
        outcome: validation.outcome(),
    };
    let response = match validation.verdict {
        Ok(Verdict::Valid { key, limits }) => Ok(ValidKeyResponse {
            key,
            limits,
            logged,
        }),
        Ok(Verdict::MissingKey) => Err(ApiError::MissingKey),
        Ok(Verdict::InvalidKey) => Err(ApiError::InvalidKey),
        Ok(Verdict::Revoked) => Err(ApiError::RevokedKeyUsed),
        Ok(Verdict::Expired) => Err(ApiError::ExpiredKeyUsed),
        Ok(Verdict::Disabled) => Err(ApiError::DisabledKeyUsed),
        Ok(Verdict::MissingScopes(scopes)) => Err(ApiError::MissingScopes(scopes.join(", "))),
        Ok(Verdict::RateLimited(limits)) => Err(ApiError::RateLimited(limits)),
        Ok(Verdict::OverQuota(limits)) => Err(ApiError::OverQuota(limits)),
        // A use that could not be recorded is not allowed, and the response says nothing about the key.
        Err(error) => Err(ApiError::Unavailable {
            cause: error.to_string(),
        }),
    };
    response.map_err(|error| {
        let mut error = poem::Error::from(error);
        error.set_data(logged);
        error
    })
}
