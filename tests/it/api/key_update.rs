//! Changing a key: each field set, removed and refused, the roles that may, and the audit log.

use insta::assert_json_snapshot;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, BETO, CARLA, DIEGO, EVA, GLOBEX_WEBSITE, NOW, PRODUCTION, TestApp, body, key_path,
    keys_path, lasting_token, later, masked, message, stats_path,
};

const NAME: &str =
    "name must be a string of 1 to 100 characters other than NUL, not only white space";
const SCOPES: &str =
    "scopes must be at most 50 strings of 1 to 64 letters, digits, `:`, `.`, `_`, `*` and `-`";
const EXPIRY: &str = "expiresAt must be a date-time in the future, like 2030-01-31T12:00:00Z";
const LIMIT: &str = "must be a whole number from 1 to 1000000000";

/// The settings of a key in the form of a body.
fn full() -> Value {
    json!({
        "name": "n",
        "description": "d",
        "externalId": "e",
        "metadata": { "a": 1 },
        "scopes": ["s"],
        "rateLimit": { "limit": 1, "windowSeconds": 60 },
        "quota": { "limit": 2, "period": "day" },
        "expiresAt": later(1000).to_string(),
    })
}

/// Creates a key with every setting. Returns its path and what a GET of it returns.
async fn full_key(app: &TestApp) -> (String, Value) {
    let key = app.create_key(full()).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    let key = app.json(ANA, &path).await;
    (path, key)
}

async fn update(app: &TestApp, path: &str, asked: &Value) -> Value {
    body(app.patch(ANA, path, asked).await, 200).await
}

