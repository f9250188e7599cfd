//! Sessions: each has a private copy of the database as soon as it changes something.

use std::time::Duration;

use llavero::sandbox::Limits;
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};

use super::{KEYS, SandboxApp, names};
use crate::{
    api::bodies::in_chunks,
    support::{ACME, ANA, BETO, DIEGO, PRODUCTION, body, key_path, message, stats_path},
};

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn session_changes_are_private() {
    let app = SandboxApp::start().await;
    let (one, two) = (app.session("one"), app.session("two"));
    let key = one.create("Mine").await;
    assert_eq!(one.names().await, ["Mine"]);
    assert_eq!(two.names().await, NOTHING);
    assert_eq!(names(&app.json(KEYS).await), NOTHING);
    two.create("Theirs").await;
    assert_eq!(one.names().await, ["Mine"]);
    assert_eq!(two.names().await, ["Theirs"]);
    // A revocation is private, too.
    let path = format!("{KEYS}/{}", key["id"].as_str().unwrap());
    let revoked = one.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(body(revoked, 200).await["status"], "revoked");
    let stats = "/organizations/initech/api-keys/stats";
    assert_eq!(one.json(stats).await["revokedKeys"], 1);
    assert_eq!(two.json(stats).await["revokedKeys"], 0);
    app.stop().await;
}

#[tokio::test]
async fn list_has_the_order_of_creation_although_the_clock_stands_still() {
    let app = SandboxApp::start().await;
    let session = app.session("one");
    let mut expected = Vec::new();
    for n in 0..10 {
        expected.push(session.create(&n.to_string()).await["id"].clone());
    }
    expected.reverse();
    let page = session.json(KEYS).await;
    let items = page["items"].as_array().unwrap().iter();
    let listed: Vec<Value> = items.map(|key| key["id"].clone()).collect();
    assert_eq!(listed, expected);
    app.stop().await;
}

#[tokio::test]
async fn session_is_shared_by_all_users_in_it() {
    let app = SandboxApp::start().await;
    let team = app.session("team");
    let revoke = team.request(Method::DELETE, &key_path(ACME, PRODUCTION));
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
    let request = request
        .header("X-Sandbox-Session", "team")
        .bearer_auth(app.token(BETO));
    assert_eq!(
        body(request.send().await.unwrap(), 200).await["status"],
        "revoked"
    );
    app.stop().await;
}

#[tokio::test]
async fn token_identifies_the_session_without_a_name() {
    let app = SandboxApp::start().await;
    let revoke = app.request(Method::DELETE, &key_path(ACME, PRODUCTION));
    let revoke = revoke.bearer_auth(app.token(ANA)).send().await.unwrap();
    assert_eq!(revoke.status(), 200);
    let status = async |token: &str| {
        let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
        let answer = request.bearer_auth(token).send().await.unwrap();
        body(answer, 200).await["status"].clone()
    };
    assert_eq!(status(app.token(ANA)).await, "revoked");
    assert_eq!(status(app.token(BETO)).await, "active");
    app.stop().await;
}

#[tokio::test]
async fn reset_discards_the_sessions_changes() {
    let app = SandboxApp::start().await;
    let (one, two) = (app.session("one"), app.session("two"));
    one.create("A").await;
    two.create("B").await;
    one.reset().await;
    assert_eq!(one.names().await, NOTHING);
    assert_eq!(two.names().await, ["B"]);
    // A reset of a session without changes succeeds.
    one.reset().await;
    let without_session = app
        .request(Method::POST, "/sandbox/reset")
        .send()
        .await
        .unwrap();
    assert!(
        message(without_session, 400)
            .await
            .contains("X-Sandbox-Session")
    );
    app.stop().await;
}

