//! The quota of a key: headers, messages and counts, and that it is exact at its end, at midnight and after a restart.

use std::sync::Arc;

use llavero::model::{Outcome, Timestamp, UsageEvent};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{ACME, ANA, DAY, NOW, TestApp, body, key_path, later, message};

/// A key of Acme Corp.
struct Key {
    id: String,
    secret: String,
}

impl Key {
    async fn new(app: &TestApp, settings: Value) -> Self {
        let key = app.create_key(settings).await;
        let text = |field: &str| key[field].as_str().unwrap().to_owned();
        Self {
            id: text("id"),
            secret: text("key"),
        }
    }

    /// Creates a key with a quota and no rate limit.
    async fn with_quota(app: &TestApp, limit: i64, period: &str) -> Self {
        let quota = json!({ "limit": limit, "period": period });
        Self::new(app, json!({ "quota": quota })).await
    }

    async fn set(&self, app: &TestApp, settings: Value) {
        let answer = app.patch(ANA, &key_path(ACME, &self.id), &settings).await;
        body(answer, 200).await;
    }

    async fn validate(&self, app: &TestApp) -> Response {
        let request = app.request(Method::POST, "/api/api-keys/validate");
        let request = request.header("X-API-Key", &self.secret);
        request.send().await.unwrap()
    }

    async fn read(&self, app: &TestApp) -> Value {
        app.json(ANA, &key_path(ACME, &self.id)).await
    }

    /// Successful requests, rate-limit hits, and the use of the quota.
    async fn counts(&self, app: &TestApp) -> [i64; 3] {
        let key = self.read(app).await;
        let (usage, quota) = (&key["usage"], &key["quota"]);
        [
            &usage["successfulRequests"],
            &usage["rateLimitHits"],
            &quota["used"],
        ]
        .map(|count| count.as_i64().unwrap())
    }

    fn event(&self, at: Timestamp, count: u32) -> UsageEvent {
        UsageEvent {
            key: llavero::model::KeyId(Uuid::parse_str(&self.id).unwrap()),
            at,
            outcome: Outcome::Success,
            count,
        }
    }
}

/// The values of headers; `-` for a header that is not sent.
fn headers<const N: usize>(answer: &Response, names: [&str; N]) -> [String; N] {
    names.map(|name| {
        let value = answer.headers().get(name);
        value
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    })
}

const QUOTA: [&str; 4] = [
    "x-quota-limit",
    "x-quota-remaining",
    "x-quota-reset",
    "retry-after",
];

#[tokio::test]
async fn quota_is_told_in_headers_and_refuses_with_retry_after() {
    let app = TestApp::demo().await;
    let key = Key::with_quota(&app, 2, "day").await;
    // NOW is noon, so that the day ends in 43,200 seconds.
    for (millis, status, expected) in [
        (0, 200, ["2", "1", "43200", "-"]),
        (1, 200, ["2", "0", "43200", "-"]),
        (1000, 429, ["2", "0", "43199", "43199"]),
        (DAY / 2 - 1, 429, ["2", "0", "1", "1"]),
        (DAY / 2, 200, ["2", "1", "86400", "-"]),
    ] {
        app.set_clock(later(millis));
        let answer = key.validate(&app).await;
        assert_eq!(answer.status(), status, "after {millis} ms");
        assert_eq!(headers(&answer, QUOTA), expected, "after {millis} ms");
        assert_eq!(headers(&answer, ["ratelimit-limit"]), ["-"]);
        if status == 429 {
            assert_eq!(headers(&answer, ["x-error-message"]), ["Quota exceeded"]);
            assert_eq!(message(answer, 429).await, "Quota exceeded");
        }
    }
    assert_eq!(key.counts(&app).await, [3, 2, 1]);
    let resets_at = key.read(&app).await["quota"]["resetsAt"].clone();
    assert_eq!(resets_at, "2026-01-17T00:00:00.000Z");
}

