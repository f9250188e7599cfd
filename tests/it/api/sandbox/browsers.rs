//! The sandbox in browsers: CORS for every origin.

use reqwest::{Method, header::HeaderValue};

use super::SandboxApp;
use crate::support::{ACME, PRODUCTION, key_path, stats_path};

#[tokio::test]
async fn cors_allows_every_origin_on_every_response() {
    let app = SandboxApp::start().await;
    for origin in ["https://docs.example.com", "http://localhost:3000", "null"] {
        for (path, wish, status) in [
            (stats_path(ACME), "", 401),
            (key_path(ACME, PRODUCTION), "code=200", 200),
            (key_path(ACME, PRODUCTION), "code=500", 500),
            (key_path(ACME, PRODUCTION), "code=418", 400),
            ("/nowhere".to_owned(), "", 404),
            ("/sandbox".to_owned(), "", 200),
            ("/api/openapi.json".to_owned(), "", 200),
        ] {
            let request = app.request(Method::GET, &path).header("Origin", origin);
            let answer = request.header("Prefer", wish).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            let headers = answer.headers();
            assert_eq!(headers["access-control-allow-origin"], origin);
            assert!(!headers.contains_key("access-control-allow-credentials"));
            let exposed = headers["access-control-expose-headers"].to_str().unwrap();
            assert!(exposed.contains("Preference-Applied") && exposed.contains("X-Request-Id"));
            let varies = headers.get_all("vary").iter().any(|vary| vary == "Origin");
            assert!(varies, "{path}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn preflight_allows_every_method_and_header() {
    let app = SandboxApp::start().await;
    for path in [
        stats_path(ACME),
        "/sandbox/reset".to_owned(),
        "/nowhere".to_owned(),
    ] {
        let request = app.request(Method::OPTIONS, &path);
        let request = request.header("Origin", "https://docs.example.com");
        let request = request.header("Access-Control-Request-Method", "DELETE");
        let request = request.header("Access-Control-Request-Headers", "authorization,x-traced");
        let request = request.header("Access-Control-Request-Private-Network", "true");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let headers = answer.headers();
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://docs.example.com"
        );
        assert_eq!(headers["access-control-allow-private-network"], "true");
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.contains("DELETE") && methods.contains("POST"));
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        for name in [
            "Authorization",
            "X-API-Key",
            "Prefer",
            "X-Request-Id",
            "X-Sandbox-Session",
            "Content-Type",
            "x-traced",
        ] {
            assert!(allowed.contains(name), "{name}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn malformed_origin_is_ignored() {
    let app = SandboxApp::start().await;
    for origin in [&b"http://\xc3\xa4.example"[..], b"\xff", b""] {
        let origin = HeaderValue::from_bytes(origin).unwrap();
        let request = app
            .request(Method::GET, "/sandbox")
            .header("Origin", &origin);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{origin:?}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        let request = app
            .request(Method::OPTIONS, "/sandbox")
            .header("Origin", &origin);
        let request = request.header("Access-Control-Request-Method", "GET");
        assert_eq!(request.send().await.unwrap().status(), 405, "{origin:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn both_base_paths_serve_the_same_responses() {
    let app = SandboxApp::start().await;
    for path in [
        "/organizations/acme-corp/api-keys/stats",
        "/organizations/acme-corp/api-keys?limit=2",
        "/organizations/acme-corp/api-keys/stats?days=0",
        "/openapi.json",
    ] {
        let (under, at_root) = (app.get(&format!("/api{path}")).await, app.get(path).await);
        assert_eq!(under.status(), at_root.status());
        assert_eq!(
            under.text().await.unwrap(),
            at_root.text().await.unwrap(),
            "{path}"
        );
    }
    let request = app.request(Method::PUT, "/organizations/acme-corp/api-keys/stats");
    assert_eq!(
        request.send().await.unwrap().headers()["allow"],
        "GET, HEAD"
    );
    app.stop().await;
}
