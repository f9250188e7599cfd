//! The OpenAPI document: the committed file, the served document, upstream's words, and the responses.

use std::{collections::HashSet, env, fs, path::PathBuf};

use insta::assert_json_snapshot;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, CARLA, DIEGO, PRODUCTION, TestApp, body, key_path, keys_path, stats_path,
};

const KEYS: &str = "/organizations/{organizationId}/api-keys";
const ROTATE: &str = "/organizations/{organizationId}/api-keys/{id}/rotate";
const KEY: &str = "/organizations/{organizationId}/api-keys/{id}";
const STATS: &str = "/organizations/{organizationId}/api-keys/stats";

fn document() -> Value {
    serde_json::from_str(&llavero::api::document().unwrap()).unwrap()
}

#[test]
fn document_in_fixtures_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/openapi.json");
    let made = llavero::api::document().unwrap();
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "fixtures/openapi.json is out of date: run the tests with UPDATE_OPENAPI=1 and read the difference"
    );
}

#[tokio::test]
async fn document_is_served_without_a_token() {
    let app = TestApp::demo().await;
    let answer = app
        .request(Method::GET, "/api/openapi.json")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let mut served: Value = answer.json().await.unwrap();
    let servers = served["servers"].as_array_mut().unwrap();
    let this_server = servers.remove(0);
    assert_eq!(this_server["url"], "/api", "relative to the document's URL");
    assert_eq!(served, document());
}

#[test]
fn document_for_a_server_lists_it_first_and_once() {
    let urls = |url: &str| -> Vec<String> {
        let server = url.parse().unwrap();
        let document = llavero::api::document_for(&server).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let servers = document["servers"].as_array().unwrap().iter();
        servers
            .map(|server| server["url"].as_str().unwrap().to_owned())
            .collect()
    };
    let (upstream, local) = ("http://sandbox.mintlify.com", "http://localhost:3001/api");
    let own = "https://keys.example.com/api";
    assert_eq!(
        urls("https://keys.example.com/api/"),
        [own, upstream, local]
    );
    assert_eq!(urls(local), [local, upstream]);
}

#[test]
fn scopes_of_a_validation_are_optional() {
    let document = document();
    for method in ["get", "post"] {
        let operation = &document["paths"]["/api-keys/validate"][method];
        let parameters = operation["parameters"].as_array().unwrap();
        let scope = parameters.iter().find(|found| found["name"] == "scope");
        assert_eq!(scope.unwrap()["required"], false, "{method}");
    }
}

#[test]
fn document_names_an_example_for_every_error() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                continue;
            }
            let description = response["description"].as_str().unwrap();
            let context = format!("{method} {path} {status}: {description}");
            assert!(
                !description.is_empty() && !description.contains("Or:"),
                "{context}"
            );
            let examples = &response["content"]["application/json"]["examples"];
            let examples = examples.as_object().unwrap();
            for (name, example) in examples {
                let is_kebab_case = name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                assert!(
                    is_kebab_case && name != "invalid-request",
                    "{context}: {name}"
                );
                assert!(example["summary"].is_string(), "{context}: {name}");
            }
        }
    }
    let list = &document["paths"][KEYS]["get"]["responses"]["400"]["content"]["application/json"];
    let names: Vec<&String> = list["examples"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "invalid-limit",
            "invalid-cursor",
            "unknown-parameter",
            "invalid-status",
            "invalid-usage",
            "invalid-expires-within-days",
            "empty-search",
            "invalid-days",
            "invalid-order",
            "cursor-of-another-query"
        ]
    );
}

#[test]
fn document_keeps_the_upstream_texts() {
    let document = document();
    let tags = document["tags"].as_array().unwrap().iter();
    let tags: Vec<&Value> = tags.map(|tag| &tag["name"]).collect();
    // The two operations that upstream documents.
    let operations = [KEY, STATS].map(|path| {
        let operation = &document["paths"][path]["get"];
        let responses = operation["responses"].as_object().unwrap().iter();
        let upstream =
            responses.filter(|(status, _)| ["200", "401", "403", "404"].contains(&status.as_str()));
        let descriptions =
            upstream.map(|(status, response)| (status.clone(), response["description"].clone()));
        json!({
            "operationId": operation["operationId"],
            "summary": operation["summary"],
            "description": operation["description"],
            "tags": operation["tags"],
            "security": operation["security"],
            "responses": descriptions.collect::<serde_json::Map<_, _>>(),
        })
    });
    let texts = json!({
        "openapi": document["openapi"],
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "security": document["security"],
        "servers": document["servers"],
        "tags": tags,
        "bearer": document["components"]["securitySchemes"]["bearer"],
        "operations": operations,
    });
    assert_json_snapshot!(texts);
}

/// Every operation: its method, its path, and what the document says of it.
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method, path, operation))
        })
        .collect()
}

