//! The sandbox's OpenAPI document, with server, credentials and examples for a playground.

use reqwest::Method;
use serde_json::{Value, json};

use super::SandboxApp;
use crate::support::{ANA, body};

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (path, method, operation))
    })
}

#[tokio::test]
async fn document_prefills_a_server_and_credentials_that_work() {
    let app = SandboxApp::start().await;
    let document = app.json("/openapi.json").await;
    assert_eq!(document["servers"][0]["url"], "/api");
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"]["x-default"], app.token(ANA));
    let secret = schemes["apiKey"]["x-default"].as_str().unwrap();
    let request = app
        .request(Method::POST, "/api-keys/validate")
        .header("X-API-Key", secret);
    assert_eq!(
        body(request.send().await.unwrap(), 200).await["name"],
        "Production server"
    );
    app.stop().await;
}

#[tokio::test]
async fn document_curl_lines_all_succeed() {
    let app = SandboxApp::start().await;
    let document = app.json("/api/openapi.json").await;
    let mut lines = 0;
    for (path, method, operation) in operations(&document) {
        let line = operation["x-codeSamples"][0]["source"].as_str().unwrap();
        // curl [-X METHOD] 'URL' -H 'NAME: VALUE' [-H 'NAME: VALUE' -d 'BODY']
        let quoted: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
        let url = quoted[0].strip_prefix("http://localhost:3001").unwrap();
        let mut request = app.request(method.to_uppercase().parse().unwrap(), url);
        request = request.header("X-Sandbox-Session", lines.to_string());
        for (argument, before) in quoted[1..].iter().zip(line.split('\'').skip(2).step_by(2)) {
            request = match (before.trim(), argument.split_once(": ")) {
                ("-H", Some((name, value))) => request.header(name, value),
                ("-d", _) => request.body((*argument).to_owned()),
                other => panic!("{other:?} in {line}"),
            };
        }
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{} {method} {path}: {line}",
            answer.status()
        );
        lines += 1;
    }
    assert_eq!(lines, 10);
    app.stop().await;
}

#[tokio::test]
async fn document_extends_the_services_document() {
    let app = SandboxApp::start().await;
    let mut document = app.json("/openapi.json").await;
    let service: Value = serde_json::from_str(&llavero::api::document().unwrap()).unwrap();
    for (path, method, operation) in operations(&service) {
        let here = &mut document["paths"][path][method];
        assert!(here["responses"]["429"].is_object());
        let writes = method != "get" || path == "/api-keys/validate";
        assert_eq!(
            here["responses"]["507"].is_object(),
            writes,
            "{method} {path}"
        );
        here["responses"]
            .as_object_mut()
            .unwrap()
            .shift_remove("507");
        let examples = &here["responses"]["400"]["content"]["application/json"]["examples"];
        assert!(examples["invalid-session"].is_object(), "{method} {path}");
        for status in ["400", "429"] {
            if operation["responses"][status].is_null() {
                let responses = here["responses"].as_object_mut().unwrap();
                responses.shift_remove(status);
            }
        }
        let names = |operation: &Value| -> Vec<Value> {
            operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .map(|name| json!(name))
                .collect()
        };
        assert_eq!(names(here), names(operation), "{method} {path}");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let schema = &answer["content"]["application/json"]["schema"];
            assert_eq!(
                &here["responses"][status]["content"]["application/json"]["schema"],
                schema
            );
        }
        let headers = here["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| found["in"] == "header");
        // An example would be filled in by playgrounds, and be sent.
        let headers = headers.inspect(|found| assert!(found.get("example").is_none()));
        let headers: Vec<&Value> = headers.map(|found| &found["name"]).collect();
        assert_eq!(headers, ["Prefer", "X-Sandbox-Session"]);
        let session = here["parameters"].as_array().unwrap().last().unwrap();
        assert_eq!(
            session["schema"]["pattern"],
            "^[A-Za-z0-9._~:/+=@-]{1,128}$"
        );
    }
    assert_eq!(
        document["components"]["schemas"],
        service["components"]["schemas"]
    );
    app.stop().await;
}

#[tokio::test]
async fn invalid_session_is_the_documented_error() {
    let app = SandboxApp::start().await;
    let document = app.json("/openapi.json").await;
    let validate = &document["paths"]["/api-keys/validate"]["get"];
    let examples = &validate["responses"]["400"]["content"]["application/json"]["examples"];
    let secret = "sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q";
    for session in ["a b", "ä", &"x".repeat(129), ""] {
        let request = app.request(Method::GET, "/api-keys/validate");
        let request = request.header("X-Sandbox-Session", session);
        let answer = request.header("X-API-Key", secret).send().await.unwrap();
        let sent = body(answer, 400).await;
        assert_eq!(sent, examples["invalid-session"]["value"], "{session}");
    }
    app.stop().await;
}
