//! CORS: allowed and other origins, preflights, and headers on every kind of response.
//!
//! The application of these tests allows one origin. Browsers are tested by the
//! project's own checks.

use llavero::api::Cors;
use reqwest::{
    Method, Response,
    header::{HeaderMap, HeaderValue},
};

use crate::support::{
    ACME, ANA, DIEGO, PAGE, PRODUCTION, TestApp, key_path, keys_path, lasting_token, stats_path,
};

async fn preflight(app: &TestApp, path: &str, origin: HeaderValue) -> Response {
    let request = app.request(Method::OPTIONS, path);
    let request = request.header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", "GET");
    let request = request.header("Access-Control-Request-Headers", "authorization, x-traced");
    request.send().await.unwrap()
}

fn cors_headers(headers: &HeaderMap) -> Vec<&str> {
    let names = headers.keys().map(reqwest::header::HeaderName::as_str);
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[tokio::test]
async fn cors_headers_are_on_every_response_to_an_allowed_origin() {
    let app = TestApp::demo().await;
    let (ana, diego) = (lasting_token(ANA), lasting_token(DIEGO));
    let long = "x".repeat(17 * 1024);
    let requests = [
        (200, Method::GET, key_path(ACME, PRODUCTION), &ana),
        (200, Method::GET, stats_path(ACME), &ana),
        (200, Method::GET, "/readyz".to_owned(), &ana),
        (200, Method::GET, "/api/openapi.json".to_owned(), &ana),
        (400, Method::GET, stats_path(ACME) + "?days=0", &ana),
        (401, Method::GET, stats_path(ACME), &"x".to_owned()),
        (401, Method::POST, "/api/api-keys/validate".to_owned(), &ana),
        (403, Method::GET, stats_path(ACME), &diego),
        (404, Method::GET, key_path(ACME, "no-such-key"), &ana),
        (404, Method::GET, "/nowhere".to_owned(), &ana),
        (405, Method::PUT, keys_path(ACME), &ana),
        (415, Method::POST, keys_path(ACME), &ana),
        (431, Method::GET, stats_path(ACME), &long),
    ];
    for (status, method, path, token) in requests {
        let request = app.request(method, &path).bearer_auth(token);
        let answer = request.header("Origin", PAGE).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], PAGE, "{path}");
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        for name in [
            "X-Request-Id",
            "WWW-Authenticate",
            "Retry-After",
            "RateLimit-Reset",
        ] {
            assert!(exposed.contains(name), "{path}: {name}");
        }
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert_eq!(headers["vary"], "Origin");
    }
    app.break_clock();
    let request = app.request(Method::GET, &stats_path(ACME)).bearer_auth(ana);
    let answer = request.header("Origin", PAGE).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    app.stop().await;
}

#[tokio::test]
async fn cors_preflight_needs_no_token_and_no_known_path() {
    let app = TestApp::demo().await;
    for path in [stats_path(ACME), "/nowhere".to_owned()] {
        let answer = preflight(&app, &path, HeaderValue::from_static(PAGE)).await;
        assert_eq!(answer.status(), 204);
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(
            headers["access-control-allow-methods"],
            "GET, HEAD, POST, PUT, PATCH, DELETE"
        );
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        for name in ["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"] {
            assert!(allowed.contains(name), "{name}");
        }
        assert!(!allowed.contains("x-traced"));
        assert!(headers.contains_key("access-control-max-age"));
        assert!(headers.contains_key("x-request-id"));
        assert!(!headers.contains_key("access-control-allow-private-network"));
    }
    app.stop().await;
}

#[tokio::test]
async fn cors_preflight_allows_private_network_access() {
    let app = TestApp::demo().await;
    for (origin, allowed) in [(PAGE, true), ("https://evil.example", false)] {
        let request = app.request(Method::OPTIONS, &stats_path(ACME));
        let request = request.header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "GET");
        let request = request.header("Access-Control-Request-Private-Network", "true");
        let answer = request.send().await.unwrap();
        let header = answer.headers().get("access-control-allow-private-network");
        assert_eq!(header.is_some_and(|value| value == "true"), allowed);
    }
    app.stop().await;
}

#[tokio::test]
async fn cors_headers_are_absent_for_other_origins() {
    let app = TestApp::demo().await;
    for origin in [
        &b"https://evil.example"[..],
        b"http://localhost:5174",
        b"https://localhost:5173",
        b"http://localhost:5173.evil.example",
        b"null",
        b"*",
        b"",
        b"http://\xff\xc3\xa4.example",
    ] {
        let origin = HeaderValue::from_bytes(origin).unwrap();
        let request = app.request(Method::GET, &stats_path(ACME));
        let request = request.bearer_auth(lasting_token(ANA));
        let answer = request.header("Origin", &origin).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{origin:?}");
        assert_eq!(
            cors_headers(answer.headers()),
            Vec::<&str>::new(),
            "{origin:?}"
        );
        assert_eq!(answer.headers()["vary"], "Origin");
        let answer = preflight(&app, &stats_path(ACME), origin).await;
        assert_eq!(answer.status(), 405);
        assert_eq!(cors_headers(answer.headers()), Vec::<&str>::new());
    }
    app.stop().await;
}

#[tokio::test]
async fn cors_loopback_allows_any_port_besides_the_named_origins() {
    let named = "https://app.example.com";
    let app = TestApp::demo_with_cors(Cors::LoopbackAnd(vec![named.parse().unwrap()])).await;
    for (origin, is_allowed) in [
        (named, true),
        ("http://localhost", true),
        ("http://localhost:5173", true),
        ("http://127.0.0.1", true),
        ("http://127.0.0.1:65535", true),
        ("http://[::1]", true),
        ("http://[::1]:3000", true),
        ("https://localhost:5173", false),
        ("http://localhost.evil.example", false),
        ("http://localhost:5173.evil.example", false),
        ("http://localhost:80", false),
        ("http://localhost:x", false),
        ("http://localhost:", false),
        ("http://localhost@evil.example", false),
        ("http://evil.example:localhost", false),
        ("http://127.0.0.1.evil.example", false),
        ("http://127.0.0.2", false),
        ("http://127.1", false),
        ("http://app.localhost", false),
        ("http://[::1]x", false),
        ("http://[::2]", false),
        ("null", false),
        ("", false),
    ] {
        let expected: Option<&str> = is_allowed.then_some(origin);
        let request = app.request(Method::GET, &stats_path(ACME));
        let request = request.bearer_auth(lasting_token(ANA));
        let answer = request.header("Origin", origin).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let preflight = preflight(&app, &stats_path(ACME), origin.parse().unwrap()).await;
        assert_eq!(preflight.status(), if is_allowed { 204 } else { 405 });
        for answer in [answer, preflight] {
            let headers = answer.headers();
            let found = headers.get("access-control-allow-origin");
            assert_eq!(found.map(|found| found.to_str().unwrap()), expected);
            assert!(!headers.contains_key("access-control-allow-credentials"));
            assert_eq!(headers["vary"], "Origin");
        }
    }
    app.stop().await;
}
