//! One operation of the document: as poem-openapi derives it, without noise, with upstream's words and all responses.
//!
//! The errors are made from [`Failure`] itself, so that the document shows what is sent. To add an operation, add its
//! [`notes`].

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{error_response::error_response, schema};
use crate::api::{
    documented_error::{self, DocumentedError, ErrorsByStatus},
    error::Failure,
    keys::refusals,
    stats, validate,
};

/// What poem-openapi does not know of an operation.
struct Notes {
    /// The description of its success; upstream's, where upstream has the operation.
    success: &'static str,
    /// Its errors besides [`Failure::of_any_operation`].
    refusals: fn() -> Vec<DocumentedError>,
}

fn notes(operation_id: &str) -> Option<Notes> {
    let (success, refusals): (_, fn() -> _) = match operation_id {
        "ApiKeysController_list" => ("API keys retrieved successfully", refusals::list),
        "ApiKeysController_create" => ("API key created successfully", refusals::create),
        "ApiKeysController_getById" => ("API key retrieved successfully", refusals::get),
        "ApiKeysController_rotate" => ("API key rotated successfully", refusals::rotate),
        "ApiKeysController_revoke" => ("API key revoked successfully", refusals::revoke),
        "ApiKeysController_getStats" => ("Statistics retrieved successfully", stats::refusals),
        "ApiKeysController_validateForGateway" => ("The API key is valid", validate::refusals),
        "ApiKeysController_validate" => ("The API key is valid", validate::refusals_of_post),
        _ => return None,
    };
    Some(Notes { success, refusals })
}

/// The operation that poem-openapi derived, completed.
pub(super) fn complete(derived: &Value, schemas: &Map<String, Value>) -> Value {
    let operation_id = derived["operationId"].as_str().unwrap_or_default();
    let mut operation = Map::new();
    for field in ["tags", "summary", "description", "operationId"] {
        operation.insert(field.to_owned(), derived[field].clone());
    }
    if let Value::String(description) = &mut operation["description"] {
        *description = description.replace('\n', " ");
    }
    let parameters = derived["parameters"].as_array().into_iter().flatten();
    operation.insert("parameters".to_owned(), parameters.map(parameter).collect());
    if derived["requestBody"].is_object() {
        let body = json!({
            "required": true,
            "content": content(&derived["requestBody"], schemas),
        });
        operation.insert("requestBody".to_owned(), body);
    }
    if let Some(notes) = notes(operation_id) {
        operation.insert("responses".to_owned(), responses(derived, &notes, schemas));
    }
    operation.insert("security".to_owned(), derived["security"].clone());
    operation.into()
}

/// The success as derived, and all errors in the order of their statuses.
fn responses(derived: &Value, notes: &Notes, schemas: &Map<String, Value>) -> Value {
    let mut responses = Map::new();
    for (status, success) in derived["responses"].as_object().into_iter().flatten() {
        let mut response = json!({
            "description": notes.success,
            "content": content(success, schemas),
        });
        if derived["operationId"] == "ApiKeysController_revoke" {
            let example = &mut response["content"]["application/json"]["example"];
            example["status"] = json!("revoked");
            example["revokedAt"] = json!("2026-01-06T12:00:00.000Z");
        }
        if derived["operationId"] == "ApiKeysController_rotate" {
            let example = &mut response["content"]["application/json"]["example"];
            example["previousSecretExpiresAt"] = json!("2026-01-06T12:00:00.000Z");
        }
        if status == StatusCode::CREATED.as_str() {
            let path = "/api/organizations/acme-corp/api-keys/2f1d3c5e-9a7b-4e60-8c2d-1b0a9f8e7d6c";
            response["headers"] = json!({ "Location": header(path) });
        }
        if derived["security"] == json!([{ "apiKey": [] }]) {
            let headers = validate::HEADERS.map(|(name, value)| (canonical(name), header(value)));
            response["headers"] = Map::from_iter(headers).into();
        }
        responses.insert(status.clone(), response);
    }
    let by_bearer = derived["security"] == json!([{ "bearer": [] }]);
    for (status, errors) in errors(notes.refusals, by_bearer) {
        responses.insert(status.as_str().to_owned(), error_response(status, &errors));
    }
    responses.into()
}

/// All errors of an operation, by status; none for an unknown operation.
pub(in crate::api) fn errors_of(operation_id: &str, by_bearer: bool) -> ErrorsByStatus {
    notes(operation_id).map_or_else(ErrorsByStatus::new, |notes| {
        errors(notes.refusals, by_bearer)
    })
}

fn errors(own: fn() -> Vec<DocumentedError>, by_bearer: bool) -> ErrorsByStatus {
    let unauthenticated = by_bearer.then_some(Failure::Unauthenticated(None));
    let common = unauthenticated
        .into_iter()
        .chain(Failure::of_any_operation());
    let mut errors = ErrorsByStatus::new();
    documented_error::add(&mut errors, own());
    documented_error::add(&mut errors, common.map(Into::into));
    errors
}

fn parameter(derived: &Value) -> Value {
    let mut parameter = Map::new();
    for field in ["name", "required", "in", "description", "schema"] {
        parameter.insert(field.to_owned(), derived[field].clone());
    }
    schema::upgrade(&mut parameter["schema"]);
    let example = match derived["name"].as_str() {
        Some("organizationId") => json!("550e8400-e29b-41d4-a716-446655440000"),
        Some("id") => json!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
        Some("days") => json!(7),
        Some("limit") => json!(50),
        Some("scope") => json!(["invoices:read"]),
        // A cursor that somebody else got is of no use; without one, the list begins.
        _ => return parameter.into(),
    };
    parameter.insert("example".to_owned(), example);
    parameter.into()
}

/// The content of a request or a success, with the example that its type has.
fn content(derived: &Value, schemas: &Map<String, Value>) -> Value {
    let content = derived["content"].as_object();
    let schema = content
        .and_then(|content| content.values().next())
        .map_or(Value::Null, |media_type| media_type["schema"].clone());
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let example = name.map_or(Value::Null, |name| schemas[name]["example"].clone());
    json!({ "application/json": { "schema": schema, "example": example } })
}

/// A header with an example.
pub(super) fn header(example: &str) -> Value {
    json!({ "schema": { "type": "string" }, "example": example })
}

/// A header's name as documents write it: `WWW-Authenticate`, `Retry-After`.
pub(super) fn canonical(name: &str) -> String {
    let capital = |word: &str| match word {
        "www" => "WWW".to_owned(),
        "ratelimit" => "RateLimit".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    };
    let words: Vec<_> = name.split('-').map(capital).collect();
    words.join("-")
}
