//! Using keys: every outcome with its status, headers and count; limits; and that every answered use is counted once.

use std::sync::Arc;

use reqwest::{Body, Method, Response, header::HeaderValue};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    api::bodies::in_chunks,
    support::{
        ACME, ANA, PRODUCTION, PRODUCTION_SECRET, Request, TestApp, body, key_path, later, message,
        stats_path,
    },
};

const VALIDATE: &str = "/api/api-keys/validate";

fn asked(app: &TestApp, secret: &str) -> Request {
    app.request(Method::POST, VALIDATE)
        .header("X-API-Key", secret)
}

async fn validate(app: &TestApp, secret: &str) -> Response {
    asked(app, secret).send().await.unwrap()
}

/// A new key of Acme Corp: its path and its secret.
async fn new_key(app: &TestApp, settings: Value) -> (String, String) {
    let key = app.create_key(settings).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    (path, key["key"].as_str().unwrap().to_owned())
}

/// A key's counts: successful, rate-limited, errors.
async fn counts(app: &TestApp, path: &str) -> [i64; 3] {
    let key = app.json(ANA, path).await;
    let fields = ["successfulRequests", "rateLimitHits", "errors"];
    fields.map(|field| key["usage"][field].as_i64().unwrap())
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn validate_returns_the_key_in_body_and_headers_and_counts_the_use() {
    let app = TestApp::demo().await;
    let before = counts(&app, &key_path(ACME, PRODUCTION)).await;
    for method in [Method::POST, Method::GET] {
        let request = app
            .request(method, VALIDATE)
            .header("X-API-Key", PRODUCTION_SECRET);
        let answer = request.send().await.unwrap();
        for (name, value) in [
            ("x-key-id", PRODUCTION),
            ("x-organization-id", ACME),
            ("x-key-scopes", "invoices:read invoices:write"),
            ("ratelimit-limit", "1000"),
            ("ratelimit-reset", "60"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{name}");
        }
        let expected = json!({
            "valid": true,
            "keyId": PRODUCTION,
            "name": "Production server",
            "organizationId": ACME,
            "scopes": ["invoices:read", "invoices:write"],
            "expiresAt": null,
            "active": true,
            "externalId": "customer-portal",
            "metadata": { "environment": "production" },
        });
        let answer = body(answer, 200).await;
        assert_eq!(answer.to_string(), expected.to_string());
    }
    let after = counts(&app, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(after, [before[0] + 2, before[1], before[2]]);
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["lastUsedAt"], later(0).to_string());
}

#[tokio::test]
async fn validate_sends_no_rate_limit_headers_for_an_unlimited_key() {
    let app = TestApp::demo().await;
    let (_, secret) = new_key(&app, json!({})).await;
    let answer = validate(&app, &secret).await;
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .headers()
            .keys()
            .all(|name| !name.as_str().starts_with("ratelimit"))
    );
    assert_eq!(header(&answer, "x-key-scopes"), Some(""));
    let key = body(answer, 200).await;
    let holder = (&key["externalId"], &key["metadata"]);
    assert_eq!(holder, (&Value::Null, &json!({})));
    assert_eq!(key.as_object().unwrap().len(), 9);
}

#[tokio::test]
async fn validate_answers_unknown_and_malformed_keys_alike() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    // Well-formed, but unknown.
    let unknown = "sk_Rw7PqK2mYc9TzL4vHd1XsB8nGf5JeA3Cwv9F";
    let typo = PRODUCTION_SECRET.replace("hoi8", "hoi9");
    for secret in [unknown, &typo, "sk_", "x", PRODUCTION, "Bearer x"] {
        let answer = validate(&app, secret).await;
        assert_eq!(
            header(&answer, "www-authenticate"),
            Some("ApiKey realm=\"llavero\"")
        );
        assert_eq!(message(answer, 401).await, "Invalid API key", "{secret}");
    }
    let twice = asked(&app, PRODUCTION_SECRET).header("X-API-Key", PRODUCTION_SECRET);
    let not_ascii = HeaderValue::from_bytes(b"sk_\xff").unwrap();
    let not_ascii = app
        .request(Method::GET, VALIDATE)
        .header("X-API-Key", not_ascii);
    for request in [twice, not_ascii] {
        let answer = request.send().await.unwrap();
        assert_eq!(message(answer, 401).await, "Invalid API key");
    }
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
}

#[tokio::test]
async fn validate_without_a_key_is_a_401() {
    let app = TestApp::demo().await;
    for method in [Method::POST, Method::GET] {
        let absent = app.request(method.clone(), VALIDATE);
        let empty = app.request(method, VALIDATE).header("X-API-Key", "");
        for request in [absent, empty] {
            let answer = request.send().await.unwrap();
            assert_eq!(
                header(&answer, "www-authenticate"),
                Some("ApiKey realm=\"llavero\"")
            );
            assert_eq!(header(&answer, "x-error-message"), Some("API key required"));
            assert_eq!(message(answer, 401).await, "API key required");
        }
    }
}

