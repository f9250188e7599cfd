//! Tests of the decision: each setting replaced and removed, the pause, and the entries of the audit log.
//!
//! Time is in milliseconds, and [`NOW`] is the instant of every update.

use super::{
    super::{QuotaPeriod, QuotaState},
    *,
};

const NOW: Timestamp = Timestamp::from_millis(1000);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A key with every setting.
fn key() -> ApiKey {
    ApiKey {
        description: Description::new("d"),
        external_id: ExternalId::new("e"),
        metadata: metadata(r#"{"a":1,"b":[2]}"#),
        scopes: Scopes::new(&["s"]).unwrap(),
        rate_limit: RateLimit::new(1, 60),
        quota: Quota::new(2, QuotaPeriod::Day).map(|quota| QuotaState {
            quota,
            used: 7,
            resets_at: at(86_400_000),
        }),
        expires_at: Some(at(2000)),
        ..ApiKey::named("n")
    }
}

fn metadata(json: &str) -> Metadata {
    serde_json::from_str(json).unwrap()
}

fn decide(key: &ApiKey, update: &KeyUpdate) -> Updated {
    update.decide(key, NOW).unwrap()
}

/// An update that sets every setting, and what the audit log says about it.
fn everything() -> (KeyUpdate, Value) {
    let update = KeyUpdate {
        name: Name::new("N"),
        description: Edit::Set(Description::new("D").unwrap()),
        external_id: Edit::Set(ExternalId::new("E").unwrap()),
        metadata: Edit::Set(metadata(r#"{"b":[2]}"#)),
        scopes: Scopes::new(&["z", "a"]),
        rate_limit: Edit::Set(RateLimit::new(1, 61).unwrap()),
        quota: Edit::Set(Quota::new(2, QuotaPeriod::Month).unwrap()),
        expires_at: Edit::Set(at(3000)),
        enabled: Some(false),
    };
    let changes = json!({
        "name": { "from": "n", "to": "N" },
        "description": { "from": "d", "to": "D" },
        "externalId": { "from": "e", "to": "E" },
        "metadata": { "from": { "a": 1, "b": [2] }, "to": { "b": [2] } },
        "scopes": { "from": ["s"], "to": ["a", "z"] },
        "rateLimit": {
            "from": { "limit": 1, "windowSeconds": 60 },
            "to": { "limit": 1, "windowSeconds": 61 },
        },
        "quota": {
            "from": { "limit": 2, "period": "day" },
            "to": { "limit": 2, "period": "month" },
        },
        "expiresAt": { "from": "1970-01-01T00:00:02.000Z", "to": "1970-01-01T00:00:03.000Z" },
    });
    (update, changes)
}

/// An update that removes every setting that a key may lack.
fn removal() -> KeyUpdate {
    KeyUpdate {
        description: Edit::Remove,
        external_id: Edit::Remove,
        metadata: Edit::Remove,
        scopes: Some(Scopes::default()),
        rate_limit: Edit::Remove,
        quota: Edit::Remove,
        expires_at: Edit::Remove,
        ..KeyUpdate::default()
    }
}

#[test]
fn decide_replaces_settings_and_names_each_change() {
    let (update, changes) = everything();
    let updated = decide(&key(), &update);
    assert_eq!(updated.changes.to_json(), changes);
    let fields: Vec<&str> = updated.changes.iter().map(|(field, ..)| field).collect();
    assert_eq!(fields.len(), 8);
    assert_eq!(fields[..3], ["name", "description", "externalId"]);
    assert_eq!(updated.settings.name.as_str(), "N");
    assert_eq!(updated.settings.expires_at, Some(at(3000)));
    assert_eq!(updated.disabled_at, Some(NOW));
    let again = ApiKey {
        name: updated.settings.name.clone(),
        ..key()
    };
    let rename = KeyUpdate {
        name: update.name,
        ..KeyUpdate::default()
    };
    assert_eq!(decide(&again, &rename).events(), []);
}

#[test]
fn decide_removes_settings() {
    let updated = decide(&key(), &removal());
    let bare = KeySettings::named(Name::new("n").unwrap());
    assert_eq!(updated.settings, bare);
    let changes = updated.changes.to_json();
    for (field, to) in [
        ("description", Value::Null),
        ("externalId", Value::Null),
        ("metadata", json!({})),
        ("scopes", json!([])),
        ("rateLimit", Value::Null),
        ("quota", Value::Null),
        ("expiresAt", Value::Null),
    ] {
        assert_eq!(changes[field]["to"], to, "{field}");
        assert_ne!(changes[field]["from"], to, "{field}");
    }
    assert_eq!(changes.as_object().unwrap().len(), 7);
}

#[test]
fn decide_records_nothing_if_nothing_changes() {
    let bare = ApiKey::named("n");
    for (key, update) in [
        (key(), KeyUpdate::default()),
        (bare.clone(), removal()),
        (
            key(),
            KeyUpdate {
                name: Name::new("n"),
                // The order of an object's members has no meaning.
                metadata: Edit::Set(metadata(r#"{"b":[2],"a":1}"#)),
                scopes: Scopes::new(&["s", "s"]),
                rate_limit: Edit::Set(RateLimit::new(1, 60).unwrap()),
                enabled: Some(true),
                ..KeyUpdate::default()
            },
        ),
    ] {
        let updated = decide(&key, &update);
        assert_eq!(updated.events(), [], "{update:?}");
        assert_eq!(updated.settings, key.settings());
    }
}

#[test]
fn decide_disables_and_enables_in_any_status_but_revoked() {
    for expires_at in [None, Some(at(1000)), Some(at(1001))] {
        for (disabled_at, enabled, expected, switch) in [
            (None, false, Some(NOW), Some(Switch::Disable)),
            (None, true, None, None),
            (Some(at(5)), false, Some(at(5)), None),
            (Some(at(5)), true, None, Some(Switch::Enable)),
        ] {
            let key = ApiKey {
                expires_at,
                disabled_at,
                ..ApiKey::named("n")
            };
            let update = KeyUpdate {
                enabled: Some(enabled),
                ..KeyUpdate::default()
            };
            let updated = decide(&key, &update);
            assert_eq!((updated.disabled_at, updated.switch), (expected, switch));
        }
    }
    let revoked = ApiKey {
        revoked_at: Some(at(1)),
        ..key()
    };
    for update in [KeyUpdate::default(), everything().0] {
        let refused = update.decide(&revoked, NOW);
        assert_eq!(refused, Err(UpdateRefused::Revoked));
    }
}

#[test]
fn events_are_the_update_before_the_switch() {
    let (update, _) = everything();
    let updated = decide(&key(), &update);
    let changes = updated.changes.clone();
    assert_eq!(
        updated.events(),
        [KeyEvent::Updated(changes), KeyEvent::Disabled]
    );
    let disabled = ApiKey {
        disabled_at: Some(at(1)),
        ..key()
    };
    let enable = KeyUpdate {
        enabled: Some(true),
        ..KeyUpdate::default()
    };
    assert_eq!(decide(&disabled, &enable).events(), [KeyEvent::Enabled]);
}
