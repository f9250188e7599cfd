//! The URL of a JWK set: rotation, storms of unknown keys, failures, restarts. The clock stands still between steps, and
//! fetches run only when a test says so or a token names an unknown key.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{HEADER, claims, signed};
use crate::support::{
    ACME, Issuer, KeySource, PRODUCTION, PRODUCTION_SECRET, Reply, TestApp, Trust, body, key_path,
    later, set_of,
};

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// An application that trusts the set of `source`, and has fetched nothing yet.
async fn app_in(directory: TempDir, source: &KeySource, with_secret: bool) -> TestApp {
    let url = source.url.clone();
    TestApp::demo_in(directory, Trust::KeySet { url, with_secret }).await
}

async fn app_of(source: &KeySource) -> TestApp {
    app_in(tempfile::tempdir().unwrap(), source, false).await
}

async fn fetch(app: &TestApp) {
    app.key_set.as_ref().unwrap().fetch_if_due().await;
}

/// The status of a read with a token, and the `error_description`, if there is one.
async fn decision(app: &TestApp, token: &str) -> (u16, String) {
    let response = app.get_with_token(token, &key_path(ACME, PRODUCTION)).await;
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map_or("", |value| value.to_str().unwrap());
    let description = challenge.split("error_description=").nth(1);
    let description = description.unwrap_or_default().trim_matches('"').to_owned();
    (response.status().as_u16(), description)
}

async fn status(app: &TestApp, token: &str) -> u16 {
    decision(app, token).await.0
}

fn unknown_key() -> (u16, String) {
    (401, "The token names an unknown key".to_owned())
}

#[tokio::test]
async fn key_of_a_new_kid_is_fetched_and_a_removed_key_is_refused() {
    let (old, new) = (Issuer::p256(), Issuer::rsa());
    let source = KeySource::http(Reply::set(old.set("old")));
    let app = app_of(&source).await;
    fetch(&app).await;
    assert_eq!(status(&app, &old.token("old")).await, 200);
    assert_eq!(decision(&app, &new.token("new")).await, unknown_key());

    // Both keys, as during a rotation. The unknown key above was 30 seconds ago.
    source.reply(Reply::set(set_of([old.jwk("old"), new.jwk("new")])));
    app.set_clock(later(30 * SECOND));
    assert_eq!(status(&app, &new.token("new")).await, 200);
    assert_eq!(status(&app, &old.token("old")).await, 200);

    source.reply(Reply::set(new.set("new")));
    app.set_clock(later(HOUR));
    fetch(&app).await;
    // The verification of this token was cached.
    assert_eq!(decision(&app, &old.token("old")).await, unknown_key());
    assert_eq!(status(&app, &new.token("new")).await, 200);
    app.stop().await;
}