#[tokio::test]
async fn validate_rejects_unknown_parameters_before_the_key() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    for (query, expected) in [
        ("scopes=admin", "unknown parameter: scopes"),
        ("scope[]=admin", "unknown parameter: scope[]"),
        ("Scope=admin", "unknown parameter: Scope"),
        ("scope=", "scope must not be empty"),
        ("scope", "scope must not be empty"),
        ("scope=invoices:read&scope=", "scope must not be empty"),
        (
            "scopes=a&scope=",
            "scope must not be empty; unknown parameter: scopes",
        ),
    ] {
        for secret in [PRODUCTION_SECRET, "x", ""] {
            for method in [Method::POST, Method::GET] {
                let request = app.request(method, &format!("{VALIDATE}?{query}"));
                let answer = request.header("X-API-Key", secret).send().await.unwrap();
                assert_eq!(message(answer, 400).await, expected, "{query}");
            }
        }
    }
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
}

#[tokio::test]
async fn validate_rejects_a_post_with_a_body() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    let problem = "The body must be empty: name scopes in the query, as in ?scope=a&scope=b";
    for body in [
        Body::from("{\"scope\":\"admin\"}"),
        Body::from("scope=admin"),
        Body::from("{}"),
        Body::from(vec![b'x'; 1 << 20]),
        in_chunks(b"{}"),
    ] {
        let request = asked(&app, PRODUCTION_SECRET).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(message(answer, 400).await, problem);
    }
    let request = app.request(Method::POST, &format!("{VALIDATE}?scopes=a"));
    let answer = request.body("a").send().await.unwrap();
    let expected = format!("unknown parameter: scopes; {problem}");
    assert_eq!(message(answer, 400).await, expected);
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
    for body in [Body::from(""), in_chunks(b"")] {
        let request = asked(&app, PRODUCTION_SECRET).body(body);
        let answer = request.header("Content-Type", "application/json");
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn validate_by_get_ignores_a_body_that_is_never_sent() {
    let app = TestApp::demo().await;
    for announced in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let request = format!(
            "GET {VALIDATE} HTTP/1.1\r\nHost: x\r\nX-API-Key: {PRODUCTION_SECRET}\r\n{announced}\r\n\r\n"
        );
        let address = app.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK", "{announced}");
    }
}

#[tokio::test]
async fn validate_rejects_a_malformed_key_without_the_database() {
    let app = TestApp::demo().await;
    app.other_connection()
        .execute_batch("ALTER TABLE retiring_secrets RENAME TO elsewhere")
        .unwrap();
    let typo = PRODUCTION_SECRET.replace("hoi8", "hoi9");
    message(validate(&app, &typo).await, 401).await;
    message(validate(&app, PRODUCTION_SECRET).await, 503).await;
}

#[tokio::test]
async fn validate_counts_revoked_and_expired_keys_as_errors() {
    let app = TestApp::demo().await;
    let (revoked, secret) = new_key(&app, json!({})).await;
    body(app.delete(ANA, &revoked).await, 200).await;
    assert_eq!(
        message(validate(&app, &secret).await, 401).await,
        "API key revoked"
    );
    assert_eq!(counts(&app, &revoked).await, [0, 0, 1]);

    let expiry = json!({ "expiresAt": later(1000).to_string() });
    let (expiring, secret) = new_key(&app, expiry).await;
    app.set_clock(later(999));
    body(validate(&app, &secret).await, 200).await;
    app.set_clock(later(1000));
    assert_eq!(
        message(validate(&app, &secret).await, 401).await,
        "API key expired"
    );
    assert_eq!(counts(&app, &expiring).await, [1, 0, 1]);
}

#[tokio::test]
async fn validate_requires_all_requested_scopes() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({ "scopes": ["a", "b:*"] })).await;
    let with = async |query: &str| {
        let request = app.request(Method::GET, &format!("{VALIDATE}?{query}"));
        request.header("X-API-Key", &secret).send().await.unwrap()
    };
    for query in ["", "scope=a", "scope=a&scope=b:*", "scope=a&scope=a"] {
        body(with(query).await, 200).await;
    }
    for (query, missing) in [
        ("scope=c", "c"),
        ("scope=a&scope=c&scope=d", "c, d"),
        ("scope=b:x", "b:x"),
        ("scope=A", "A"),
        // No key can have it.
        ("scope=not%20ok", "not ok"),
    ] {
        let expected = format!("API key lacks required scopes: {missing}");
        assert_eq!(message(with(query).await, 403).await, expected, "{query}");
    }
    assert_eq!(counts(&app, &path).await, [4, 0, 5]);
}

