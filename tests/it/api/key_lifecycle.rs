//! A key's life over HTTP: create, rotate and revoke, the roles that may, and the audit log.

use insta::assert_json_snapshot;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, BETO, CARLA, DAY, DIEGO, EVA, GLOBEX_WEBSITE, NOW, PRODUCTION, TestApp, body,
    key_path, keys_path, lasting_token, later, masked, message, stats_path,
};

const NOT_A_MEMBER: &str = "Access denied. User is not a member of this organization.";
const ROLE_TOO_LOW: &str = "Access denied. Owner or admin role required.";

fn rotate_path(key: &Value) -> String {
    key_path(ACME, key["id"].as_str().unwrap()) + "/rotate"
}

async fn rotate(app: &TestApp, key: &Value, grace_seconds: i64) -> Value {
    let asked = json!({ "graceSeconds": grace_seconds });
    body(app.post(ANA, &rotate_path(key), &asked).await, 200).await
}

/// The key as a GET returns it.
async fn read(app: &TestApp, key: &Value) -> Value {
    let path = key_path(ACME, key["id"].as_str().unwrap());
    app.json(ANA, &path).await
}

fn without_secret(key: &Value) -> Value {
    let mut key = key.clone();
    key.as_object_mut().unwrap().remove("key");
    key
}

#[tokio::test]
async fn create_returns_the_settings_and_the_secret_once() {
    let app = TestApp::demo().await;
    let asked = json!({
        "name": "Despliegue 🔑",
        "description": "Releases",
        "externalId": "customer-7",
        "metadata": { "z": 1, "a": { "plan": ["pro"] } },
        "scopes": ["releases:write", "a.b", "releases:write"],
        "rateLimit": { "limit": 100, "windowSeconds": 60 },
        "quota": { "limit": 10_000, "period": "month" },
        "expiresAt": "2026-02-01T01:00:00.0005+01:00",
    });
    let answer = app.post(BETO, &keys_path("acme-corp"), &asked).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let created = body(answer, 201).await;
    let volatile = ["/id", "/preview", "/key"];
    assert_json_snapshot!(masked(created.clone(), &volatile));
    let secret = created["key"].as_str().unwrap();
    assert_eq!(created["preview"], format!("sk_...{}", &secret[35..]));
    assert_eq!(
        app.key_of(&created["key"]).await.as_deref(),
        created["id"].as_str()
    );

    assert_eq!(app.json(CARLA, &location).await, without_secret(&created));
}

#[tokio::test]
async fn create_treats_absent_and_null_fields_alike() {
    let app = TestApp::demo().await;
    let nulls = json!({
        "name": "x",
        "description": null,
        "externalId": null,
        "metadata": null,
        "scopes": null,
        "rateLimit": null,
        "quota": null,
        "expiresAt": null,
    });
    let nulls = body(app.post(ANA, &keys_path(ACME), &nulls).await, 201).await;
    for key in [nulls, app.create_key(json!({})).await] {
        assert_eq!(key["scopes"], json!([]));
        assert_eq!(key["metadata"], json!({}));
        for field in [
            "description",
            "externalId",
            "rateLimit",
            "quota",
            "expiresAt",
        ] {
            assert_eq!(key[field], Value::Null, "{field}");
        }
    }
}

#[tokio::test]
async fn create_generates_a_new_id_and_secret_each_time() {
    let app = TestApp::demo().await;
    let (one, other) = (
        app.create_key(json!({})).await,
        app.create_key(json!({})).await,
    );
    assert_ne!(one["id"], other["id"]);
    assert_ne!(one["key"], other["key"]);
}

#[tokio::test]
async fn rotate_changes_only_the_secret() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    let stats = app.json(ANA, &stats_path(ACME)).await;
    let rotated = rotate(&app, &before, 3600).await;
    assert_ne!(rotated["preview"], before["preview"]);
    let mut expected = before.clone();
    expected["preview"] = rotated["preview"].clone();
    expected["previousSecretExpiresAt"] = json!(later(3_600_000).to_string());
    assert_eq!(without_secret(&rotated), expected);
    assert_eq!(read(&app, &before).await, expected);
    let mut after = app.json(ANA, &stats_path(ACME)).await;
    assert_eq!(after["mostRecentlyUsed"][0]["preview"], rotated["preview"]);
    after["mostRecentlyUsed"][0]["preview"] = before["preview"].clone();
    assert_eq!(after, stats);
}

