//! Liveness, readiness, and the reference page.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{ACME, ANA, TestApp, stats_path};

#[tokio::test]
async fn health_probes_need_no_token() {
    let app = TestApp::demo().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body, json!({ "status": "ok" }), "{path}");
    }
}

#[tokio::test]
async fn readyz_fails_and_healthz_succeeds_when_the_database_cannot_be_read() {
    let app = TestApp::demo().await;
    app.other_connection()
        .execute("DROP TABLE signing_secret", [])
        .unwrap();
    let ready = app.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.headers()["retry-after"], "1");
    let alive = app.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    app.json(ANA, &stats_path(ACME)).await;
}

#[tokio::test]
async fn readyz_fails_and_healthz_succeeds_when_the_writer_has_ended() {
    let app = TestApp::demo().await;
    app.store.clone().close();
    let ready = app.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let alive = app.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    app.json(ANA, &stats_path(ACME)).await;
}

#[tokio::test]
async fn reference_is_one_page_without_requests_to_other_hosts() {
    let app = TestApp::demo().await;
    let answer = app.request(Method::GET, "/docs").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    let page = answer.text().await.unwrap();
    assert!(page.contains("ApiKeysController_getStats"));
    for element in ["<script src=", "<link", "<img src=\"http", "@import"] {
        let head = page.split("<script").next().unwrap();
        assert!(!head.contains(element), "{element}");
    }
    assert!(
        page.contains(r#""servers":[{"url":"/api""#),
        "this server comes first"
    );
}

#[tokio::test]
async fn reference_describes_llavero_and_keeps_the_token() {
    let app = TestApp::demo().await;
    let answer = app.request(Method::GET, "/docs").send().await.unwrap();
    let page = answer.text().await.unwrap();
    for part in [
        "<title>llavero</title>",
        r#""title":"llavero""#,
        "`llavero token --user USER_ID` prints one.",
        "persistAuthorization: true,",
        r#""tags":[{"name":"api-keys","#,
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Webhook configuration"));
    assert!(!page.contains("OAuth2 server for managing organizations"));
}

#[tokio::test]
async fn reference_and_document_have_redirects_from_similar_paths() {
    let app = TestApp::demo().await;
    for (from, to) in [
        ("/docs/", "/docs"),
        ("/api/docs", "/docs"),
        ("/api/docs/", "/docs"),
        ("/openapi.json", "/api/openapi.json"),
    ] {
        let answer = app.request(Method::GET, from).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{from}");
        assert_eq!(answer.url().path(), to, "{from}");
    }
}
