//! `Prefer`: a request chooses any documented response.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::SandboxApp;
use crate::support::{ACME, ANA, PRODUCTION, body, key_path, keys_path, message, stats_path};

async fn prefer(app: &SandboxApp, method: Method, path: &str, wish: &str) -> Response {
    let request = app.request(method, path).header("Prefer", wish);
    request.send().await.unwrap()
}

#[tokio::test]
async fn prefer_returns_every_documented_response_of_every_operation() {
    let app = SandboxApp::start().await;
    let document = app.json("/api/openapi.json").await;
    let mut had = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        let path = template
            .replace("{organizationId}", ACME)
            .replace("{id}", PRODUCTION);
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for (status, documented) in operation["responses"].as_object().unwrap() {
                let media_type = &documented["content"]["application/json"];
                let wish = format!("code={status}");
                let answer = prefer(&app, method.clone(), &path, &wish).await;
                assert_eq!(answer.status().as_str(), status, "{method} {template}");
                assert_eq!(answer.headers()["preference-applied"], wish);
                assert_eq!(
                    answer.headers()["content-type"],
                    "application/json; charset=utf-8"
                );
                for name in documented["headers"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                {
                    assert!(
                        answer.headers().contains_key(name),
                        "{status} {method} {template}: {name}"
                    );
                }
                let sent: Value = answer.json().await.unwrap();
                let examples = media_type["examples"].as_object();
                let first = examples
                    .and_then(|all| all.values().next())
                    .map(|shown| &shown["value"]);
                assert_eq!(
                    &sent,
                    first.unwrap_or(&media_type["example"]),
                    "{status} {method} {template}"
                );
                for (name, shown) in examples.into_iter().flatten() {
                    let wish = format!("code={status}, example={name}");
                    let answer = prefer(&app, method.clone(), &path, &wish).await;
                    assert_eq!(answer.headers()["preference-applied"], wish);
                    assert_eq!(answer.json::<Value>().await.unwrap(), shown["value"]);
                    had += 1;
                }
            }
        }
    }
    assert!(had > 80, "{had}");
    app.stop().await;
}

#[tokio::test]
async fn prefer_returns_the_common_errors_for_a_key() {
    let app = SandboxApp::start().await;
    let path = key_path(ACME, PRODUCTION);
    for (code, expected, header) in [
        (
            401,
            "Authentication required. Provide a valid bearer token.",
            Some("www-authenticate"),
        ),
        (
            403,
            "Access denied. User is not a member of this organization.",
            None,
        ),
        (404, "API key not found", None),
        (429, "Rate limit exceeded", Some("retry-after")),
        (500, "Internal server error", None),
        (503, "Service unavailable", Some("retry-after")),
    ] {
        let answer = prefer(&app, Method::GET, &path, &format!("code={code}")).await;
        if let Some(header) = header {
            assert!(answer.headers().contains_key(header), "{code}");
        }
        assert!(answer.headers().contains_key("x-request-id"));
        assert_eq!(message(answer, code).await, expected);
        // And only for that request.
        let next = app.get(&path).await;
        assert!(!next.headers().contains_key("preference-applied"));
        assert_eq!(next.status(), 200);
    }
    app.stop().await;
}

#[tokio::test]
async fn examples_equal_the_sandboxs_real_responses() {
    let app = SandboxApp::start().await;
    let reads = |operation: &str| {
        ["_getById", "_getStats", "_list", "_audit"]
            .iter()
            .any(|end| operation.ends_with(end))
    };
    for example in app
        .sandbox
        .demo()
        .examples()
        .iter()
        .filter(|example| reads(&example.operation))
    {
        let real = app
            .get(&format!("/api{}", example.target))
            .await
            .text()
            .await
            .unwrap();
        let path = example.target.split('?').next().unwrap();
        assert_eq!(
            app.get(&format!("/api{}", example.target)).await.status(),
            200
        );
        let shown = prefer(
            &app,
            Method::GET,
            path,
            &format!("example={}", example.name),
        )
        .await;
        assert_eq!(shown.text().await.unwrap(), real, "{}", example.name);
    }
    app.stop().await;
}

#[tokio::test]
async fn preferred_error_has_the_headers_of_the_real_error() {
    let app = SandboxApp::start().await;
    for (name, expected) in [
        ("missing-key", "API key required"),
        ("invalid-key", "Invalid API key"),
        ("key-revoked", "API key revoked"),
        ("key-expired", "API key expired"),
    ] {
        let answer = prefer(
            &app,
            Method::POST,
            "/api-keys/validate",
            &format!("example={name}"),
        )
        .await;
        assert_eq!(answer.headers()["x-error-message"], expected);
        assert_eq!(message(answer, 401).await, expected);
    }
    app.stop().await;
}

#[tokio::test]
async fn unknown_preference_is_a_400_that_lists_the_documented_responses() {
    let app = SandboxApp::start().await;
    for wish in [
        "code=418",
        "code=404",
        "code=",
        "code=abc",
        "example=nonsense",
        "code=403, example=busy",
    ] {
        let answer = prefer(&app, Method::GET, &stats_path(ACME), wish).await;
        assert!(!answer.headers().contains_key("preference-applied"));
        let text = message(answer, 400).await;
        for part in [
            "code=200 (example=busy, empty, ",
            "code=401 (example=unauthenticated)",
            "code=429",
            "code=503",
        ] {
            assert!(text.contains(part), "{wish}: {text}");
        }
        assert!(!text.contains("code=404 ("), "{text}");
    }
    app.stop().await;
}