#[tokio::test]
async fn rotate_keeps_the_old_secret_until_the_grace_ends() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let id = key["id"].as_str();
    let rotated = rotate(&app, &key, 60).await;
    for (now, works) in [(0, true), (59_999, true), (60_000, false), (DAY, false)] {
        app.set_clock(later(now));
        let old = app.key_of(&key["key"]).await;
        assert_eq!(old.as_deref(), id.filter(|_| works), "after {now} ms");
        assert_eq!(app.key_of(&rotated["key"]).await.as_deref(), id);
    }
}

#[tokio::test]
async fn rotate_sets_previous_secret_expires_at_while_that_secret_works() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    rotate(&app, &key, 60).await;
    let end = json!(later(60_000).to_string());
    for (now, expected) in [(0, &end), (59_999, &end), (60_000, &Value::Null)] {
        app.set_clock(later(now));
        let read = app.json(ANA, &path).await;
        let list = app.json(ANA, &keys_path(ACME)).await;
        assert_eq!(&read["previousSecretExpiresAt"], expected, "after {now} ms");
        assert_eq!(list["items"][0], read, "after {now} ms");
    }
    app.set_clock(later(0));
    let rotated = rotate(&app, &key, 0).await;
    assert_eq!(rotated["previousSecretExpiresAt"], Value::Null);
    rotate(&app, &key, 60).await;
    let revoked = body(app.delete(ANA, &path).await, 200).await;
    assert_eq!(revoked["previousSecretExpiresAt"], Value::Null);
}

#[tokio::test]
async fn rotate_ends_the_previous_secret_no_later_than_its_key() {
    let app = TestApp::demo().await;
    let expiry = later(1000).to_string();
    let asked = json!({ "name": "x", "expiresAt": expiry });
    let key = body(app.post(ANA, &keys_path(ACME), &asked).await, 201).await;
    let rotated = rotate(&app, &key, 60).await;
    assert_eq!(rotated["previousSecretExpiresAt"], json!(expiry));
}

#[tokio::test]
async fn rotate_without_grace_ends_the_old_secret_at_once() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    rotate(&app, &key, 0).await;
    assert_eq!(app.key_of(&key["key"]).await, None);
}

#[tokio::test]
async fn rotate_during_a_grace_period_is_refused_and_changes_nothing() {
    let app = TestApp::demo().await;
    let first = app.create_key(json!({})).await;
    let second = rotate(&app, &first, 60).await;
    let before = read(&app, &first).await;
    for millis in [0, 59_999] {
        app.set_clock(later(millis));
        let asked = json!({ "graceSeconds": 604_800 });
        let answer = app.post(ANA, &rotate_path(&first), &asked).await;
        let expected =
            "Rotation in progress. The previous secret works until 2026-01-15T12:01:00.000Z.";
        assert_eq!(message(answer, 409).await, expected);
        assert_eq!(read(&app, &first).await, before);
        for key in [&first, &second] {
            assert_eq!(
                app.key_of(&key["key"]).await.as_deref(),
                first["id"].as_str()
            );
        }
    }
    app.set_clock(later(60_000));
    let third = rotate(&app, &first, 60).await;
    assert_eq!(app.key_of(&first["key"]).await, None);
    for key in [&second, &third] {
        assert_eq!(
            app.key_of(&key["key"]).await.as_deref(),
            first["id"].as_str()
        );
    }
}

#[tokio::test]
async fn rotate_without_grace_ends_all_older_secrets() {
    let app = TestApp::demo().await;
    for replace_new in [false, true] {
        let first = app.create_key(json!({})).await;
        let second = rotate(&app, &first, 604_800).await;
        let asked = json!({ "graceSeconds": 0, "replaceNew": replace_new });
        let third = body(app.post(ANA, &rotate_path(&first), &asked).await, 200).await;
        // Also by a clock that is set back.
        for millis in [0, -1000] {
            app.set_clock(later(millis));
            assert_eq!(app.key_of(&first["key"]).await, None);
            assert_eq!(app.key_of(&second["key"]).await, None);
            assert_eq!(
                app.key_of(&third["key"]).await.as_deref(),
                first["id"].as_str()
            );
        }
    }
}

