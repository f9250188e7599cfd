//! One operation of the document: derived by poem-openapi, completed from its [`OperationDoc`].
//!
//! The errors are made from `ApiError` itself, so that the document shows what is sent.

use serde_json::{Map, Value, json};

use super::{error_response::error_response, schema};
use crate::api::operations::{self, OperationDoc};

/// Completes an operation that poem-openapi derived.
pub(super) fn finish_operation(derived: &Value, schemas: &Map<String, Value>) -> Value {
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
    if let Some(doc) = operations::doc(operation_id) {
        operation.insert("responses".to_owned(), responses(derived, doc, schemas));
    }
    operation.insert("security".to_owned(), derived["security"].clone());
    operation.into()
}

/// The success response, and all errors in the order of their statuses.
fn responses(derived: &Value, doc: &OperationDoc, schemas: &Map<String, Value>) -> Value {
    let mut responses = Map::new();
    for (status, success) in derived["responses"].as_object().into_iter().flatten() {
        let mut response = json!({
            "description": doc.success,
            "content": content(success, schemas),
        });
        if let Some(example) = doc.example {
            response["content"]["application/json"]["example"] = example().into();
        }
        if !doc.headers.is_empty() {
            let headers = doc.headers.iter();
            let headers = headers.map(|(name, example)| (canonical(name), header(example)));
            response["headers"] = headers.collect::<Map<_, _>>().into();
        }
        responses.insert(status.clone(), response);
    }
    let requires_bearer = derived["security"] == json!([{ "bearer": [] }]);
    for (status, errors) in operations::documented_errors(doc.id, requires_bearer) {
        responses.insert(status.as_str().to_owned(), error_response(status, &errors));
    }
    responses.into()
}

/// Completes a parameter. Its example is the same in all operations.
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
        // A cursor of another database is of no use, and a filter may select nothing.
        _ => return parameter.into(),
    };
    parameter.insert("example".to_owned(), example);
    parameter.into()
}

/// Returns the content of a request or a success, with the example of its type.
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

/// Returns a header with an example.
pub(super) fn header(example: &str) -> Value {
    json!({ "schema": { "type": "string" }, "example": example })
}

/// Returns the canonical spelling of a header's name: `WWW-Authenticate`, `Retry-After`.
pub(super) fn canonical(name: &str) -> String {
    let capital = |word: &str| match word {
        "www" => "WWW".to_owned(),
        "ratelimit" => "RateLimit".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    };
    let words: Vec<_> = name.split('-').map(capital).collect();
    words.join("-")
}