#[tokio::test]
async fn secret_identifies_the_session_that_created_it() {
    let app = SandboxApp::start().await;
    let key = app.session("one").create("Mine").await;
    let secret = key["key"].as_str().unwrap();
    let validate = async |secret: &str| {
        let request = app.request(Method::POST, "/api-keys/validate");
        request.header("X-API-Key", secret).send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(validate(secret).await.status(), StatusCode::OK);
    }
    let path = format!("{KEYS}/{}", key["id"].as_str().unwrap());
    let used = app.session("one").json(&path).await;
    assert_eq!(used["usage"]["successfulRequests"], 2);
    // The rotated one, too; and neither, once the copy is gone.
    let request = app
        .session("one")
        .request(Method::POST, &format!("{path}/rotate"));
    let rotated = request
        .json(&json!({ "graceSeconds": 60 }))
        .send()
        .await
        .unwrap();
    let new = body(rotated, 200).await["key"].as_str().unwrap().to_owned();
    assert_eq!(validate(&new).await.status(), StatusCode::OK);
    assert_eq!(validate(secret).await.status(), StatusCode::OK);
    app.session("one").reset().await;
    for secret in [secret, &new] {
        assert_eq!(
            message(validate(secret).await, 401).await,
            "Invalid API key"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn use_is_counted_in_the_named_session() {
    let app = SandboxApp::start().await;
    let (_, _, secret) = app.sandbox.demo().organizations()[0].keys().next().unwrap();
    let total = |stats: &Value| stats["totalRequests"].as_i64().unwrap();
    let before = total(&app.json(&stats_path(ACME)).await);
    let session = app.session("gateway");
    // A gateway asks with GET, which is a use all the same.
    let request = app.request(Method::GET, "/api/api-keys/validate");
    let request = request.header("X-API-Key", secret.reveal());
    let used = request
        .header("X-Sandbox-Session", "gateway")
        .send()
        .await
        .unwrap();
    assert_eq!(used.status(), 200);
    assert_eq!(total(&session.json(&stats_path(ACME)).await), before + 1);
    assert_eq!(total(&app.json(&stats_path(ACME)).await), before);
    app.stop().await;
}

#[tokio::test]
async fn fixture_key_shows_its_owners_changes() {
    let app = SandboxApp::start().await;
    let demo = app.sandbox.demo().organizations();
    let secrets: Vec<String> = demo[0]
        .keys()
        .map(|(.., secret)| secret.reveal().to_owned())
        .collect();
    let validate = async |secret: &str| {
        let request = app.request(Method::POST, "/api-keys/validate");
        request.header("X-API-Key", secret).send().await.unwrap()
    };
    let as_ana = |method, path: &str| app.request(method, path).bearer_auth(app.token(ANA));
    // Used without a token, counted where the owner looks.
    let production = key_path(ACME, PRODUCTION);
    let before = app.json(&production).await["usage"]["totalRequests"]
        .as_i64()
        .unwrap();
    assert_eq!(validate(&secrets[0]).await.status(), 200);
    let after = app.json(&production).await["usage"]["totalRequests"]
        .as_i64()
        .unwrap();
    assert_eq!(after, before + 1);
    // Revoked, it does not pass; rotated, the old secret does not.
    assert_eq!(
        as_ana(Method::DELETE, &production)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        message(validate(&secrets[0]).await, 401).await,
        "API key revoked"
    );
    let rotate = format!("{}/rotate", production.replace("d01", "d02"));
    let rotated = as_ana(Method::POST, &rotate).json(&json!({ "graceSeconds": 0 }));
    let new = body(rotated.send().await.unwrap(), 200).await["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        message(validate(&secrets[1]).await, 401).await,
        "Invalid API key"
    );
    assert_eq!(validate(&new).await.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn shared_database_never_changes() {
    let app = SandboxApp::start().await;
    let (_, _, secret) = app.sandbox.demo().organizations()[0].keys().next().unwrap();
    let as_beto = async || {
        let request = app
            .request(Method::GET, &stats_path(ACME))
            .bearer_auth(app.token(BETO));
        body(request.send().await.unwrap(), 200).await
    };
    let before = as_beto().await;
    let world = app.sandbox.app().store.serialize().unwrap();
    // A gateway may forward its client's headers.
    for credentials in ["", "Basic Zm9vOmJhcg==", "Bearer nonsense", "Bearer"] {
        let request = app.request(Method::POST, "/api/api-keys/validate");
        let request = request.header("X-API-Key", secret.reveal());
        let request = request.header("Authorization", credentials);
        assert_eq!(request.send().await.unwrap().status(), 200, "{credentials}");
    }
    assert_eq!(as_beto().await, before);
    assert_eq!(app.sandbox.app().store.serialize().unwrap(), world);
    app.stop().await;
}

#[tokio::test]
async fn two_starts_have_identical_databases() {
    let (one, two) = (SandboxApp::start().await, SandboxApp::start().await);
    let world = |app: &SandboxApp| app.sandbox.app().store.serialize().unwrap();
    assert_eq!(world(&one), world(&two));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn generated_ids_and_secrets_depend_only_on_the_session() {
    let (one, two) = (SandboxApp::start().await, SandboxApp::start().await);
    let first = one.session("s").create("First").await;
    let second = one.session("s").create("Second").await;
    assert_eq!(two.session("s").create("First").await, first);
    assert_eq!(two.session("s").create("Second").await, second);
    assert_ne!(first["id"], second["id"]);
    let other = two.session("t").create("First").await;
    assert_ne!(other["id"], first["id"]);
    assert_ne!(other["key"], first["key"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn refused_write_changes_nothing() {
    let app = SandboxApp::start().await;
    let session = app.session("s");
    let empty = session.request(Method::POST, KEYS).json(&json!({}));
    assert_eq!(empty.send().await.unwrap().status(), 400);
    let stranger = app
        .request(Method::POST, KEYS)
        .json(&json!({ "name": "x" }));
    let stranger = stranger
        .header("X-Sandbox-Session", "s")
        .bearer_auth(app.token(DIEGO));
    assert_eq!(stranger.send().await.unwrap().status(), 403);
    let no_token = app
        .request(Method::POST, KEYS)
        .header("X-Sandbox-Session", "s");
    assert_eq!(no_token.send().await.unwrap().status(), 401);
    assert_eq!(session.names().await, NOTHING);
    // A new session gets the same id.
    let made = session.create("x").await;
    assert_eq!(
        made,
        SandboxApp::start().await.session("s").create("x").await
    );
    app.stop().await;
}

#[tokio::test]
async fn least_recently_used_session_is_evicted_over_the_count_limit() {
    let limits = Limits {
        sessions: 3,
        ..Limits::default()
    };
    let app = SandboxApp::with(limits).await;
    for n in 0..3 {
        app.session(&n.to_string()).create("x").await;
        app.wait(1);
    }
    // A request counts as use of its session; reading the shared database takes no session's place.
    assert_eq!(app.session("0").names().await, ["x"]);
    app.wait(1);
    assert_eq!(app.session("reader").names().await, NOTHING);
    app.session("3").create("x").await;
    let mut kept = Vec::new();
    for n in 0..4 {
        kept.push(app.session(&n.to_string()).names().await.len());
    }
    assert_eq!(kept, [1, 0, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn least_recently_used_session_is_evicted_over_the_size_limit() {
    let limits = Limits {
        bytes: 64 * 1024,
        ..Limits::default()
    };
    let app = SandboxApp::with(limits).await;
    let session = |n: usize| app.session(&n.to_string());
    for n in 0..20 {
        session(n).create("x").await;
        app.wait(1);
    }
    assert_eq!(session(0).names().await, NOTHING);
    assert_eq!(session(19).names().await, ["x"]);
    app.stop().await;
}

#[tokio::test]
async fn idle_session_is_evicted() {
    let limits = Limits {
        idle_timeout: Duration::from_mins(30),
        ..Limits::default()
    };
    let app = SandboxApp::with(limits).await;
    let session = app.session("s");
    session.create("x").await;
    for _ in 0..3 {
        app.wait(29 * 60);
        assert_eq!(session.names().await, ["x"]);
    }
    app.wait(30 * 60);
    assert_eq!(session.names().await, NOTHING);
    app.stop().await;
}

#[tokio::test]
async fn full_copy_is_a_507() {
    let app = SandboxApp::start().await;
    let session = app.session("s");
    let longest = json!({ "name": "n".repeat(100), "description": "d".repeat(500),
        "scopes": (0..50).map(|n| format!("{n:064}")).collect::<Vec<_>>() });
    let mut made = 0;
    let create = async || {
        let request = session.request(Method::POST, KEYS).json(&longest);
        request.send().await.unwrap()
    };
    let refused = loop {
        match create().await.status().as_u16() {
            201 => made += 1,
            status => break status,
        }
        assert!(made < 5000);
    };
    assert_eq!(refused, 507);
    assert!(
        message(create().await, 507)
            .await
            .contains("/sandbox/reset")
    );
    // The keys that were created are there; other sessions are unaffected.
    let stats = session.json("/organizations/initech/api-keys/stats").await;
    assert_eq!(stats["totalKeys"], made);
    app.session("t").create("x").await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_of_a_session_are_all_counted() {
    let app = SandboxApp::start().await;
    let requests = (0..40).map(|n| {
        let request = app.session("s").request(Method::POST, KEYS);
        let sent = request.json(&json!({ "name": format!("{n:02}") })).send();
        tokio::spawn(async move { sent.await.unwrap().status().as_u16() })
    });
    for sent in requests.collect::<Vec<_>>() {
        assert_eq!(sent.await.unwrap(), 201);
    }
    assert_eq!(app.session("s").names().await.len(), 40);
    app.stop().await;
}

#[tokio::test]
async fn session_name_with_other_characters_is_a_400() {
    let app = SandboxApp::start().await;
    for wrong in ["", " ", "a b", "ä", &"x".repeat(129)] {
        let request = app.request(Method::GET, KEYS).bearer_auth(app.token(ANA));
        let request = request.header("X-Sandbox-Session", wrong.as_bytes());
        let answer = message(request.send().await.unwrap(), 400).await;
        assert!(answer.starts_with("X-Sandbox-Session must be "), "{answer}");
    }
    let twice = app.session("a").request(Method::GET, KEYS);
    let twice = twice.header("X-Sandbox-Session", "b").send().await.unwrap();
    assert_eq!(twice.status(), 400);
    app.session(&"x".repeat(128)).create("x").await;
    app.stop().await;
}

#[tokio::test]
async fn validation_in_a_session_rejects_a_body() {
    let app = SandboxApp::start().await;
    let key = app.session("one").create("Mine").await;
    let validate = async |body: Body| {
        let request = app.request(Method::POST, "/api-keys/validate");
        let request = request.header("X-API-Key", key["key"].as_str().unwrap());
        request.body(body).send().await.unwrap()
    };
    for body in [Body::from("scope=admin"), in_chunks(b"scope=admin")] {
        let expected = "The body must be empty: name scopes in the query, as in ?scope=a&scope=b";
        assert_eq!(message(validate(body).await, 400).await, expected);
    }
    for body in [Body::from(""), in_chunks(b"")] {
        assert_eq!(validate(body).await.status(), StatusCode::OK);
    }
    app.stop().await;
}