#[tokio::test]
async fn rate_limit_refusal_has_retry_after() {
    let app = TestApp::demo().await;
    let limit = json!({ "rateLimit": { "limit": 2, "windowSeconds": 60 } });
    let (path, secret) = new_key(&app, limit).await;
    for (millis, status, remaining, reset) in [
        (0, 200, "1", "60"),
        (20_000, 200, "0", "40"),
        (20_500, 429, "0", "40"),
        (59_999, 429, "0", "1"),
        (60_000, 200, "0", "20"),
        (79_999, 429, "0", "1"),
        (80_000, 200, "0", "40"),
    ] {
        app.set_clock(later(millis));
        let answer = validate(&app, &secret).await;
        assert_eq!(answer.status(), status, "after {millis} ms");
        assert_eq!(header(&answer, "ratelimit-limit"), Some("2"));
        assert_eq!(
            header(&answer, "ratelimit-remaining"),
            Some(remaining),
            "after {millis} ms"
        );
        assert_eq!(
            header(&answer, "ratelimit-reset"),
            Some(reset),
            "after {millis} ms"
        );
        let retry_after = (status == 429).then_some(reset);
        assert_eq!(
            header(&answer, "retry-after"),
            retry_after,
            "after {millis} ms"
        );
    }
    assert_eq!(counts(&app, &path).await, [4, 3, 0]);
}

/// Sets the rate limit of a key.
async fn set_rate_limit(app: &TestApp, path: &str, limit: Value) {
    let changed = app.patch(ANA, path, &json!({ "rateLimit": limit })).await;
    body(changed, 200).await;
}

#[tokio::test]
async fn changed_rate_limit_counts_on_the_window_that_is_running_with_and_without_a_restart() {
    for restarts in [false, true] {
        let mut app = TestApp::demo().await;
        let limit = |limit, seconds| json!({ "limit": limit, "windowSeconds": seconds });
        let (path, secret) = new_key(&app, json!({ "rateLimit": limit(5, 10) })).await;
        for (millis, changed, status, remaining) in [
            (0, None, 200, "4"),
            (4000, None, 200, "3"),
            // The first success has left the window of ten seconds, the second has not.
            (12_000, Some(limit(3, 3600)), 200, "1"),
            (100_000, None, 200, "0"),
            (100_001, None, 429, "0"),
            // Raised, then lowered below what is counted.
            (100_002, Some(limit(4, 3600)), 200, "0"),
            (100_003, Some(limit(1, 3600)), 429, "0"),
            // A shorter window: only what is in it counts.
            (100_004, Some(limit(4, 60)), 200, "1"),
        ] {
            app.set_clock(later(millis));
            if let Some(limit) = changed {
                set_rate_limit(&app, &path, limit).await;
            }
            if restarts {
                app = TestApp::again(app.stop().await).await;
                app.set_clock(later(millis));
            }
            let answer = validate(&app, &secret).await;
            assert_eq!(answer.status(), status, "after {millis} ms");
            let told = header(&answer, "ratelimit-remaining");
            assert_eq!(told, Some(remaining), "after {millis} ms");
        }
    }
}

#[tokio::test]
async fn removed_rate_limit_leaves_nothing_behind() {
    let app = TestApp::demo().await;
    let limit = json!({ "limit": 1, "windowSeconds": 3600 });
    let (path, secret) = new_key(&app, json!({ "rateLimit": limit })).await;
    body(validate(&app, &secret).await, 200).await;
    message(validate(&app, &secret).await, 429).await;
    app.set_clock(later(1000));
    set_rate_limit(&app, &path, Value::Null).await;
    for _ in 0..3 {
        body(validate(&app, &secret).await, 200).await;
    }
    app.set_clock(later(2000));
    set_rate_limit(&app, &path, limit).await;
    app.set_clock(later(3000));
    body(validate(&app, &secret).await, 200).await;
    message(validate(&app, &secret).await, 429).await;
    let app = TestApp::again(app.stop().await).await;
    app.set_clock(later(4000));
    message(validate(&app, &secret).await, 429).await;
}

#[tokio::test]
async fn rate_limit_survives_a_restart() {
    let app = TestApp::demo().await;
    let limit = json!({ "rateLimit": { "limit": 3, "windowSeconds": 60 } });
    let (path, secret) = new_key(&app, limit).await;
    for millis in [0, 1000] {
        app.set_clock(later(millis));
        body(validate(&app, &secret).await, 200).await;
    }
    let mut app = TestApp::again(app.stop().await).await;
    for (millis, status) in [
        (30_000, 200),
        (30_001, 429),
        (59_999, 429),
        (60_000, 200),
        (60_001, 429),
    ] {
        app.set_clock(later(millis));
        assert_eq!(
            validate(&app, &secret).await.status(),
            status,
            "after {millis} ms"
        );
        app = TestApp::again(app.stop().await).await;
    }
    app.set_clock(later(61_000));
    assert_eq!(validate(&app, &secret).await.status(), 200);
    assert_eq!(counts(&app, &path).await, [5, 3, 0]);
}