#[tokio::test]
async fn key_without_a_quota_has_no_quota_headers() {
    let app = TestApp::demo().await;
    let key = Key::new(&app, json!({})).await;
    let answer = key.validate(&app).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(headers(&answer, QUOTA), ["-"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_admits_exactly_its_limit_among_32_clients() {
    let app = Arc::new(TestApp::demo().await);
    for rate_limit in [
        Value::Null,
        json!({ "limit": 1_000_000, "windowSeconds": 60 }),
    ] {
        let quota = json!({ "limit": 100, "period": "month" });
        let settings = json!({ "rateLimit": rate_limit, "quota": quota });
        let key = Key::new(&app, settings).await;
        let key = Arc::new(key);
        let mut clients = JoinSet::new();
        for _ in 0..32 {
            let (app, key) = (Arc::clone(&app), Arc::clone(&key));
            clients.spawn(async move {
                let mut passed = 0;
                for _ in 0..10 {
                    let answer = key.validate(&app).await;
                    match answer.status().as_u16() {
                        200 => passed += 1,
                        _ => assert_eq!(message(answer, 429).await, "Quota exceeded"),
                    }
                }
                passed
            });
        }
        let passed: i64 = clients.join_all().await.into_iter().sum();
        assert_eq!(passed, 100);
        assert_eq!(key.counts(&app).await, [100, 220, 100]);
    }
}

#[tokio::test]
async fn quota_survives_a_restart() {
    let mut app = TestApp::demo().await;
    let key = Key::with_quota(&app, 2, "month").await;
    for status in [200, 200, 429, 429] {
        assert_eq!(key.validate(&app).await.status(), status);
        app = TestApp::again(app.stop().await).await;
    }
    assert_eq!(key.counts(&app).await, [2, 2, 2]);
}

#[tokio::test]
async fn monthly_quota_begins_again_at_midnight_utc() {
    let app = TestApp::demo().await;
    let key = Key::with_quota(&app, 1, "month").await;
    let at = |text| Timestamp::parse(text).unwrap();
    for (now, status, reset) in [
        ("2026-01-15T12:00:00Z", 200, "1425600"),
        ("2026-01-31T23:59:59.999Z", 429, "1"),
        ("2026-02-01T00:00:00Z", 200, "2419200"),
        ("2026-02-28T23:59:59.001Z", 429, "1"),
        ("2026-03-01T00:00:00Z", 200, "2678400"),
    ] {
        app.set_clock(at(now));
        let answer = key.validate(&app).await;
        assert_eq!(answer.status(), status, "{now}");
        assert_eq!(headers(&answer, ["x-quota-reset"]), [reset], "{now}");
    }
    assert_eq!(key.counts(&app).await, [3, 2, 1]);
}

#[tokio::test]
async fn import_into_the_current_month_counts_toward_the_quota() {
    let app = TestApp::demo().await;
    let key = Key::with_quota(&app, 5, "month").await;
    let last_month = Timestamp::from_millis(NOW.as_millis() - 15 * DAY);
    let events = [key.event(NOW, 3), key.event(last_month, 100)];
    app.import(&events).await.unwrap();
    for status in [200, 200, 429] {
        assert_eq!(key.validate(&app).await.status(), status);
    }
    app.import(&[key.event(NOW, 7)]).await.unwrap();
    assert_eq!(key.counts(&app).await, [112, 1, 12]);
    let answer = key.validate(&app).await;
    assert_eq!(headers(&answer, QUOTA)[..2], ["5", "0"]);
}

#[tokio::test]
async fn changed_quota_takes_effect_with_the_next_use() {
    let app = TestApp::demo().await;
    let key = Key::with_quota(&app, 10, "day").await;
    for _ in 0..4 {
        body(key.validate(&app).await, 200).await;
    }
    // Below what is used.
    key.set(&app, json!({ "quota": { "limit": 3, "period": "day" } }))
        .await;
    assert_eq!(
        message(key.validate(&app).await, 429).await,
        "Quota exceeded"
    );
    let quota = key.read(&app).await["quota"].clone();
    assert_eq!((&quota["limit"], &quota["used"]), (&json!(3), &json!(4)));
    key.set(&app, json!({ "quota": { "limit": 5, "period": "month" } }))
        .await;
    body(key.validate(&app).await, 200).await;
    message(key.validate(&app).await, 429).await;
    key.set(&app, json!({ "quota": null })).await;
    body(key.validate(&app).await, 200).await;
}

#[tokio::test]
async fn request_refused_by_one_limit_does_not_count_toward_the_other() {
    let app = TestApp::demo().await;
    let settings = json!({
        "rateLimit": { "limit": 2, "windowSeconds": 60 },
        "quota": { "limit": 3, "period": "day" },
    });
    let key = Key::new(&app, settings).await;
    let both = [
        "ratelimit-remaining",
        "ratelimit-reset",
        "x-quota-remaining",
        "retry-after",
    ];
    for (millis, expected, text) in [
        (0, ["1", "60", "2", "-"], None),
        (0, ["0", "60", "1", "-"], None),
        (1000, ["0", "59", "1", "59"], Some("Rate limit exceeded")),
        (60_000, ["1", "60", "0", "-"], None),
        (61_000, ["1", "59", "0", "43139"], Some("Quota exceeded")),
        (62_000, ["1", "58", "0", "43138"], Some("Quota exceeded")),
    ] {
        app.set_clock(later(millis));
        let answer = key.validate(&app).await;
        assert_eq!(headers(&answer, both), expected, "after {millis} ms");
        match text {
            None => drop(body(answer, 200).await),
            Some(text) => assert_eq!(message(answer, 429).await, text),
        }
    }
    assert_eq!(key.counts(&app).await, [3, 3, 3]);
}

#[tokio::test]
async fn both_limits_exhausted_is_the_rate_limit_with_the_later_retry_after() {
    let app = TestApp::demo().await;
    for (window, retry_after) in [(60, "43200"), (86_400, "86400")] {
        let settings = json!({
            "rateLimit": { "limit": 1, "windowSeconds": window },
            "quota": { "limit": 1, "period": "day" },
        });
        let key = Key::new(&app, settings).await;
        body(key.validate(&app).await, 200).await;
        for _ in 0..2 {
            let answer = key.validate(&app).await;
            assert_eq!(headers(&answer, ["retry-after"]), [retry_after]);
            assert_eq!(headers(&answer, QUOTA)[..3], ["1", "0", "43200"]);
            assert_eq!(message(answer, 429).await, "Rate limit exceeded");
        }
    }
}

#[tokio::test]
async fn denied_key_has_no_limit_headers_and_uses_no_quota() {
    let app = TestApp::demo().await;
    let key = Key::with_quota(&app, 1, "day").await;
    let path = "/api/api-keys/validate?scope=nope";
    let request = app.request(Method::GET, path);
    let answer = request.header("X-API-Key", &key.secret).send().await;
    let answer = answer.unwrap();
    assert_eq!(headers(&answer, QUOTA), ["-"; 4]);
    message(answer, 403).await;
    body(key.validate(&app).await, 200).await;
}