/// The entries of the audit log about a key, after its creation: actor, action, name and changes.
fn entries(app: &TestApp, path: &str) -> Vec<(Option<String>, String, String, Value)> {
    let id = path.rsplit('/').next().unwrap();
    let conn = app.other_connection();
    let mut statement = conn
        .prepare(
            "SELECT actor_id, action, key_name, changes FROM audit_log WHERE key_id = ?1 AND action <> 'key.created' ORDER BY id",
        )
        .unwrap();
    let rows = statement.query_map([id], |row| {
        let changes: Option<String> = row.get(3)?;
        let changes = changes.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, changes))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn update_replaces_settings_and_returns_the_key() {
    let app = TestApp::demo().await;
    let (path, before) = full_key(&app).await;
    app.set_clock(later(500));
    let asked = json!({
        "name": "N",
        "description": "D",
        "externalId": "E",
        "metadata": { "b": { "c": [1] } },
        "scopes": ["z", "a", "z"],
        "rateLimit": { "limit": 10, "windowSeconds": 3600 },
        "quota": { "limit": 20, "period": "month" },
        "expiresAt": "2026-02-01T01:00:00.0005+01:00",
        "enabled": false,
    });
    let updated = body(app.patch(BETO, &path, &asked).await, 200).await;
    assert_json_snapshot!(masked(updated.clone(), &["/id", "/preview"]));
    for field in [
        "id",
        "organizationId",
        "preview",
        "createdAt",
        "createdBy",
        "usage",
    ] {
        assert_eq!(updated[field], before[field], "{field}");
    }
    assert_eq!(app.json(CARLA, &path).await, updated);
    let list = app.json(ANA, &keys_path(ACME)).await;
    assert_eq!(list["items"][0], updated);
}

#[tokio::test]
async fn update_changes_only_the_fields_that_are_sent() {
    let app = TestApp::demo().await;
    let quota = |limit: i64, period: &str, resets_at: &str| json!({ "limit": limit, "period": period, "used": 0, "resetsAt": resets_at });
    let tomorrow = "2026-01-16T00:00:00.000Z";
    for (field, sent, expected) in [
        ("name", json!("N"), json!("N")),
        ("description", json!(""), json!("")),
        ("description", Value::Null, Value::Null),
        ("externalId", json!("E"), json!("E")),
        ("externalId", Value::Null, Value::Null),
        ("metadata", json!({ "b": null }), json!({ "b": null })),
        ("metadata", json!({}), json!({})),
        ("metadata", Value::Null, json!({})),
        ("scopes", json!(["b", "a"]), json!(["a", "b"])),
        ("scopes", json!([]), json!([])),
        (
            "rateLimit",
            json!({ "limit": 2, "windowSeconds": 60 }),
            json!({ "limit": 2, "windowSeconds": 60 }),
        ),
        ("rateLimit", Value::Null, Value::Null),
        (
            "quota",
            json!({ "limit": 3, "period": "day" }),
            quota(3, "day", tomorrow),
        ),
        (
            "quota",
            json!({ "limit": 2, "period": "month" }),
            quota(2, "month", "2026-02-01T00:00:00.000Z"),
        ),
        ("quota", Value::Null, Value::Null),
        (
            "expiresAt",
            json!("9999-12-31T23:59:59.999Z"),
            json!("9999-12-31T23:59:59.999Z"),
        ),
        ("expiresAt", Value::Null, Value::Null),
    ] {
        let (path, mut key) = full_key(&app).await;
        let updated = update(&app, &path, &json!({ field: sent })).await;
        assert_ne!(updated[field], key[field], "{field}: {sent}");
        let from = recorded(field, &key[field]);
        key[field] = expected;
        assert_eq!(updated, key, "{field}: {sent}");
        assert_eq!(app.json(ANA, &path).await, key);
        let changes = json!({ field: { "from": from, "to": recorded(field, &key[field]) } });
        let entry = (
            Some(ANA.to_owned()),
            "key.updated".to_owned(),
            "n".to_owned(),
            changes,
        );
        assert_eq!(entries(&app, &path), [entry], "{field}: {sent}");
    }
}

/// A value as the audit log has it: a quota without its use.
fn recorded(field: &str, value: &Value) -> Value {
    if field == "quota" && !value.is_null() {
        return json!({ "limit": value["limit"], "period": value["period"] });
    }
    value.clone()
}

#[tokio::test]
async fn update_that_changes_nothing_is_a_200_and_is_not_recorded() {
    let app = TestApp::demo().await;
    let (path, key) = full_key(&app).await;
    let mut enabled = full();
    enabled["enabled"] = json!(true);
    for asked in [
        json!({}),
        json!({ "name": "n" }),
        json!({ "scopes": ["s", "s"] }),
        enabled,
    ] {
        assert_eq!(update(&app, &path, &asked).await, key, "{asked}");
    }
    let bare = app.create_key(json!({})).await;
    let bare = key_path(ACME, bare["id"].as_str().unwrap());
    let nulls = json!({
        "description": null, "externalId": null, "metadata": null, "rateLimit": null,
        "quota": null, "expiresAt": null,
    });
    update(&app, &bare, &nulls).await;
    for path in [path, bare] {
        assert_eq!(entries(&app, &path), []);
    }
}

#[tokio::test]
async fn update_records_each_field_before_and_after_and_the_old_name() {
    let app = TestApp::demo().await;
    let (path, _) = full_key(&app).await;
    let asked = json!({
        "enabled": false, "quota": null, "name": "N", "description": "d", "scopes": [],
        "metadata": { "a": 2 },
    });
    update(&app, &path, &asked).await;
    update(&app, &path, &json!({ "enabled": true })).await;
    let ana = || Some(ANA.to_owned());
    let changes = json!({
        "name": { "from": "n", "to": "N" },
        "metadata": { "from": { "a": 1 }, "to": { "a": 2 } },
        "scopes": { "from": ["s"], "to": [] },
        "quota": { "from": { "limit": 2, "period": "day" }, "to": null },
    });
    let expected = [
        (ana(), "key.updated".to_owned(), "n".to_owned(), changes),
        (
            ana(),
            "key.disabled".to_owned(),
            "n".to_owned(),
            Value::Null,
        ),
        (ana(), "key.enabled".to_owned(), "N".to_owned(), Value::Null),
    ];
    assert_eq!(entries(&app, &path), expected);
}

#[tokio::test]
async fn update_rejects_null_for_settings_that_every_key_has() {
    let app = TestApp::demo().await;
    let (path, key) = full_key(&app).await;
    for (field, problem) in [
        ("name", NAME),
        ("scopes", SCOPES),
        ("enabled", "enabled must be true or false"),
    ] {
        let answer = app.patch(ANA, &path, &json!({ field: null })).await;
        assert_eq!(message(answer, 400).await, problem);
    }
    assert_eq!(app.json(ANA, &path).await, key);
}

#[tokio::test]
async fn update_rejects_invalid_values() {
    let app = TestApp::demo().await;
    let (path, key) = full_key(&app).await;
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!(1)),
        ("name", json!("n".repeat(101))),
        ("description", json!("x".repeat(501))),
        ("description", json!(false)),
        ("externalId", json!("")),
        ("externalId", json!("x".repeat(256))),
        ("metadata", json!([])),
        ("metadata", json!("{}")),
        ("metadata", json!({ "a": "x".repeat(4089) })),
        ("metadata", json!({ "a": deep })),
        ("scopes", json!("s")),
        ("scopes", json!(["not ok"])),
        ("scopes", json!(vec!["s"; 51])),
        ("rateLimit", json!(1)),
        ("rateLimit", json!({})),
        ("rateLimit", json!({ "limit": 1 })),
        ("rateLimit", json!({ "limit": null, "windowSeconds": 1 })),
        (
            "rateLimit",
            json!({ "limit": 1, "windowSeconds": 2_678_401 }),
        ),
        ("quota", json!("10/day")),
        ("quota", json!({ "limit": 1 })),
        ("quota", json!({ "limit": 1.5, "period": "day" })),
        ("quota", json!({ "limit": 1, "period": "year" })),
        ("expiresAt", json!(NOW.to_string())),
        ("expiresAt", json!("2020-01-01T00:00:00Z")),
        ("expiresAt", json!("never")),
        ("enabled", json!("false")),
        ("enabled", json!(0)),
    ] {
        let answer = app
            .patch(ANA, &path, &json!({ field: value, "other": 1 }))
            .await;
        let message = message(answer, 400).await;
        let message = message.strip_suffix("; unknown field: other").unwrap();
        let mut problems = message.split("; ");
        assert!(
            problems.all(|problem| problem.starts_with(field)),
            "{value}: {message}"
        );
    }
    assert_eq!(app.json(ANA, &path).await, key);
    assert_eq!(entries(&app, &path), []);
}

