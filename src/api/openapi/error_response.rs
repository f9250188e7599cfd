//! The error responses of an operation: one per status, with an example per error.
//!
//! The examples are the bodies and headers that are sent.

use poem::http::StatusCode;
use poem_openapi::types::ToJSON;
use serde_json::{Map, Value, json};

use super::operation::{canonical, header};
use crate::api::{documented_error::DocumentedError, error::ApiError};

/// The response for one status, with each of its errors as a named example.
pub(in crate::api) fn error_response(status: StatusCode, errors: &[DocumentedError]) -> Value {
    let example = |DocumentedError { name, error }: &DocumentedError| {
        let example = json!({ "summary": error.to_string(), "value": error.body().to_json() });
        ((*name).to_owned(), example)
    };
    let examples: Map<String, Value> = errors.iter().map(example).collect();
    let media_type = json!({
        "schema": { "$ref": "#/components/schemas/Error" },
        "examples": examples,
    });
    let mut response = json!({
        "description": description(status, errors),
        "content": { "application/json": media_type },
    });
    let headers = errors
        .iter()
        .flat_map(|documented| documented.error.headers());
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (canonical(name.as_str()), header(&value)))
        .collect();
    if !headers.is_empty() {
        response["headers"] = headers.into();
    }
    response
}

/// Returns the description of the errors: their message if it is the same for all of them and for every request.
fn description(status: StatusCode, errors: &[DocumentedError]) -> String {
    let mut messages = errors.iter().map(|documented| documented.error.to_string());
    let message = messages.next().unwrap_or_default();
    let depends_on_request = |documented: &DocumentedError| {
        matches!(
            documented.error,
            ApiError::BadRequest(_) | ApiError::MissingScopes(_)
        )
    };
    if messages.all(|other| other == message) && !errors.iter().any(depends_on_request) {
        return message;
    }
    let sentence = match status {
        StatusCode::BAD_REQUEST => "A parameter or the body is not valid.",
        StatusCode::UNAUTHORIZED => "The API key is missing, unknown, revoked or expired.",
        StatusCode::FORBIDDEN if matches!(errors, [only] if depends_on_request(only)) => {
            "The API key lacks required scopes."
        }
        StatusCode::FORBIDDEN => {
            "Access denied. The user is not a member of this organization, or has a role that does not permit this \
             operation."
        }
        StatusCode::CONFLICT => "The state of the API key does not permit this operation.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body is not JSON, or it is compressed.",
        StatusCode::TOO_MANY_REQUESTS => "The API key has reached a limit.",
        other => other.canonical_reason().unwrap_or_default(),
    };
    sentence.to_owned()
}
