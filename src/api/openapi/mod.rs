//! The OpenAPI document: poem-openapi derives it from the annotated structs, this module converts it to OpenAPI 3.1.0.
//!
//! Served under the base path, printed by `llavero openapi`, and kept in `fixtures/openapi.json`, which a test compares
//! with this code. poem-openapi writes 3.0.0 and documents no errors. The frame comes from the upstream document.
//! Operations are in [`operation`], their errors in [`mod@error_response`], the list of servers in [`servers`], and the
//! differences between the schemas of both versions in [`schema`].

mod error_response;
mod operation;
mod schema;
mod servers;

pub use self::servers::{ServerUrl, ServerUrlError};
pub(super) use self::{
    error_response::error_response,
    servers::{put_server_first, put_this_server_first},
};
use hyper::body::Bytes;
use poem::{Endpoint, Request, Response, Result};
use poem_openapi::{OpenApi, registry::Registry, types::Type};
use serde_json::{Map, Value, json};

use super::{
    error::ErrorOut,
    operations::{self, Operations},
};

/// The name of the API, from the upstream document.
pub(super) const TITLE: &str = "Timbrix API";

/// The document as pretty-printed JSON with a final line break.
///
/// # Errors
/// If an annotated struct cannot be serialized. The tests rule this out.
pub fn document() -> serde_json::Result<String> {
    text(&value()?)
}

/// The document with `server` first among its servers.
///
/// # Errors
/// As [`document`].
pub fn document_for(server: &ServerUrl) -> serde_json::Result<String> {
    let mut document = value()?;
    put_server_first(&mut document, server);
    text(&document)
}

/// Formats a document.
pub(super) fn text(document: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

/// Builds the document.
pub(super) fn value() -> serde_json::Result<Value> {
    let mut registry = Registry::new();
    Operations::register(&mut registry);
    ErrorOut::register(&mut registry);

    let mut schemas = Map::new();
    for (name, schema) in &registry.schemas {
        schemas.insert(name.clone(), serde_json::to_value(schema)?);
    }
    let mut paths = Map::new();
    for path in operations::paths() {
        let mut item = serde_json::to_value(&path)?;
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            *operation = operation::finish_operation(operation, &schemas);
        }
        paths.insert(path.path, item);
    }
    schema::complete(&paths, &mut schemas);
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
    Ok(document.into())
}

/// Returns the security schemes, without descriptions: poem-openapi takes them from the comments of Rust types.
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

/// Returns the parts of the document that come from the upstream document.
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
