//! The OpenAPI document of the sandbox: the service's document with values for documentation sites.
//!
//! It adds tokens (`x-default`, which playgrounds fill in), named examples taken from the sandbox's own responses,
//! `curl` lines (`x-codeSamples`), and the request headers and errors that only the sandbox has. Built once, at start.

use std::time::Duration;

use poem::error::ResponseError;
use poem_openapi::registry::MetaOperation;
use serde_json::{Map, Value, json};

use super::{
    SandboxError, prefer,
    session::{SESSION_NAME, SESSION_PATTERN},
};
use crate::{
    api::{
        base_path::BasePath,
        endpoint::{Service, with_app},
        oneshot::{OneshotRequest, OneshotResponse, oneshot},
        openapi::{self, ServerUrl},
        operations::paths,
        routes::RouteTable,
    },
    app::App,
    model::Timestamp,
    sandbox::{Sandbox, SessionId},
};

/// The origin of a sandbox with default settings. A sandbox at another address has the same document, so that the
/// document does not depend on the machine.
pub(super) const ORIGIN: &str = "http://localhost:3001";

/// Returns the URL of the API of a sandbox with default settings, but for `base`.
pub(super) fn default_server(base: &BasePath) -> ServerUrl {
    ServerUrl::new(ORIGIN, base)
}

/// The values that the document fills in.
struct Credentials<'a> {
    /// The path and the URL that the API is under.
    base: &'a str,
    api: &'a str,
    token: &'a str,
    secret: &'a str,
}

/// Builds the document of a sandbox whose API is at `server`, with upstream's list of servers.
pub(super) async fn document(sandbox: &Sandbox, server: &ServerUrl) -> Result<Value, SandboxError> {
    let mut document = openapi::value()?;
    let first_key = sandbox
        .demo()
        .organizations()
        .first()
        .and_then(|first| first.keys().next());
    let secret = first_key.map_or_else(String::new, |(_, _, secret)| secret.reveal().to_owned());
    let credentials = Credentials {
        base: server.base().as_str(),
        api: &server.to_string(),
        token: sandbox.users().first().map_or("", |user| &user.token),
        secret: &secret,
    };
    let reads = at_the_root(sandbox.app());
    let schemes = &mut document["components"]["securitySchemes"];
    schemes["bearer"]["description"] =
        json!("A token of the sandbox; GET /sandbox lists one for every user.");
    schemes["bearer"]["x-default"] = json!(credentials.token);
    schemes["apiKey"]["x-default"] = json!(credentials.secret);
    for path in paths() {
        for meta in &path.operations {
            let method = meta.method.as_str().to_lowercase();
            let operation = &mut document["paths"][&path.path][&method];
            set_expiry(operation, sandbox.app().clock.now());
            let line = curl(&path.path, meta, operation, &credentials);
            operation["x-codeSamples"] =
                json!([{ "lang": "bash", "label": "curl", "source": line }]);
            add_headers(operation);
            add_errors(operation, meta);
            add_examples(operation, meta, sandbox, &reads, &credentials).await?;
        }
    }
    Ok(document)
}

/// Builds a `curl` line that works when pasted.
fn curl(
    template: &str,
    meta: &MetaOperation,
    operation: &Value,
    credentials: &Credentials<'_>,
) -> String {
    let mut path = template.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if let (Some(name), Some(example)) =
            (parameter["name"].as_str(), parameter["example"].as_str())
        {
            path = path.replace(&format!("{{{name}}}"), example);
        }
    }
    let credential = if prefer::requires(meta, "apiKey") {
        format!("X-API-Key: {}", credentials.secret)
    } else {
        format!("Authorization: Bearer {}", credentials.token)
    };
    let method = match meta.method.as_str() {
        "GET" => String::new(),
        other => format!(" -X {other}"),
    };
    let body = match &operation["requestBody"]["content"]["application/json"]["example"] {
        Value::Null => String::new(),
        body => format!(" -H 'Content-Type: application/json' -d '{body}'"),
    };
    let api = credentials.api;
    format!("curl{method} '{api}{path}' -H '{credential}'{body}")
}