#[tokio::test]
async fn update_names_every_problem_of_path_and_body_in_one_400() {
    let app = TestApp::demo().await;
    let text = r#"{
        "enabled": 1, "name": null, "colour": 1, "metadata": { "a": { "b": 1, "b": 2 } },
        "quota": { "limit": 0, "limit": 1, "size": 1 }, "rateLimit": { "limit": 0 }, "expiresAt": "x",
        "externalId": "", "description": 1, "scopes": null, "status": "active"
    }"#;
    let request = app.request(Method::PATCH, &key_path("%ff", "%fe"));
    let request = request.bearer_auth(lasting_token(ANA));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let answer = request.body(text).send().await.unwrap();
    let message = message(answer, 400).await;
    let expected = [
        "The path must be percent-encoded UTF-8",
        "duplicate field: metadata.a.b",
        "duplicate field: quota.limit",
        NAME,
        "description must be a string of at most 500 characters other than NUL",
        "externalId must be a string of 1 to 255 characters other than NUL",
        SCOPES,
        &format!("rateLimit.limit {LIMIT}"),
        "rateLimit.windowSeconds is missing",
        "quota.period is missing",
        "unknown field: quota.size",
        EXPIRY,
        "enabled must be true or false",
        "unknown field: colour",
        "unknown field: status",
    ];
    assert_eq!(message.split("; ").collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn update_requires_owner_or_admin_and_a_key_of_the_organization() {
    let app = TestApp::demo().await;
    let (path, key) = full_key(&app).await;
    let asked = json!({ "scopes": [] });
    let not_a_member = "Access denied. User is not a member of this organization.";
    let role_too_low = "Access denied. Owner or admin role required.";
    for (user, expected) in [
        (CARLA, role_too_low),
        (DIEGO, not_a_member),
        (EVA, not_a_member),
    ] {
        for asked in [&asked, &json!({})] {
            let answer = app.patch(user, &path, asked).await;
            assert_eq!(message(answer, 403).await, expected);
        }
    }
    let answer = app
        .patch(ANA, &key_path("globex", GLOBEX_WEBSITE), &asked)
        .await;
    assert_eq!(message(answer, 403).await, not_a_member);
    for id in [
        GLOBEX_WEBSITE,
        "00000000-0000-4000-8000-000000000000",
        "nope",
    ] {
        for asked in [&asked, &json!({})] {
            let answer = app.patch(ANA, &key_path(ACME, id), asked).await;
            assert_eq!(message(answer, 404).await, "API key not found", "{id}");
        }
    }
    assert_eq!(app.json(ANA, &path).await, key);
    for user in [ANA, BETO] {
        body(app.patch(user, &path, &asked).await, 200).await;
    }
    // The checks of the body come first.
    for user in [CARLA, EVA] {
        let answer = app.patch(user, &path, &json!({ "enabled": 1 })).await;
        message(answer, 400).await;
    }
}

#[tokio::test]
async fn update_of_a_revoked_key_is_a_409_for_any_valid_body() {
    let app = TestApp::demo().await;
    let (path, _) = full_key(&app).await;
    // Revoked takes precedence over expired.
    app.set_clock(later(1000));
    let revoked = body(app.delete(ANA, &path).await, 200).await;
    for asked in [
        json!({}),
        json!({ "name": "n" }),
        json!({ "enabled": true }),
        json!({ "expiresAt": null }),
    ] {
        let answer = app.patch(ANA, &path, &asked).await;
        assert_eq!(message(answer, 409).await, "API key revoked");
    }
    message(app.patch(ANA, &path, &json!({ "name": 1 })).await, 400).await;
    assert_eq!(app.json(ANA, &path).await, revoked);
    assert_eq!(entries(&app, &path).len(), 1);
}

#[tokio::test]
async fn update_revives_an_expired_key() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    for expires_at in [Value::Null, json!(later(3000).to_string())] {
        app.set_clock(later(0));
        let (path, _) = full_key(&app).await;
        app.set_clock(later(1000));
        assert_eq!(app.json(ANA, &path).await["status"], "expired");
        let renamed = update(&app, &path, &json!({ "name": "N" })).await;
        assert_eq!(renamed["status"], "expired");
        let revived = update(&app, &path, &json!({ "expiresAt": expires_at })).await;
        assert_eq!(revived["status"], "active");
        app.set_clock(later(2999));
        assert_eq!(app.json(ANA, &path).await["status"], "active");
    }
    let after = app.json(ANA, &stats_path(ACME)).await;
    for (field, more) in [("activeKeys", 2), ("expiredKeys", 0), ("neverUsedKeys", 2)] {
        let count = |stats: &Value| stats[field].as_i64().unwrap();
        assert_eq!(count(&after), count(&before) + more, "{field}");
    }
}

#[tokio::test]
async fn update_keeps_deeply_nested_metadata_readable() {
    let app = TestApp::demo().await;
    let deep = |value: Value| (0..98).fold(value, |value, _| json!({ "a": value }));
    let path = key_path(ACME, PRODUCTION);
    for value in [json!([1]), json!([2])] {
        let asked = json!({ "metadata": { "a": deep(value.clone()) } });
        assert_eq!(
            update(&app, &path, &asked).await["metadata"],
            asked["metadata"]
        );
    }
    let log = app.json(ANA, &key_path(ACME, "audit")).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        log["items"][0]["changes"]["metadata"]["to"]["a"],
        deep(json!([2]))
    );
}
