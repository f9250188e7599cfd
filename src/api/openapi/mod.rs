//! The OpenAPI document: what poem-openapi derives from the annotated structs, brought to OpenAPI 3.1.0.
//!
//! Served under the base path, printed by `llavero openapi`, kept in `fixtures/openapi.json`; a test holds
//! that file against this code. poem-openapi writes 3.0.0 and documents no errors: the frame comes from the
//! upstream document, the errors from [`Failure`] itself, so that what is documented is what is sent. How a
//! schema differs between the two versions is in [`schema`].

mod schema;

use hyper::body::Bytes;
use poem::{Endpoint, Request, Response, Result, error::ResponseError, http::StatusCode};
use poem_openapi::{
    OpenApi,
    registry::Registry,
    types::{ToJSON, Type},
};
use serde_json::{Map, Value, json};

use super::{
    error::{ErrorOut, Failure},
    keys,
    routes::Apis,
    stats,
};

/// The API's name, as upstream has it.
pub(super) const TITLE: &str = "Timbrix API";

/// What poem-openapi does not know of an operation.
struct Notes {
    /// The upstream document's description of its 200.
    success: &'static str,
    /// What it may refuse besides [`Failure::of_any_operation`].
    refusals: fn() -> Vec<Failure>,
}

fn notes(operation_id: &str) -> Option<Notes> {
    match operation_id {
        "ApiKeysController_getById" => Some(Notes {
            success: "API key retrieved successfully",
            refusals: keys::key_refusals,
        }),
        "ApiKeysController_getStats" => Some(Notes {
            success: "Statistics retrieved successfully",
            refusals: stats::stats_refusals,
        }),
        _ => None,
    }
}

/// The document as pretty-printed JSON with a final line break.
///
/// # Errors
/// When an annotated struct has no JSON form, which the tests rule out.
pub fn document() -> serde_json::Result<String> {
    let mut registry = Registry::new();
    Apis::register(&mut registry);
    ErrorOut::register(&mut registry);

    let mut schemas = Map::new();
    for (name, schema) in &registry.schemas {
        schemas.insert(name.clone(), serde_json::to_value(schema)?);
    }
    let mut paths = Map::new();
    for path in Apis::meta().into_iter().flat_map(|api| api.paths) {
        let mut item = serde_json::to_value(&path)?;
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            *operation = complete(operation, &schemas);
        }
        paths.insert(path.path, item);
    }
    schemas.values_mut().for_each(schema::upgrade);

    let mut document = frame();
    document.insert("paths".to_owned(), paths.into());
    document.insert(
        "components".to_owned(),
        json!({
            "securitySchemes": security_schemes(&registry)?,
            "schemas": schemas,
        }),
    );
    let text = serde_json::to_string_pretty(&document)?;
    Ok(text + "\n")
}

/// The security schemes, without the doc comment of a Rust type that poem-openapi puts there.
fn security_schemes(registry: &Registry) -> serde_json::Result<Value> {
    let mut schemes = serde_json::to_value(&registry.security_schemes)?;
    for scheme in schemes
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        if let Some(scheme) = scheme.as_object_mut() {
            scheme.remove("description");
        }
    }
    Ok(schemes)
}

/// What the upstream document says of the API as a whole.
fn frame() -> Map<String, Value> {
    let tag = |name, description| json!({ "name": name, "description": description });
    let frame = json!({
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "description": "REST API with OAuth2 server for managing organizations, members, and webhooks",
            "version": "1.0",
            "contact": {},
        },
        "servers": [
            { "url": "http://sandbox.mintlify.com", "description": "Sandbox environment" },
            { "url": "http://localhost:3001/api", "description": "Local development" },
        ],
        "security": [],
        "tags": [
            tag("organizations", "Organization management endpoints"),
            tag("oauth", "OAuth2 authentication and authorization"),
            tag("webhooks", "Webhook configuration and delivery"),
            tag("users", "User information endpoints"),
            tag("api-keys", "API Keys management and validation"),
        ],
    });
    match frame {
        Value::Object(frame) => frame,
        _ => Map::new(),
    }
}

/// One operation: as derived, without noise, with upstream's words, examples, and all that it may refuse.
fn complete(derived: &Value, schemas: &Map<String, Value>) -> Value {
    let operation_id = derived["operationId"].as_str().unwrap_or_default();
    let mut operation = Map::new();
    for field in ["tags", "summary", "description", "operationId"] {
        operation.insert(field.to_owned(), derived[field].clone());
    }
    let parameters = derived["parameters"].as_array().into_iter().flatten();
    operation.insert("parameters".to_owned(), parameters.map(parameter).collect());
    let mut responses = Map::new();
    if let Some(notes) = notes(operation_id) {
        responses.insert("200".to_owned(), success(derived, notes.success, schemas));
        let mut refusals = (notes.refusals)();
        refusals.extend(Failure::of_any_operation());
        refusals.sort_by_key(ResponseError::status);
        for failure in refusals {
            responses.insert(failure.status().as_str().to_owned(), refusal(&failure));
        }
    }
    operation.insert("responses".to_owned(), responses.into());
    operation.insert("security".to_owned(), derived["security"].clone());
    operation.into()
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
        _ => json!(7),
    };
    parameter.insert("example".to_owned(), example);
    parameter.into()
}

/// The 200, with the example that its type has.
fn success(derived: &Value, description: &str, schemas: &Map<String, Value>) -> Value {
    let content = derived["responses"]["200"]["content"].as_object();
    let schema = content
        .and_then(|content| content.values().next())
        .map_or(Value::Null, |media_type| media_type["schema"].clone());
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let example = name.map_or(Value::Null, |name| schemas[name]["example"].clone());
    json!({
        "description": description,
        "content": { "application/json": { "schema": schema, "example": example } },
    })
}

/// A refusal, with the very body that is sent.
fn refusal(failure: &Failure) -> Value {
    let description = match failure.status() {
        StatusCode::BAD_REQUEST => "A parameter is not valid".to_owned(),
        _ => failure.to_string(),
    };
    let mut response = json!({
        "description": description,
        "content": {
            "application/json": {
                "schema": { "$ref": "#/components/schemas/Error" },
                "example": failure.body().to_json(),
            },
        },
    });
    if let Some((name, value)) = failure.header() {
        let schema = json!({ "type": "string" });
        response["headers"] =
            json!({ canonical(name.as_str()): { "schema": schema, "example": value } });
    }
    response
}

/// A header's name as documents write it: `WWW-Authenticate`, `Retry-After`.
fn canonical(name: &str) -> String {
    let capital = |word: &str| match word {
        "www" => "WWW".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    };
    let words: Vec<_> = name.split('-').map(capital).collect();
    words.join("-")
}

/// `GET …/openapi.json`.
pub(super) struct DocumentPage(pub(super) Bytes);

impl Endpoint for DocumentPage {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let document = self.0.clone();
        Ok(Response::builder()
            .content_type("application/json")
            .body(document))
    }
}
