//! One key: every field, in order, and its state over time.

use insta::assert_json_snapshot;
use llavero::model::Timestamp;
use serde_json::{Value, json};

use crate::support::{ACME, ANA, NOW, PRODUCTION, TestApp, key_path, stats_path};

/// Demo keys by their last two digits.
fn demo_key(n: u8) -> String {
    format!("{}{n:02x}", &PRODUCTION[..34])
}

#[tokio::test]
async fn key_has_all_fields_in_the_documented_order() {
    let app = TestApp::demo().await;
    assert_json_snapshot!(app.json(ANA, &key_path(ACME, PRODUCTION)).await);
}

#[tokio::test]
async fn key_sends_absent_values_as_null() {
    let app = TestApp::demo().await;
    let never_used = app.json(ANA, &key_path(ACME, &demo_key(2))).await;
    assert_eq!(never_used["lastUsedAt"], Value::Null);
    assert_eq!(
        never_used["usage"],
        json!({ "totalRequests": 0, "successfulRequests": 0, "rateLimitHits": 0, "errors": 0 })
    );
    let unlimited = app.json(ANA, &key_path(ACME, &demo_key(7))).await;
    assert_eq!(unlimited["rateLimit"], Value::Null);
    let undescribed = app.json(ANA, &key_path(ACME, &demo_key(8))).await;
    assert_eq!(undescribed["description"], Value::Null);
    for key in [never_used, unlimited, undescribed] {
        assert_eq!(key.as_object().unwrap().len(), 18, "{key}");
    }
}

#[tokio::test]
async fn key_is_found_by_slug_and_by_ids_in_upper_or_lower_case() {
    let app = TestApp::demo().await;
    let by_id = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    for (organization, key) in [
        ("acme-corp", PRODUCTION.to_owned()),
        ("acme-corp", PRODUCTION.to_uppercase()),
        (&*ACME.to_uppercase(), PRODUCTION.to_uppercase()),
    ] {
        assert_eq!(app.json(ANA, &key_path(organization, &key)).await, by_id);
    }
}

#[tokio::test]
async fn key_expires_at_the_millisecond_of_expires_at() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, &demo_key(8));
    let in_60_days = NOW.as_millis() + 60 * 86_400_000;
    for (now, status) in [(in_60_days - 1, "active"), (in_60_days, "expired")] {
        app.set_clock(Timestamp::from_millis(now));
        let key = app.json(ANA, &path).await;
        assert_eq!(key["status"], status, "{key}");
        assert_eq!(key["expiresAt"], "2026-03-16T12:00:00.000Z");
    }
}

#[tokio::test]
async fn key_revoked_and_expired_is_revoked() {
    let app = TestApp::demo().await;
    let expired = app.json(ANA, &key_path(ACME, &demo_key(5))).await;
    assert_eq!(expired["status"], "expired");
    app.other_connection()
        .execute(
            "UPDATE api_keys SET revoked_at = ?1 WHERE id = ?2",
            (NOW.as_millis(), demo_key(5)),
        )
        .unwrap();
    let revoked = app.json(ANA, &key_path(ACME, &demo_key(5))).await;
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(revoked["revokedAt"], "2026-01-15T12:00:00.000Z");
}

#[tokio::test]
async fn key_changed_by_another_program_is_seen_by_the_next_request() {
    let app = TestApp::demo().await;
    let other = app.other_connection();
    for round in 0..20 {
        let name = format!("Renamed {round}");
        other
            .execute(
                "UPDATE api_keys SET name = ?1 WHERE id = ?2",
                (&name, PRODUCTION),
            )
            .unwrap();
        assert_eq!(
            app.json(ANA, &key_path(ACME, PRODUCTION)).await["name"],
            name
        );
    }
}

#[tokio::test]
async fn name_of_only_white_space_from_an_earlier_version_is_still_read() {
    let app = TestApp::demo().await;
    let rename = "UPDATE api_keys SET name = ' ' WHERE id = ?1";
    app.other_connection()
        .execute(rename, [PRODUCTION])
        .unwrap();
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["name"], " ");
    app.json(ANA, &stats_path(ACME)).await;
}
