//! Changes of a key take effect at the next validation: pause, scopes, expiry and limits.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{ACME, ANA, TestApp, body, key_path, later, message, stats_path};

/// A new key of Acme Corp: its path and its secret.
async fn new_key(app: &TestApp, settings: Value) -> (String, String) {
    let key = app.create_key(settings).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    (path, key["key"].as_str().unwrap().to_owned())
}

async fn validate(app: &TestApp, secret: &str, query: &str) -> Response {
    let path = format!("/api/api-keys/validate{query}");
    let request = app.request(Method::GET, &path);
    request.header("X-API-Key", secret).send().await.unwrap()
}

async fn update(app: &TestApp, path: &str, asked: &Value) -> Value {
    body(app.patch(ANA, path, asked).await, 200).await
}

/// A key's counts: successful, rate-limited, errors.
async fn counts(app: &TestApp, path: &str) -> [i64; 3] {
    let key = app.json(ANA, path).await;
    let fields = ["successfulRequests", "rateLimitHits", "errors"];
    fields.map(|field| key["usage"][field].as_i64().unwrap())
}

#[tokio::test]
async fn disabled_key_is_refused_and_counted_until_it_is_enabled() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({})).await;
    body(validate(&app, &secret, "").await, 200).await;
    let before = app.json(ANA, &stats_path(ACME)).await;

    let disabled = update(&app, &path, &json!({ "enabled": false })).await;
    assert_eq!(disabled["status"], "disabled");
    for query in ["", "?scope=a"] {
        let answer = validate(&app, &secret, query).await;
        assert_eq!(message(answer, 401).await, "API key disabled");
    }
    assert_eq!(counts(&app, &path).await, [1, 0, 2]);
    let during = app.json(ANA, &stats_path(ACME)).await;
    for (field, more) in [
        ("totalKeys", 0),
        ("activeKeys", -1),
        ("disabledKeys", 1),
        ("errors", 2),
    ] {
        let count = |stats: &Value| stats[field].as_i64().unwrap();
        assert_eq!(count(&during), count(&before) + more, "{field}");
    }

    let enabled = update(&app, &path, &json!({ "enabled": true })).await;
    assert_eq!(enabled["status"], "active");
    body(validate(&app, &secret, "").await, 200).await;
    assert_eq!(counts(&app, &path).await, [2, 0, 2]);
}

#[tokio::test]
async fn expired_key_can_be_disabled_and_is_disabled_after_its_revival() {
    let app = TestApp::demo().await;
    let expiry = json!({ "expiresAt": later(1000).to_string() });
    let (path, secret) = new_key(&app, expiry).await;
    app.set_clock(later(1000));
    let key = update(&app, &path, &json!({ "enabled": false })).await;
    assert_eq!(key["status"], "expired");
    let answer = validate(&app, &secret, "").await;
    assert_eq!(message(answer, 401).await, "API key expired");
    let key = update(&app, &path, &json!({ "expiresAt": null })).await;
    assert_eq!(key["status"], "disabled");
    let answer = validate(&app, &secret, "").await;
    assert_eq!(message(answer, 401).await, "API key disabled");
    let key = update(&app, &path, &json!({ "enabled": true })).await;
    assert_eq!(key["status"], "active");
    body(validate(&app, &secret, "").await, 200).await;
}

#[tokio::test]
async fn disabled_key_is_rotated_and_stays_disabled() {
    let app = TestApp::demo().await;
    let (path, old) = new_key(&app, json!({})).await;
    update(&app, &path, &json!({ "enabled": false })).await;
    let grace = json!({ "graceSeconds": 60 });
    let rotated = body(app.post(ANA, &format!("{path}/rotate"), &grace).await, 200).await;
    assert_eq!(rotated["status"], "disabled");
    // Neither secret works.
    assert_eq!(rotated["previousSecretExpiresAt"], Value::Null);
    let new = rotated["key"].as_str().unwrap();
    for secret in [&old, new] {
        let answer = validate(&app, secret, "").await;
        assert_eq!(message(answer, 401).await, "API key disabled");
    }
    let enabled = update(&app, &path, &json!({ "enabled": true })).await;
    let end = json!(later(60_000).to_string());
    assert_eq!(enabled["previousSecretExpiresAt"], end);
    for secret in [&old, new] {
        body(validate(&app, secret, "").await, 200).await;
    }
}

#[tokio::test]
async fn removed_scope_is_missing_at_the_next_validation() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({ "scopes": ["a", "b"] })).await;
    body(validate(&app, &secret, "?scope=a").await, 200).await;
    update(&app, &path, &json!({ "scopes": ["b"] })).await;
    let answer = validate(&app, &secret, "?scope=a").await;
    assert_eq!(
        message(answer, 403).await,
        "API key lacks required scopes: a"
    );
    update(&app, &path, &json!({ "scopes": ["a"] })).await;
    body(validate(&app, &secret, "?scope=a").await, 200).await;
    assert_eq!(counts(&app, &path).await, [2, 0, 1]);
}

#[tokio::test]
async fn changed_expiry_applies_to_the_next_validation() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({})).await;
    update(
        &app,
        &path,
        &json!({ "expiresAt": later(1000).to_string() }),
    )
    .await;
    body(validate(&app, &secret, "").await, 200).await;
    app.set_clock(later(1000));
    let answer = validate(&app, &secret, "").await;
    assert_eq!(message(answer, 401).await, "API key expired");
    update(
        &app,
        &path,
        &json!({ "expiresAt": later(2000).to_string() }),
    )
    .await;
    body(validate(&app, &secret, "").await, 200).await;
}

#[tokio::test]
async fn lowered_rate_limit_counts_the_window_that_is_running() {
    let app = TestApp::demo().await;
    let limit = |limit: i64| json!({ "rateLimit": { "limit": limit, "windowSeconds": 3600 } });
    let (path, secret) = new_key(&app, limit(10)).await;
    for _ in 0..3 {
        body(validate(&app, &secret, "").await, 200).await;
    }
    update(&app, &path, &limit(3)).await;
    message(validate(&app, &secret, "").await, 429).await;
    update(&app, &path, &limit(4)).await;
    body(validate(&app, &secret, "").await, 200).await;
    message(validate(&app, &secret, "").await, 429).await;
    // A removed limit leaves nothing behind.
    update(&app, &path, &json!({ "rateLimit": null })).await;
    body(validate(&app, &secret, "").await, 200).await;
    update(&app, &path, &limit(1)).await;
    body(validate(&app, &secret, "").await, 200).await;
    message(validate(&app, &secret, "").await, 429).await;
    assert_eq!(counts(&app, &path).await, [6, 3, 0]);
}

#[tokio::test]
async fn changed_quota_shows_what_was_used_in_its_period() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({})).await;
    for _ in 0..2 {
        body(validate(&app, &secret, "").await, 200).await;
    }
    app.set_clock(later(86_400_000));
    body(validate(&app, &secret, "").await, 200).await;
    for (period, used) in [("day", 1), ("month", 3)] {
        let key = update(
            &app,
            &path,
            &json!({ "quota": { "limit": 1, "period": period } }),
        )
        .await;
        assert_eq!(key["quota"]["used"], used, "{period}");
    }
}
