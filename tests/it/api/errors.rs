//! Errors: one shape and the same headers for all of them.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    ACME, ANA, DIEGO, PRODUCTION, TestApp, key_path, keys_path, lasting_token, stats_path,
};

/// Checks what every failure must have, and returns its message.
async fn assert_failure(answer: Response, status: u16) -> String {
    assert_eq!(answer.status(), status, "{}", answer.url());
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(!headers["x-request-id"].is_empty());
    let reason = StatusCode::from_u16(status)
        .unwrap()
        .canonical_reason()
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    let message = body["message"].as_str().unwrap().to_owned();
    assert_eq!(
        body,
        json!({ "statusCode": status, "message": message, "error": reason })
    );
    message
}

#[tokio::test]
async fn errors_have_the_documented_shape() {
    let app = TestApp::demo().await;
    let missing_slash = key_path(ACME, "");
    for (user, path, status, message) in [
        (
            ANA,
            stats_path(ACME) + "?days=0",
            400,
            "days must be one whole number from 1 to 90",
        ),
        (
            ANA,
            stats_path("%ff"),
            400,
            "The path must be percent-encoded UTF-8",
        ),
        (
            ANA,
            key_path(ACME, "%c3%28"),
            400,
            "The path must be percent-encoded UTF-8",
        ),
        (
            DIEGO,
            stats_path(ACME),
            403,
            "Access denied. User is not a member of this organization.",
        ),
        (
            DIEGO,
            key_path(ACME, PRODUCTION),
            403,
            "Access denied. User is not a member of this organization.",
        ),
        (ANA, key_path(ACME, "nope"), 404, "API key not found"),
        (ANA, "/x".to_owned(), 404, "Cannot GET /x"),
        (ANA, "/api".to_owned(), 404, "Cannot GET /api"),
        (ANA, "/api/nope".to_owned(), 404, "Cannot GET /api/nope"),
        (
            ANA,
            "/api/nope?secret=sk_1".to_owned(),
            404,
            "Cannot GET /api/nope",
        ),
        (ANA, "/apix".to_owned(), 404, "Cannot GET /apix"),
        (
            ANA,
            stats_path(ACME) + "/",
            404,
            "Cannot GET /api/organizations/550e8400-e29b-41d4-a716-446655440000/api-keys/stats/",
        ),
        (
            ANA,
            stats_path(""),
            404,
            "Cannot GET /api/organizations//api-keys/stats",
        ),
        (
            ANA,
            missing_slash,
            404,
            "Cannot GET /api/organizations/550e8400-e29b-41d4-a716-446655440000/api-keys/",
        ),
    ] {
        let answer = app.get(user, &path).await;
        assert_eq!(assert_failure(answer, status).await, message, "{path}");
    }
}

#[tokio::test]
async fn error_401_without_a_token_precedes_all_other_errors() {
    let app = TestApp::demo().await;
    for path in [
        stats_path(ACME),
        stats_path("nope"),
        stats_path(ACME) + "?days=0",
        stats_path("%ff"),
        key_path(ACME, PRODUCTION),
        key_path(ACME, "nope"),
        key_path(ACME, "%ff"),
    ] {
        let answer = app.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer realm=\"llavero\""
        );
        let message = assert_failure(answer, 401).await;
        assert_eq!(
            message,
            "Authentication required. Provide a valid bearer token."
        );
    }
}

#[tokio::test]
async fn error_405_lists_the_allowed_methods() {
    let app = TestApp::demo().await;
    let paths = [
        (stats_path(ACME), "GET, HEAD"),
        (key_path(ACME, PRODUCTION), "GET, HEAD, PATCH, DELETE"),
        (key_path(ACME, PRODUCTION) + "/rotate", "POST"),
        (keys_path(ACME), "GET, HEAD, POST"),
        ("/api/openapi.json".to_owned(), "GET, HEAD"),
        ("/docs".to_owned(), "GET, HEAD"),
        ("/healthz".to_owned(), "GET, HEAD"),
        ("/readyz".to_owned(), "GET, HEAD"),
    ];
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
    ] {
        for (path, allow) in &paths {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = app.request(method.clone(), path).send().await.unwrap();
            assert_eq!(answer.headers()["allow"], *allow, "{method} {path}");
            if method == Method::HEAD {
                assert_eq!(answer.status(), 405);
                continue;
            }
            let message = assert_failure(answer, 405).await;
            assert_eq!(message, format!("Cannot {method} {path}"));
        }
    }
}