/// Sends tokens with 64 unknown keys at the same time. Each must be refused.
async fn storm(app: &TestApp) {
    let mut requests = JoinSet::new();
    for n in 0..64 {
        let token = Issuer::p256().token(&format!("unknown {n}"));
        let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
        requests.spawn(request.bearer_auth(token).send());
    }
    for response in requests.join_all().await {
        assert_eq!(response.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn storm_of_unknown_keys_causes_one_fetch_in_30_seconds() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::set(issuer.set("a")));
    let app = app_of(&source).await;
    fetch(&app).await;
    storm(&app).await;
    assert_eq!(source.requests(), 2);
    app.set_clock(later(30 * SECOND - 1));
    storm(&app).await;
    assert_eq!(source.requests(), 2);
    app.set_clock(later(30 * SECOND));
    storm(&app).await;
    assert_eq!(source.requests(), 3);
    assert_eq!(status(&app, &issuer.token("a")).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn first_token_causes_the_fetch_at_start_which_the_limit_ignores() {
    let (first, second) = (Issuer::p256(), Issuer::ed25519());
    let source = KeySource::http(Reply::set(first.set("first")));
    let app = app_of(&source).await;
    assert_eq!(status(&app, &first.token("first")).await, 200);
    source.reply(Reply::set(second.set("second")));
    assert_eq!(status(&app, &second.token("second")).await, 200);
    assert_eq!(source.requests(), 2);
    app.stop().await;
}

#[tokio::test]
async fn token_that_needs_no_other_key_causes_no_fetch() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::set(issuer.set("a")));
    let app = app_of(&source).await;
    fetch(&app).await;
    let good = issuer.token("b");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    for token in [
        "x".to_owned(),
        message.to_owned(),
        format!("{message}.{signature}="),
        format!("{header}.W10.{signature}"),
        issuer.sign(&serde_json::json!({ "alg": "ES256", "kid": "b", "crit": [] })),
        issuer.sign(&serde_json::json!({ "alg": "ES256", "kid": "b", "typ": "x" })),
        issuer.sign(&serde_json::json!({ "alg": "HS256", "kid": "b" })),
        Issuer::rsa().token("a"),
        Issuer::other_p256().token("a"),
        Issuer::rsa().token_without_kid(),
    ] {
        assert_eq!(status(&app, &token).await, 401, "{token}");
    }
    assert_eq!(source.requests(), 1);
    app.stop().await;
}

#[tokio::test]
async fn server_without_a_set_is_ready_and_decides_what_it_can() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::close());
    let app = app_in(tempfile::tempdir().unwrap(), &source, true).await;
    fetch(&app).await;
    let key = key_path(ACME, PRODUCTION);
    let response = app.get_with_token(&issuer.token("a"), &key).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let message = body(response, 503).await["message"].clone();
    assert_eq!(message, "Service unavailable");
    assert_eq!(status(&app, &issuer.token_without_kid()).await, 503);
    assert_eq!(decision(&app, "x").await.0, 401);
    let unsupported = issuer.sign(&serde_json::json!({ "alg": "ES384" }));
    assert_eq!(
        decision(&app, &unsupported).await,
        (401, "The token is malformed".to_owned())
    );
    let hmac = signed(HEADER, claims().to_string());
    assert_eq!(status(&app, &hmac).await, 200);
    assert_eq!(status(&app, &format!("{hmac}A")).await, 401);

    let ready = app.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let validation = app.request(Method::POST, "/api/api-keys/validate");
    let validation = validation.header("x-api-key", PRODUCTION_SECRET);
    let validated: Value = body(validation.send().await.unwrap(), 200).await;
    assert_eq!(validated["valid"], true);

    source.reply(Reply::set(issuer.set("a")));
    app.set_clock(later(10 * SECOND));
    fetch(&app).await;
    assert_eq!(status(&app, &issuer.token("a")).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn failed_fetch_keeps_the_last_set_for_a_day() {
    let issuer = Issuer::p256();
    let (good, token) = (issuer.set("a"), issuer.token("a"));
    let other = KeySource::http(Reply::set(Issuer::rsa().set("a")));
    let location = format!("Location: {}", other.url);
    let huge = format!("{}{}", good, " ".repeat(64 * 1024 + 1 - good.len()));
    let source = KeySource::http(Reply::set(good.clone()));
    let app = app_of(&source).await;
    fetch(&app).await;
    let mut hour = 0;
    for reply in [
        Reply::close(),
        Reply::status("500 Internal Server Error"),
        Reply::status("404 Not Found"),
        Reply::status("204 No Content"),
        Reply::status(&format!("302 Found\r\n{location}")),
        Reply::status(&format!("301 Moved Permanently\r\n{location}")),
        Reply::status(&format!("307 Temporary Redirect\r\n{location}")),
        Reply::set("<html></html>".to_owned()),
        Reply::set("{}".to_owned()),
        Reply::set(String::new()),
        Reply::set(huge.clone()),
        Reply::Raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{huge}").into()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec()),
        Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
    ] {
        source.reply(reply.clone());
        hour += 1;
        app.set_clock(later(hour * HOUR));
        fetch(&app).await;
        assert_eq!(source.requests(), usize::try_from(hour).unwrap() + 1);
        assert_eq!(status(&app, &token).await, 200, "{reply:?}");
    }
    assert_eq!(other.requests(), 0);
    app.set_clock(later(DAY - 1));
    assert_eq!(status(&app, &token).await, 200);
    app.set_clock(later(DAY));
    assert_eq!(status(&app, &token).await, 503);

    let largest = format!("{}{}", good, " ".repeat(64 * 1024 - good.len()));
    source.reply(Reply::set(largest));
    app.set_clock(later(DAY + HOUR));
    fetch(&app).await;
    assert_eq!(status(&app, &token).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn set_without_keys_is_a_set() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::set(issuer.set("a")));
    let app = app_of(&source).await;
    fetch(&app).await;
    assert_eq!(status(&app, &issuer.token("a")).await, 200);
    source.reply(Reply::set(set_of([])));
    app.set_clock(later(HOUR));
    fetch(&app).await;
    assert_eq!(decision(&app, &issuer.token("a")).await, unknown_key());
    app.stop().await;
}

#[tokio::test]
async fn set_is_fetched_again_before_it_is_stale() {
    let source = KeySource::http(Reply::Body(
        "Cache-Control: public, max-age=120\r\n",
        Issuer::p256().set("a"),
    ));
    let app = app_of(&source).await;
    for (seconds, requests) in [(0, 1), (95, 1), (96, 2), (191, 2), (192, 3)] {
        app.set_clock(later(seconds * SECOND));
        fetch(&app).await;
        assert_eq!(source.requests(), requests, "after {seconds} s");
    }
    let head = source.wait_for_requests(3);
    assert!(head.starts_with("GET /jwks.json HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: 127.0.0.1:"), "{head}");
    app.stop().await;
}

#[tokio::test]
async fn slow_fetch_delays_a_request_for_a_second_and_then_helps_the_next_one() {
    let (old, new) = (Issuer::p256(), Issuer::rsa());
    let source = KeySource::http(Reply::set(old.set("old")));
    let app = app_of(&source).await;
    fetch(&app).await;
    source.reply(Reply::Hold);
    assert_eq!(decision(&app, &new.token("new")).await, unknown_key());
    assert_eq!(status(&app, &old.token("old")).await, 200);
    assert_eq!(source.requests(), 2);
    source.reply(Reply::set(new.set("new")));
    // Waits for the fetch that still runs, unless it has ended.
    assert_eq!(status(&app, &new.token("new")).await, 200);
    assert_eq!(source.requests(), 2);
    app.stop().await;
}

#[tokio::test]
async fn fetch_fails_after_five_seconds() {
    let source = KeySource::http(Reply::Hold);
    let app = app_of(&source).await;
    // Ends, although the source never responds.
    fetch(&app).await;
    assert_eq!(source.requests(), 1);
    // Due again after two seconds.
    app.set_clock(later(2 * SECOND));
    source.reply(Reply::set(Issuer::p256().set("a")));
    fetch(&app).await;
    assert_eq!(status(&app, &Issuer::p256().token("a")).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn stored_set_is_used_after_a_restart_for_its_url_only() {
    let issuer = Issuer::p256();
    let source = KeySource::http(Reply::set(issuer.set("a")));
    let app = app_of(&source).await;
    fetch(&app).await;
    let directory = app.stop().await;

    source.reply(Reply::close());
    let app = app_in(directory, &source, false).await;
    fetch(&app).await;
    assert_eq!(status(&app, &issuer.token("a")).await, 200);
    app.set_clock(later(DAY));
    assert_eq!(status(&app, &issuer.token("a")).await, 503);
    app.set_clock(later(0));
    let directory = app.stop().await;

    let other = KeySource::http(Reply::close());
    let app = app_in(directory, &other, false).await;
    fetch(&app).await;
    assert_eq!(status(&app, &issuer.token("a")).await, 503);
    let directory = app.stop().await;

    // The failures of another URL have not replaced it.
    let app = app_in(directory, &source, false).await;
    assert_eq!(status(&app, &issuer.token("a")).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn requested_fetch_runs_although_the_set_is_fresh() {
    let (old, new) = (Issuer::p256(), Issuer::rsa());
    let source = KeySource::http(Reply::set(old.set("old")));
    let app = app_of(&source).await;
    fetch(&app).await;
    source.reply(Reply::set(new.set("new")));
    fetch(&app).await;
    assert_eq!(source.requests(), 1);
    app.key_set.as_ref().unwrap().request_fetch();
    fetch(&app).await;
    assert_eq!(source.requests(), 2);
    assert_eq!(status(&app, &new.token("new")).await, 200);
    assert_eq!(decision(&app, &old.token("old")).await, unknown_key());
    app.stop().await;
}
