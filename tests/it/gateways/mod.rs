//! Real gateways in front of a service, asking llavero about each request: nginx and Caddy, as the documentation sets
//! them up.
//!
//! Ignored by default, because the two programs must be installed; CI does that. The configurations are the files in
//! `examples/`, which `docs/gateways.md` prints word for word; only the ports differ.

mod gateway;

use serde_json::{Value, json};

use self::gateway::{Gateway, Llavero, Upstream};
use crate::support::Answer;

const NGINX: &str = include_str!("../../../examples/nginx.conf");
const CADDY: &str = include_str!("../../../examples/Caddyfile");

/// The request as the upstream received it; the upstream responds with its headers.
fn seen(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// Goes through every outcome behind `gateway`, and holds the statistics against what went through.
fn check(gateway: &Gateway, llavero: &Llavero) {
    let before = llavero.stats();
    let good = llavero.create(&json!({ "name": "good", "scopes": ["a", "b"] }));
    let limited = llavero
        .create(&json!({ "name": "limited", "rateLimit": { "limit": 2, "windowSeconds": 3600 } }));
    let revoked = llavero.create(&json!({ "name": "revoked" }));
    llavero.revoke(&revoked);

    for _ in 0..5 {
        let seen = seen(&gateway.get("/thing?x=1", Some(&good.secret)));
        assert_eq!(seen["request"], "GET /thing?x=1");
        assert_eq!(seen["x-key-id"], good.id);
        assert_eq!(seen["x-key-scopes"], "a b");
        assert_eq!(
            seen["x-organization-id"],
            "550e8400-e29b-41d4-a716-446655440000"
        );
    }
    // The gateway overwrites forged headers and does not forward the secret.
    let plain = llavero.create(&json!({ "name": "without scopes" }));
    let forged = [
        ("X-API-Key", &*plain.secret),
        ("X-Key-Id", "forged"),
        ("X-Organization-Id", "forged"),
        ("X-Key-Scopes", "forged"),
    ];
    let forged = seen(&gateway.get_with("/", &forged));
    assert_eq!(forged["x-key-id"], plain.id);
    assert!(!forged.to_string().contains("forged"), "{forged}");
    assert!(!forged.to_string().contains(&plain.secret), "{forged}");

    for (secret, status, message) in [
        (None, 401, "API key required"),
        (Some("sk_nonsense"), 401, "Invalid API key"),
        (Some(&*revoked.secret), 401, "API key revoked"),
        (Some(&limited.secret), 200, ""),
        (Some(&limited.secret), 200, ""),
        (Some(&limited.secret), 429, "Rate limit exceeded"),
        (Some(&limited.secret), 429, "Rate limit exceeded"),
    ] {
        let answer = gateway.get("/", secret);
        assert_eq!(answer.status, status, "{answer:?}");
        if status != 200 {
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["statusCode"], status);
            assert_eq!(body["message"], message);
        }
        assert_eq!(
            answer.headers.contains_key("retry-after"),
            status == 429,
            "{answer:?}"
        );
    }
    // The gateway validates without the body, which llavero would reject.
    for body in ["", "{\"scope\":\"admin\"}", &"x".repeat(100_000)] {
        let seen = seen(&gateway.post("/thing?scope=admin", &good.secret, body));
        assert_eq!(seen["request"], "POST /thing?scope=admin");
        assert_eq!(seen["body"], body);
        assert_eq!(seen["x-key-id"], good.id);
        assert_eq!(gateway.post("/", "sk_nonsense", body).status, 401);
    }
    let after = llavero.stats();
    let moved = |field: &str| after[field].as_i64().unwrap() - before[field].as_i64().unwrap();
    // The requests that reached the upstream are the successes, one for one.
    assert_eq!(moved("successfulRequests"), 11);
    assert_eq!(moved("rateLimitHits"), 2);
    assert_eq!(moved("errors"), 1);
    assert_eq!(gateway.upstream_requests(), 11);
}

#[test]
#[ignore = "needs nginx; CI installs it"]
fn nginx_validates_every_request() {
    let llavero = Llavero::start();
    let upstream = Upstream::start();
    let gateway = Gateway::nginx(NGINX, &llavero, upstream);
    check(&gateway, &llavero);
}

#[test]
#[ignore = "needs caddy; CI installs it"]
fn caddy_validates_every_request() {
    let llavero = Llavero::start();
    let upstream = Upstream::start();
    let gateway = Gateway::caddy(CADDY, &llavero, upstream);
    check(&gateway, &llavero);
}
