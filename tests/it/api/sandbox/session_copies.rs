//! Session transactions that are disturbed: by eviction, reset, a cancelled request, a body that does not arrive.

use llavero::{
    model::{Actor, KeySettings, Name, NewKey, OrganizationRef, Secret, UserId},
    sandbox::{DEFAULT_CLOCK, Limits, SessionId, SessionTx},
};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{KEYS, SandboxApp};
use crate::support::{ANA, TestApp, lasting_token};

/// Does what a request to create a key would.
async fn create(visit: &SessionTx, n: u8) {
    let key = NewKey {
        secret: Secret::generate([n; 32]),
        settings: KeySettings::named(Name::new("x").unwrap()),
        created_by: None,
        created_at: DEFAULT_CLOCK,
    };
    let by = Actor::User(UserId::new(ANA).unwrap());
    let initech = OrganizationRef::parse("initech");
    let created = visit.app.store.create_key(initech, by, key, [n; 10]);
    created.await.unwrap();
}

async fn begin(app: &SandboxApp, session: &str) -> SessionTx {
    let visitor = SessionId::from_name(session);
    app.sandbox.begin(visitor, true).await.unwrap().unwrap()
}

/// How many keys Initech has in a session.
async fn keys(app: &SandboxApp, session: &str) -> usize {
    app.session(session).names().await.len()
}

#[tokio::test]
async fn dropped_transaction_changes_nothing() {
    let app = SandboxApp::start().await;
    let visit = begin(&app, "s").await;
    create(&visit, 1).await;
    drop(visit);
    assert_eq!(keys(&app, "s").await, 0);
    let visit = begin(&app, "s").await;
    create(&visit, 1).await;
    app.sandbox.commit(visit).await.unwrap();
    assert_eq!(keys(&app, "s").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn commit_does_not_undo_a_concurrent_reset() {
    let app = SandboxApp::start().await;
    let visit = begin(&app, "s").await;
    create(&visit, 1).await;
    app.sandbox.reset(SessionId::from_name("s"));
    // A new life of the same session, before the old visit ends.
    let other = begin(&app, "s").await;
    create(&other, 2).await;
    app.sandbox.commit(other).await.unwrap();
    app.sandbox.commit(visit).await.unwrap();
    assert_eq!(keys(&app, "s").await, 1);
    let limits = Limits {
        sessions: 0,
        ..Limits::default()
    };
    app.stop().await;
    // A session that no longer fits at its commit is not kept either.
    let app = SandboxApp::with(limits).await;
    let visit = begin(&app, "s").await;
    create(&visit, 1).await;
    app.sandbox.commit(visit).await.unwrap();
    assert_eq!(keys(&app, "s").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn cancelled_request_does_not_block_the_session() {
    let app = SandboxApp::start().await;
    let visit = begin(&app, "s").await;
    tokio::select! {
        biased;
        _ = begin(&app, "s") => panic!("two visits at once"),
        () = tokio::task::yield_now() => {}
    }
    create(&visit, 1).await;
    app.sandbox.commit(visit).await.unwrap();
    assert_eq!(keys(&app, "s").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn slow_body_does_not_block_other_requests() {
    let app = SandboxApp::start().await;
    let head = format!(
        "POST {KEYS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nX-Sandbox-Session: s\r\n\
         Content-Type: application/json\r\nContent-Length: 12\r\n\r\n",
        app.token(ANA)
    );
    let mut slow = TcpStream::connect(app.origin.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    app.session("s").create("quick").await;
    assert_eq!(app.session("s").names().await, ["quick"]);
    slow.write_all(b"{\"name\":\"s\"}").await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
    assert_eq!(app.session("s").names().await, ["quick", "s"]);
    app.stop().await;
}

#[tokio::test]
async fn unchanged_sessions_are_evicted() {
    let app = SandboxApp::start().await;
    for session in 0..10 {
        let request = app
            .session(&session.to_string())
            .request(Method::POST, KEYS);
        assert_eq!(request.json(&()).send().await.unwrap().status(), 400);
    }
    assert_eq!(app.sandbox.session_count(), 10);
    app.wait(2);
    app.session("x").create("x").await;
    assert_eq!(app.sandbox.session_count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn checks_run_in_the_same_order_as_in_the_service() {
    let (app, real) = (SandboxApp::start().await, TestApp::demo().await);
    let long = vec![b' '; 20_000];
    let keys = "/api/organizations/acme-corp/api-keys";
    let no_text = "/api/organizations/%FF/api-keys";
    let rotate = "/api/organizations/acme-corp/api-keys/%FF/rotate";
    for path in [keys, no_text, rotate, "/api/organizations/nobody/api-keys"] {
        for (with_token, media_type, body) in [
            (false, "text/plain", &long[..]),
            (true, "text/plain", b"{}"),
            (true, "application/json", &long),
            (true, "application/json", b"{}"),
            (true, "application/json", b"[1"),
            (true, "application/json", b""),
        ] {
            let mut answers = Vec::new();
            for (request, token) in [
                (app.request(Method::POST, path), app.token(ANA)),
                (real.request(Method::POST, path), &lasting_token(ANA)),
            ] {
                let request = request
                    .header("Content-Type", media_type)
                    .body(body.to_vec());
                let request = if with_token {
                    request.bearer_auth(token)
                } else {
                    request
                };
                let answer = request.send().await.unwrap();
                answers.push((answer.status(), answer.text().await.unwrap()));
            }
            assert_eq!(answers[0], answers[1], "{path} {media_type} {}", body.len());
        }
    }
    app.stop().await;
    real.stop().await;
}