/// The examples of an answer, one or several.
fn examples(response: &Value) -> Vec<&Value> {
    let media_type = &response["content"]["application/json"];
    match media_type["examples"].as_object() {
        Some(examples) => examples.values().map(|example| &example["value"]).collect(),
        None => vec![&media_type["example"]],
    }
}

#[test]
fn document_has_a_unique_id_for_every_operation() {
    let document = document();
    let names = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (
                format!("{} {path}", method.to_uppercase()),
                operation["operationId"].clone(),
            )
        });
    let names: serde_json::Map<_, _> = names.collect();
    assert_json_snapshot!(names);
    let unique: HashSet<&Value> = names.values().collect();
    assert_eq!(unique.len(), names.len());
}

#[test]
fn document_has_an_example_per_response_and_a_description_per_field() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            for example in examples(response) {
                assert!(example.is_object(), "{method} {path} {status}");
                if !status.starts_with('2') {
                    assert_eq!(example["statusCode"].to_string(), *status);
                }
            }
        }
        if let Some(body) = operation.get("requestBody") {
            assert!(
                body["content"]["application/json"]["example"].is_object(),
                "{method} {path}"
            );
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let description = property["description"].as_str().unwrap();
            assert!(!description.contains('\n'), "{name}.{field}: {description}");
        }
    }
}

#[test]
fn document_request_schemas_are_closed_and_mark_nullable_fields() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for name in ["CreateApiKey", "RotateApiKey", "NewRateLimit"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let create = &schemas["CreateApiKey"];
    assert_eq!(create["required"], json!(["name"]));
    for (field, kind) in [
        ("name", json!("string")),
        ("description", json!(["string", "null"])),
        ("scopes", json!(["array", "null"])),
        ("expiresAt", json!(["string", "null"])),
    ] {
        assert_eq!(create["properties"][field]["type"], kind, "{field}");
    }
    assert_eq!(schemas["RateLimit"].get("additionalProperties"), None);
    assert_eq!(schemas["RotateApiKey"]["required"], json!(["graceSeconds"]));
}

#[tokio::test]
async fn document_request_examples_succeed() {
    let app = TestApp::demo().await;
    let document = document();
    let example = |path: &str| {
        document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
            .clone()
    };
    let created = app.post(ANA, &keys_path(ACME), &example(KEYS)).await;
    let created = body(created, 201).await;
    let documented = &document["paths"][KEYS]["post"]["responses"]["201"];
    assert_eq!(shape(&created), shape(examples(documented)[0]));
    assert_eq!(created["name"], examples(documented)[0]["name"]);

    let path = key_path(ACME, created["id"].as_str().unwrap()) + "/rotate";
    let rotated = body(app.post(ANA, &path, &example(ROTATE)).await, 200).await;
    let documented = &document["paths"][ROTATE]["post"]["responses"]["200"];
    assert_eq!(shape(&rotated), shape(examples(documented)[0]));
}

/// The names of an object's fields, and of those of the objects in it.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.first().map_or(json!([]), |item| json!([shape(item)])),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn document_examples_have_the_shape_of_real_responses() {
    let app = TestApp::demo().await;
    let document = document();
    let no_days = stats_path(ACME) + "?days=0";
    for (path, user, asked, status) in [
        (KEY, ANA, key_path(ACME, PRODUCTION), "200"),
        (KEY, DIEGO, key_path(ACME, PRODUCTION), "403"),
        (KEY, ANA, key_path(ACME, "nope"), "404"),
        (KEY, ANA, key_path(ACME, "%ff"), "400"),
        (STATS, ANA, stats_path(ACME) + "?days=1", "200"),
        (STATS, ANA, no_days, "400"),
        (STATS, DIEGO, stats_path(ACME), "403"),
        (KEYS, ANA, keys_path(ACME) + "?limit=1", "200"),
        (KEYS, ANA, keys_path(ACME) + "?limit=0", "400"),
        (KEYS, ANA, keys_path(ACME) + "?cursor=x", "400"),
        (KEYS, ANA, keys_path(ACME) + "?status=x", "400"),
        (KEYS, ANA, keys_path(ACME) + "?usage=x", "400"),
        (KEYS, ANA, keys_path(ACME) + "?expiresWithinDays=0", "400"),
        (KEYS, ANA, keys_path(ACME) + "?search=", "400"),
        (KEYS, ANA, keys_path(ACME) + "?sort=x&order=x", "400"),
        (KEYS, ANA, keys_path(ACME) + "?days=91", "400"),
        (KEYS, CARLA, keys_path(ACME), "403"),
        (KEYS, DIEGO, keys_path(ACME), "403"),
    ] {
        let answer = app.get(user, &asked).await;
        assert_eq!(answer.status().as_str(), status, "{asked}");
        let body: Value = answer.json().await.unwrap();
        let examples = examples(&document["paths"][path]["get"]["responses"][status]);
        assert_eq!(shape(&body), shape(examples[0]), "{asked}");
        if status != "200" {
            assert!(examples.contains(&&body), "{asked}: {body}");
        }
    }
}
