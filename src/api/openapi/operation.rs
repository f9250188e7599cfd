//! One operation of the document: as derived, without noise, with upstream's words and all that may be answered.
//!
//! The errors are made from [`Failure`] itself, so that what is documented is what is sent. To add an operation,
//! add its [`notes`].

use std::collections::BTreeMap;

use poem::{error::ResponseError, http::StatusCode};
use poem_openapi::types::ToJSON;
use serde_json::{Map, Value, json};

use super::schema;
use crate::api::{error::Failure, keys::refusals, stats, validate};

/// What poem-openapi does not know of an operation.
struct Notes {
    /// The description of its success; upstream's, where upstream has the operation.
    success: &'static str,
    /// What it may refuse besides [`Failure::of_any_operation`].
    refusals: fn() -> Vec<Failure>,
}

fn notes(operation_id: &str) -> Option<Notes> {
    let (success, refusals): (_, fn() -> _) = match operation_id {
        "ApiKeysController_list" => ("API keys retrieved successfully", refusals::list),
        "ApiKeysController_create" => ("API key created successfully", refusals::create),
        "ApiKeysController_getById" => ("API key retrieved successfully", refusals::get),
        "ApiKeysController_rotate" => ("API key rotated successfully", refusals::rotate),
        "ApiKeysController_revoke" => ("API key revoked successfully", refusals::revoke),
        "ApiKeysController_getStats" => ("Statistics retrieved successfully", stats::refusals),
        "ApiKeysController_validateForGateway" => ("The API key may pass", validate::refusals),
        "ApiKeysController_validate" => ("The API key may pass", validate::refusals_of_post),
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

/// The success as derived, and all refusals in the order of their statuses.
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
    for (status, failures) in refusals(notes.refusals, by_bearer) {
        responses.insert(status.as_str().to_owned(), refusal(status, &failures));
    }
    responses.into()
}

/// All that an operation may refuse, by status; nothing for an operation that is not known.
pub(in crate::api) fn refusals_of(
    operation_id: &str,
    by_bearer: bool,
) -> BTreeMap<StatusCode, Vec<Failure>> {
    let notes = notes(operation_id);
    notes.map_or_else(BTreeMap::new, |notes| refusals(notes.refusals, by_bearer))
}

fn refusals(own: fn() -> Vec<Failure>, by_bearer: bool) -> BTreeMap<StatusCode, Vec<Failure>> {
    let mut refusals: BTreeMap<StatusCode, Vec<Failure>> = BTreeMap::new();
    let of_the_door = by_bearer.then_some(Failure::Unauthenticated(None));
    let failures = own().into_iter().chain(of_the_door);
    for failure in failures.chain(Failure::of_any_operation()) {
        refusals.entry(failure.status()).or_default().push(failure);
    }
    refusals
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

/// The refusals of one status, with the very bodies that are sent, each under its name.
pub(in crate::api) fn refusal(status: StatusCode, failures: &[Failure]) -> Value {
    let messages: Vec<String> = failures.iter().map(Failure::to_string).collect();
    let description = match status {
        StatusCode::BAD_REQUEST => "A parameter or the body is not valid".to_owned(),
        _ => messages.join(" Or: "),
    };
    let examples: Map<String, Value> = named(failures)
        .map(|(name, failure)| {
            let example =
                json!({ "summary": failure.to_string(), "value": failure.body().to_json() });
            (name, example)
        })
        .collect();
    let media_type = json!({
        "schema": { "$ref": "#/components/schemas/Error" },
        "examples": examples,
    });
    let mut response = json!({
        "description": description,
        "content": { "application/json": media_type },
    });
    let headers = failures.iter().flat_map(Failure::headers);
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (canonical(name.as_str()), header(&value)))
        .collect();
    if !headers.is_empty() {
        response["headers"] = headers.into();
    }
    response
}

/// Each refusal of one status with a name that no other has.
pub(in crate::api) fn named(failures: &[Failure]) -> impl Iterator<Item = (String, &Failure)> {
    failures.iter().enumerate().map(|(n, failure)| {
        let name = failure.name();
        let before = failures[..n].iter().filter(|other| other.name() == name);
        match before.count() {
            0 => (name.to_owned(), failure),
            others => (format!("{name}-{}", others + 1), failure),
        }
    })
}

fn header(example: &str) -> Value {
    json!({ "schema": { "type": "string" }, "example": example })
}

/// A header's name as documents write it: `WWW-Authenticate`, `Retry-After`.
fn canonical(name: &str) -> String {
    let capital = |word: &str| match word {
        "www" => "WWW".to_owned(),
        "ratelimit" => "RateLimit".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    };
    let words: Vec<_> = name.split('-').map(capital).collect();
    words.join("-")
}
