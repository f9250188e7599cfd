//! Liveness, readiness, and the reference page.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api::harness::{ACME, ANA, TestApp, stats_path};

#[tokio::test]
async fn a_healthy_server_is_alive_and_ready_without_a_token() {
    let app = TestApp::demo().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body, json!({ "status": "ok" }), "{path}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_read_is_alive_and_not_ready() {
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
async fn a_server_whose_writer_has_ended_is_alive_and_not_ready() {
    let app = TestApp::demo().await;
    app.store.clone().close();
    let ready = app.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let alive = app.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    app.json(ANA, &stats_path(ACME)).await;
}

#[tokio::test]
async fn the_reference_is_one_page_that_asks_nothing_of_other_hosts() {
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