#[tokio::test]
async fn rotate_with_replace_new_ends_the_newest_secret_and_keeps_the_previous_one() {
    let app = TestApp::demo().await;
    let first = app.create_key(json!({})).await;
    let second = rotate(&app, &first, 60).await;
    app.set_clock(later(30_000));
    let asked = json!({ "graceSeconds": 3600, "replaceNew": true });
    let third = body(app.post(ANA, &rotate_path(&first), &asked).await, 200).await;
    let fourth = body(app.post(ANA, &rotate_path(&first), &asked).await, 200).await;
    let id = first["id"].as_str();
    for (millis, first_works) in [(30_000, true), (59_999, true), (60_000, false)] {
        app.set_clock(later(millis));
        let opens = app.key_of(&first["key"]).await;
        assert_eq!(opens.as_deref(), id.filter(|_| first_works), "{millis}");
        assert_eq!(app.key_of(&second["key"]).await, None);
        assert_eq!(app.key_of(&third["key"]).await, None);
        assert_eq!(app.key_of(&fourth["key"]).await.as_deref(), id);
    }
}

#[tokio::test]
async fn rotate_with_replace_new_outside_a_grace_period_keeps_the_newest_secret() {
    let app = TestApp::demo().await;
    let first = app.create_key(json!({})).await;
    let asked = json!({ "graceSeconds": 60, "replaceNew": true });
    let second = body(app.post(ANA, &rotate_path(&first), &asked).await, 200).await;
    let id = first["id"].as_str();
    assert_eq!(app.key_of(&first["key"]).await.as_deref(), id);
    assert_eq!(app.key_of(&second["key"]).await.as_deref(), id);
}

#[tokio::test]
async fn revoke_again_keeps_the_first_revocation_time() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    let before = app.json(ANA, &stats_path(ACME)).await;
    let revoked = body(app.delete(ANA, &path).await, 200).await;
    let mut expected = without_secret(&key);
    expected["status"] = json!("revoked");
    expected["revokedAt"] = json!(NOW.to_string());
    assert_eq!(revoked, expected);

    app.set_clock(later(1000));
    assert_eq!(body(app.delete(BETO, &path).await, 200).await, expected);
    assert_eq!(read(&app, &key).await, expected);
    let after = app.json(ANA, &stats_path(ACME)).await;
    let count = |stats: &Value, name: &str| stats[name].as_i64().unwrap();
    assert_eq!(count(&after, "totalKeys"), count(&before, "totalKeys"));
    assert_eq!(
        count(&after, "revokedKeys"),
        count(&before, "revokedKeys") + 1
    );
    assert_eq!(
        count(&after, "activeKeys"),
        count(&before, "activeKeys") - 1
    );
}

#[tokio::test]
async fn rotate_requires_an_active_key_and_revoke_does_not() {
    let app = TestApp::demo().await;
    let expiring = json!({ "name": "x", "expiresAt": later(1).to_string() });
    let key = body(app.post(ANA, &keys_path(ACME), &expiring).await, 201).await;
    app.set_clock(later(1));
    let grace = json!({ "graceSeconds": 0 });
    let answer = app.post(ANA, &rotate_path(&key), &grace).await;
    assert_eq!(message(answer, 409).await, "API key expired");
    assert_eq!(read(&app, &key).await["preview"], key["preview"]);

    let path = key_path(ACME, key["id"].as_str().unwrap());
    let revoked = body(app.delete(ANA, &path).await, 200).await;
    assert_eq!(revoked["status"], "revoked");
    let answer = app.post(ANA, &rotate_path(&key), &grace).await;
    assert_eq!(message(answer, 409).await, "API key revoked");
    assert_eq!(app.key_of(&key["key"]).await.as_deref(), key["id"].as_str());
}