/// Adds the request headers that only the sandbox has.
fn add_headers(operation: &mut Value) {
    // Without examples: playgrounds would send them, and every response would be an example.
    let header = |name: &str, description: &str, schema: Value| {
        json!({
            "name": name,
            "required": false,
            "in": "header",
            "description": description,
            "schema": schema,
        })
    };
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(header(
            "Prefer",
            "Sandbox only: selects a documented response, by code=404, by example=NAME, or by both. delay=SECONDS delays the \
             response by up to 10 seconds.",
            json!({ "type": "string" }),
        ));
        parameters.push(header(
            SESSION_NAME,
            "Sandbox only: names a session, with 1 to 128 letters, digits and -._~:/+=@. Changes made in a session are \
             visible in this session only.",
            json!({ "type": "string", "pattern": SESSION_PATTERN }),
        ));
    }
}

/// Adds the errors that only the sandbox has.
fn add_errors(operation: &mut Value, meta: &MetaOperation) {
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    let all = prefer::errors(meta.operation_id.unwrap_or_default(), meta);
    for added in prefer::errors_of_the_sandbox(meta) {
        let status = added.error.status();
        let errors = all.get(&status).map_or(&[][..], Vec::as_slice);
        let response = openapi::error_response(status, errors);
        responses.insert(status.as_str().to_owned(), response);
    }
    responses.sort_keys();
}

/// Sets the expiry in a body's example to a year after the sandbox's clock.
fn set_expiry(operation: &mut Value, now: Timestamp) {
    let expiry = "/requestBody/content/application~1json/example/expiresAt";
    if let Some(expiry) = operation.pointer_mut(expiry) {
        *expiry = json!(now.after(Duration::from_hours(365 * 24)).to_string());
    }
}

/// Replaces the service's single example by the sandbox's own responses.
async fn add_examples(
    operation: &mut Value,
    meta: &MetaOperation,
    sandbox: &Sandbox,
    reads: &impl Service,
    credentials: &Credentials<'_>,
) -> Result<(), SandboxError> {
    let mut examples = Map::new();
    let mut status = String::new();
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    let body = (!body.is_null()).then(|| body.to_string());
    for example in sandbox.demo().examples() {
        if meta.operation_id != Some(&*example.operation) {
            continue;
        }
        let request = OneshotRequest::get(&example.target, Some(credentials.token));
        let (method, secret) = (meta.method.as_str(), Some(credentials.secret));
        let request = request.with(method, secret, body.as_deref());
        let response = respond(request, prefer::writes(meta), sandbox, reads).await?;
        if !(200..300).contains(&response.status) {
            return Err(SandboxError::Example(example.target.clone()));
        }
        let value: Value = serde_json::from_str(&response.body)?;
        status = response.status.to_string();
        let location = format!("/responses/{status}/headers/Location/example");
        if let (Some(path), Some(id)) = (operation.pointer_mut(&location), value["id"].as_str()) {
            *path = json!(format!("{}{}/{id}", credentials.base, example.target));
        }
        let shown = json!({ "summary": example.summary, "value": value });
        examples.insert(example.name.clone(), shown);
    }
    if !examples.is_empty() {
        let media_type = &mut operation["responses"][&status]["content"]["application/json"];
        *media_type = json!({ "schema": media_type["schema"], "examples": examples });
    }
    Ok(())
}

/// Sends a request to the service and discards its changes.
async fn respond(
    request: OneshotRequest<'_>,
    writes: bool,
    sandbox: &Sandbox,
    reads: &impl Service,
) -> Result<OneshotResponse, SandboxError> {
    // A name with a space is not valid in the header, so no request shares this session.
    let session = SessionId::from_name("of the document");
    let Some(tx) = sandbox.begin(session, writes).await? else {
        return Ok(oneshot(reads, request).await?);
    };
    let response = oneshot(&at_the_root(&tx.app), request).await?;
    sandbox.reset(session);
    Ok(response)
}

/// Builds the service with its operations at the root.
fn at_the_root(app: &App) -> impl Service + use<> {
    with_app(RouteTable::new(&[BasePath::root()]), app)
}