#[tokio::test]
async fn empty_preference_is_a_400() {
    let app = SandboxApp::start().await;
    for wish in ["example=", "example=\"\"", "code=201, example="] {
        let answer = prefer(&app, Method::POST, &keys_path(ACME), wish).await;
        let there_is = "code=201 (example=created)";
        assert!(message(answer, 400).await.contains(there_is), "{wish}");
    }
    app.stop().await;
}

#[tokio::test]
async fn example_of_a_write_names_the_key_in_the_path() {
    let app = SandboxApp::start().await;
    let created = prefer(&app, Method::POST, &keys_path(ACME), "code=201").await;
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let id = body(created, 201).await["id"].clone();
    assert_eq!(location, key_path("acme-corp", id.as_str().unwrap()));
    let path = key_path(ACME, PRODUCTION);
    let real = app.json(&path).await;
    for (method, path, name) in [
        (Method::POST, format!("{path}/rotate"), "rotated"),
        (Method::PATCH, path.clone(), "updated"),
        (Method::DELETE, path.clone(), "revoked"),
    ] {
        let shown = prefer(&app, method, &path, &format!("example={name}")).await;
        let shown = body(shown, 200).await;
        for field in ["id", "name", "usage", "createdAt"] {
            assert_eq!(shown[field], real[field], "{name}: {field}");
        }
    }
    assert_eq!(app.json(&path).await, real);
    app.stop().await;
}

#[tokio::test]
async fn prefer_does_not_execute_the_operation() {
    let app = SandboxApp::start().await;
    let session = app.session("s");
    let path = "/organizations/initech/api-keys";
    let request = session
        .request(Method::POST, path)
        .header("Prefer", "code=201");
    let answer = request.json(&json!({ "name": "x" })).send().await.unwrap();
    assert!(answer.headers().contains_key("location"));
    assert!(
        body(answer, 201).await["key"]
            .as_str()
            .unwrap()
            .starts_with("sk_")
    );
    assert!(session.names().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn delay_is_applied_to_real_and_to_selected_responses() {
    let app = SandboxApp::start().await;
    let path = key_path(ACME, PRODUCTION);
    for (wish, status) in [
        ("delay=0", 401),
        ("delay=1", 401),
        ("code=503, delay=1", 503),
        ("delay=11", 400),
        ("delay=soon", 400),
    ] {
        let started = std::time::Instant::now();
        let answer = prefer(&app, Method::GET, &path, wish).await;
        assert_eq!(answer.status(), status, "{wish}");
        let applied = answer.headers().get("preference-applied");
        if status == 400 {
            assert_eq!(applied, None);
        } else {
            assert_eq!(applied.unwrap(), wish);
            let is_delayed = started.elapsed() >= std::time::Duration::from_secs(1);
            assert!(is_delayed || wish == "delay=0", "{wish}");
        }
    }
    let request = app.request(Method::GET, &path).header("Prefer", "delay=0");
    let answer = request.bearer_auth(app.token(ANA)).send().await.unwrap();
    assert_eq!(answer.headers()["preference-applied"], "delay=0");
    assert_eq!(body(answer, 200).await["id"], PRODUCTION);
    app.stop().await;
}

#[tokio::test]
async fn other_preferences_and_other_routes_are_unaffected() {
    let app = SandboxApp::start().await;
    for wish in ["return=minimal", "respond-async, wait=5", "dynamic=true"] {
        let answer = prefer(&app, Method::GET, &keys_path(ACME), wish).await;
        assert_eq!(answer.status(), 401, "{wish}");
    }
    assert_eq!(
        prefer(&app, Method::GET, "/nowhere", "code=503")
            .await
            .status(),
        404
    );
    assert_eq!(
        prefer(&app, Method::GET, "/healthz", "code=503")
            .await
            .status(),
        200
    );
    app.stop().await;
}

#[tokio::test]
async fn preferred_401_has_the_challenge_of_the_token_that_was_sent() {
    let app = SandboxApp::start().await;
    let with_error = |description: &str| {
        format!(
            r#"Bearer realm="llavero", error="invalid_token", error_description="{description}""#
        )
    };
    let valid = format!("Bearer {}", app.token(ANA));
    for (authorization, expected) in [
        (None, r#"Bearer realm="llavero""#.to_owned()),
        (Some("Basic x"), r#"Bearer realm="llavero""#.to_owned()),
        (Some("Bearer x"), with_error("The token is malformed")),
        (Some(&*valid), with_error("The token has expired")),
    ] {
        let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
        let mut request = request.header("Prefer", "code=401");
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let answer = request.send().await.unwrap();
        let challenges = answer.headers().get_all("www-authenticate").iter();
        assert_eq!(challenges.collect::<Vec<_>>(), [&*expected]);
        assert_eq!(answer.headers()["preference-applied"], "code=401");
        message(answer, 401).await;
    }
    // A validation's 401 is about the key.
    let request = app.request(Method::POST, "/api-keys/validate");
    let request = request.header("Prefer", "code=401");
    let answer = request.header("Authorization", valid).send().await.unwrap();
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"ApiKey realm="llavero""#
    );
    app.stop().await;
}