#[tokio::test]
async fn rate_limit_after_a_clock_set_back_and_a_restart_lasts_at_most_a_window() {
    let app = TestApp::demo().await;
    let limit = json!({ "rateLimit": { "limit": 1, "windowSeconds": 60 } });
    let (_, secret) = new_key(&app, limit).await;
    app.set_clock(later(3_600_000));
    body(validate(&app, &secret).await, 200).await;
    let app = TestApp::again(app.stop().await).await;
    // An hour earlier, by the clock.
    for (millis, status) in [(0, 429), (59_999, 429), (60_000, 200)] {
        app.set_clock(later(millis));
        assert_eq!(
            validate(&app, &secret).await.status(),
            status,
            "after {millis} ms"
        );
    }
}

#[tokio::test]
async fn rotate_lets_the_old_secret_share_the_rate_limit_until_the_grace_ends() {
    let app = TestApp::demo().await;
    let limit = json!({ "rateLimit": { "limit": 3, "windowSeconds": 3600 } });
    let (path, old) = new_key(&app, limit).await;
    let grace = json!({ "graceSeconds": 60 });
    let rotated = body(app.post(ANA, &format!("{path}/rotate"), &grace).await, 200).await;
    let new = rotated["key"].as_str().unwrap();
    for (millis, secret, status) in [
        (0, &*old, 200),
        (59_999, new, 200),
        (59_999, &old, 200),
        (59_999, new, 429),
        (60_000, &old, 401),
    ] {
        app.set_clock(later(millis));
        assert_eq!(
            validate(&app, secret).await.status(),
            status,
            "after {millis} ms"
        );
    }
    assert_eq!(counts(&app, &path).await, [3, 1, 0]);
}

#[tokio::test]
async fn validate_is_a_503_and_refunds_the_limit_if_the_use_cannot_be_recorded() {
    let app = TestApp::demo().await;
    let limit = json!({ "rateLimit": { "limit": 1, "windowSeconds": 60 } });
    let (path, secret) = new_key(&app, limit).await;
    let other = app.other_connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = validate(&app, &secret).await;
    assert_eq!(header(&answer, "retry-after"), Some("1"));
    assert_eq!(message(answer, 503).await, "Service unavailable");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(counts(&app, &path).await, [0, 0, 0]);
    body(validate(&app, &secret).await, 200).await;
    assert_eq!(counts(&app, &path).await, [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_counts_every_use_once_and_never_exceeds_the_limit() {
    const CLIENTS: usize = 32;
    const USES: usize = 50;
    const LIMIT: usize = 700;
    let app = Arc::new(TestApp::demo().await);
    let limit = json!({ "rateLimit": { "limit": LIMIT, "windowSeconds": 60 } });
    let keys = [new_key(&app, limit).await, new_key(&app, json!({})).await];
    let before = app.json(ANA, &stats_path(ACME)).await;
    for (n, (path, secret)) in keys.iter().enumerate() {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (app, secret) = (Arc::clone(&app), secret.clone());
            clients.spawn(async move {
                let mut passed = 0;
                for _ in 0..USES {
                    passed += usize::from(validate(&app, &secret).await.status() == 200);
                }
                passed
            });
        }
        let passed: usize = clients.join_all().await.into_iter().sum();
        assert_eq!(passed, [LIMIT, CLIENTS * USES][n]);
        let [success, limited, errors] = counts(&app, path).await;
        let all = i64::try_from(CLIENTS * USES).unwrap();
        assert_eq!(
            (success, success + limited, errors),
            (passed.try_into().unwrap(), all, 0)
        );
    }
    let after = app.json(ANA, &(stats_path(ACME) + "?days=1")).await;
    let total = |stats: &Value| stats["totalRequests"].as_i64().unwrap();
    assert_eq!(
        total(&after) - total(&before),
        i64::try_from(2 * CLIENTS * USES).unwrap()
    );
    assert!(total(&after["daily"][0]) >= 2 * 32 * 50);
}

#[tokio::test]
async fn validate_moves_last_used_at_forward_only() {
    let app = TestApp::demo().await;
    let (path, secret) = new_key(&app, json!({})).await;
    app.set_clock(later(5000));
    body(validate(&app, &secret).await, 200).await;
    app.set_clock(later(1000));
    body(validate(&app, &secret).await, 200).await;
    let key = app.json(ANA, &path).await;
    assert_eq!(key["lastUsedAt"], later(5000).to_string());
}