#[tokio::test]
async fn head_gets_the_response_of_get_without_a_body() {
    let app = TestApp::demo().await;
    let found = [
        stats_path(ACME),
        key_path(ACME, PRODUCTION),
        "/api/openapi.json".into(),
        "/docs".into(),
    ];
    let refused = [
        key_path(ACME, "nope"),
        "/nope".to_owned(),
        stats_path("globex"),
    ];
    for path in found.iter().chain(&refused) {
        let token = lasting_token(ANA);
        let get = app.get_with_token(&token, path).await;
        let head = app.request(Method::HEAD, path).bearer_auth(&token);
        let head = head.send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        let same = ["content-type", "cache-control", "content-security-policy"];
        for name in same {
            assert_eq!(
                head.headers().get(name),
                get.headers().get(name),
                "{path} {name}"
            );
        }
        if get.status() != StatusCode::NOT_FOUND || !path.starts_with("/nope") {
            assert_eq!(
                head.headers()["content-length"],
                get.headers()["content-length"],
                "{path}"
            );
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[tokio::test]
async fn error_500_for_a_panic_leaves_the_server_running() {
    let app = TestApp::demo().await;
    app.break_clock();
    for _ in 0..3 {
        let answer = app.get(ANA, &stats_path(ACME)).await;
        assert_eq!(assert_failure(answer, 500).await, "Internal server error");
    }
    app.set_clock(crate::support::NOW);
    app.json(ANA, &stats_path(ACME)).await;
}

#[tokio::test]
async fn error_500_for_a_failed_statement_has_a_generic_message() {
    let app = TestApp::demo().await;
    app.other_connection()
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE api_keys;")
        .unwrap();
    for path in [stats_path(ACME), key_path(ACME, PRODUCTION)] {
        let answer = app.get(ANA, &path).await;
        assert_eq!(assert_failure(answer, 500).await, "Internal server error");
    }
}

#[tokio::test]
async fn error_503_for_an_unavailable_store_has_retry_after() {
    let app = TestApp::demo().await;
    // Another program overwrites the file.
    std::fs::write(app.directory.path().join("test.db"), vec![0x55; 200_000]).unwrap();
    std::fs::write(app.directory.path().join("test.db-wal"), []).unwrap();
    let answer = app.get(ANA, &stats_path(ACME)).await;
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(assert_failure(answer, 503).await, "Service unavailable");
}

#[tokio::test]
async fn request_id_is_kept_if_valid_and_replaced_otherwise() {
    let app = TestApp::demo().await;
    let send = async |id: &[u8]| {
        let request = app
            .request(Method::GET, "/healthz")
            .header("x-request-id", id);
        request.send().await.unwrap().headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let longest = "x".repeat(128);
    for id in [
        "a",
        "550e8400-e29b-41d4-a716-446655440000",
        "00-4bf92f3577b34da6:1/2",
        &longest,
    ] {
        assert_eq!(send(id.as_bytes()).await, id);
    }
    let too_long = "x".repeat(129);
    for id in ["", "a b", "a\"b", "\u{1b}[31m", "<script>", "é", &too_long] {
        if let Ok(value) = reqwest::header::HeaderValue::from_bytes(id.as_bytes()) {
            let made = send(value.as_bytes()).await;
            assert!(
                made.starts_with("000000000000feed-"),
                "{id:?} became {made}"
            );
        }
    }
    let twice = app
        .request(Method::GET, "/healthz")
        .header("x-request-id", "a")
        .header("x-request-id", "b");
    let made = twice.send().await.unwrap().headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(made.starts_with("000000000000feed-"), "{made}");
}

#[tokio::test]
async fn error_431_for_a_request_head_over_the_limits() {
    let app = TestApp::demo().await;
    let large = app
        .request(Method::GET, "/healthz")
        .header("x-large", "x".repeat(17_000));
    assert_failure(large.send().await.unwrap(), 431).await;
    let query = format!("/healthz?{}", "x".repeat(17_000));
    let long = app.request(Method::GET, &query);
    assert_failure(long.send().await.unwrap(), 431).await;
    let mut many = app.request(Method::GET, "/healthz");
    for n in 0..70 {
        many = many.header(format!("x-{n}"), "1");
    }
    assert_failure(many.send().await.unwrap(), 431).await;
}

/// Sends raw bytes and returns the server's bytes until it closes the connection.
async fn raw(app: &TestApp, request: &str) -> String {
    let address = app.origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn request_target_in_an_odd_form_is_never_a_500() {
    let app = TestApp::demo().await;
    for (line, status) in [
        ("OPTIONS * HTTP/1.1", "404"),
        ("CONNECT example.com:80 HTTP/1.1", "404"),
        ("GET http://example.com/healthz HTTP/1.1", "200"),
        ("GET /api/organizations/../healthz HTTP/1.1", "404"),
        ("GET //healthz HTTP/1.1", "404"),
        (
            "GET /api/organizations/a%2fb/api-keys/stats HTTP/1.1",
            "401",
        ),
        ("GET /healthz HTTP/1.0", "200"),
    ] {
        let answer = raw(
            &app,
            &format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n"),
        )
        .await;
        let expected = |version| answer.starts_with(&format!("HTTP/1.{version} {status}"));
        assert!(expected(1) || expected(0), "{line}: {answer}");
    }
}

#[tokio::test]
async fn malformed_http_is_a_400_and_closes_the_connection() {
    let app = TestApp::demo().await;
    for request in [
        "\0\0\0\0\r\n\r\n",
        "GET /healthz\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
    ] {
        let response = raw(&app, request).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{request:?}: {head}"
        );
        assert!(head.contains("connection: close"), "{request:?}: {head}");
        assert_eq!(body, "", "{request:?}");
    }
    // A client that begins with the preface of HTTP/2 cannot read a response of HTTP/1.1.
    assert_eq!(raw(&app, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
    let alive = app.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
}