#[tokio::test]
async fn managing_keys_requires_owner_or_admin() {
    let app = TestApp::demo().await;
    let grace = json!({ "graceSeconds": 0 });
    let name = json!({ "name": "x" });
    for (user, refused) in [
        (ANA, None),
        (BETO, None),
        (CARLA, Some(ROLE_TOO_LOW)),
        (DIEGO, Some(NOT_A_MEMBER)),
        (EVA, Some(NOT_A_MEMBER)),
    ] {
        let key = app.create_key(json!({})).await;
        let path = key_path(ACME, key["id"].as_str().unwrap());
        let answers = [
            (200, app.get(user, &keys_path(ACME)).await),
            (201, app.post(user, &keys_path(ACME), &name).await),
            (200, app.post(user, &rotate_path(&key), &grace).await),
            (200, app.delete(user, &path).await),
        ];
        for (status, answer) in answers {
            match refused {
                None => drop(body(answer, status).await),
                Some(expected) => assert_eq!(message(answer, 403).await, expected),
            }
        }
        let status = read(&app, &key).await["status"].clone();
        assert_eq!(status == "active", refused.is_some(), "{user}");
    }
    // A member's role may not tell them which keys there are elsewhere, or which there are not.
    for organization in ["globex", "no-such-slug"] {
        for answer in [
            app.get(CARLA, &keys_path(organization)).await,
            app.post(CARLA, &keys_path(organization), &name).await,
            app.delete(CARLA, &key_path(organization, GLOBEX_WEBSITE))
                .await,
        ] {
            assert_eq!(message(answer, 403).await, NOT_A_MEMBER);
        }
    }
}

#[tokio::test]
async fn rotate_and_revoke_of_a_foreign_key_are_a_404() {
    let app = TestApp::demo().await;
    let before = app.json(DIEGO, &key_path("globex", GLOBEX_WEBSITE)).await;
    let grace = json!({ "graceSeconds": 0 });
    for key in [
        GLOBEX_WEBSITE,
        "00000000-0000-4000-8000-000000000000",
        "not-an-id",
        "%00",
    ] {
        let path = key_path(ACME, key);
        let answers = [
            app.delete(ANA, &path).await,
            app.post(ANA, &(path + "/rotate"), &grace).await,
        ];
        for answer in answers {
            assert_eq!(message(answer, 404).await, "API key not found", "{key}");
        }
    }
    let after = app.json(DIEGO, &key_path("globex", GLOBEX_WEBSITE)).await;
    assert_eq!(after, before);
}

#[tokio::test]
async fn removed_member_cannot_manage_keys_from_the_next_request_on() {
    let app = TestApp::demo().await;
    app.other_connection()
        .execute("DELETE FROM memberships WHERE user_id = ?1", [BETO])
        .unwrap();
    let asked = json!({ "name": "x" });
    let answer = app.post(BETO, &keys_path(ACME), &asked).await;
    assert_eq!(message(answer, 403).await, NOT_A_MEMBER);
}

#[tokio::test]
async fn managing_keys_without_a_token_is_a_401_before_the_body_is_read() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    let asked = [
        (Method::GET, keys_path(ACME)),
        (Method::POST, keys_path(ACME)),
        (Method::POST, key_path(ACME, PRODUCTION) + "/rotate"),
        (Method::PATCH, key_path(ACME, PRODUCTION)),
        (Method::DELETE, key_path(ACME, PRODUCTION)),
    ];
    for (method, path) in asked {
        let request = app.request(method, &path).body("no JSON");
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer realm=\"llavero\""
        );
        message(answer, 401).await;
    }
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
}

#[tokio::test]
async fn change_without_an_audit_entry_is_rolled_back() {
    let app = TestApp::demo().await;
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    app.other_connection()
        .execute_batch("ALTER TABLE audit_log RENAME TO elsewhere")
        .unwrap();
    let asked = json!({ "name": "x" });
    let answer = app.post(ANA, &keys_path(ACME), &asked).await;
    assert_eq!(message(answer, 500).await, "Internal server error");
    let path = key_path(ACME, PRODUCTION);
    let answer = app.delete(ANA, &path).await;
    assert_eq!(message(answer, 500).await, "Internal server error");
    for asked in [json!({ "rateLimit": null }), json!({ "enabled": false })] {
        let answer = app.patch(ANA, &path, &asked).await;
        assert_eq!(message(answer, 500).await, "Internal server error");
    }
    assert_eq!(app.json(ANA, &path).await, key);
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
}

#[tokio::test]
async fn secret_is_only_in_the_response_that_creates_it() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let secret = key["key"].as_str().unwrap();
    for path in [
        key_path(ACME, key["id"].as_str().unwrap()),
        keys_path(ACME),
        stats_path(ACME),
    ] {
        let request = app.request(Method::GET, &path);
        let answer = request
            .bearer_auth(lasting_token(ANA))
            .send()
            .await
            .unwrap();
        assert!(!answer.text().await.unwrap().contains(secret), "{path}");
    }
}
