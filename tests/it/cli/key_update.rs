//! `llavero key update`, `disable` and `enable`: settings of a key from the command line.

use serde_json::{Value, json};

use crate::support::{ANA, Api, DATABASE, PRODUCTION, PRODUCTION_SECRET, TestDir};

const REVOKED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d04";

const ALL_FLAGS: [&str; 20] = [
    "--name",
    "N",
    "--description",
    "D",
    "--external-id",
    "E",
    "--metadata",
    r#"{ "a": [1] }"#,
    "--scope",
    "z",
    "--scope",
    "a",
    "--rate-limit",
    "5/1h",
    "--quota",
    "7/month",
    "--expires",
    "2100-01-01",
    "--json",
    "--database=llavero.db",
];

fn update(home: &TestDir, flags: &[&str]) -> Value {
    home.json(&[&["key", "update", PRODUCTION], flags].concat())
}

#[test]
fn key_update_changes_the_settings_with_flags_and_no_others() {
    let home = TestDir::demo();
    let before = home.json(&["key", "show", PRODUCTION]);
    let flags: Vec<&str> = ALL_FLAGS
        .into_iter()
        .filter(|flag| *flag != "--json")
        .collect();
    let updated = update(&home, &flags);
    let mut expected = before.clone();
    for (field, value) in [
        ("name", json!("N")),
        ("description", json!("D")),
        ("externalId", json!("E")),
        ("metadata", json!({ "a": [1] })),
        ("scopes", json!(["a", "z"])),
        ("rateLimit", json!({ "limit": 5, "windowSeconds": 3600 })),
        ("expiresAt", json!("2100-01-01T00:00:00.000Z")),
        ("quota", updated["quota"].clone()),
    ] {
        assert_ne!(before[field], value, "{field}");
        expected[field] = value;
    }
    assert_eq!(updated, expected);
    assert_eq!(updated["quota"]["limit"], 7);
    assert_eq!(updated["quota"]["period"], "month");
    assert_eq!(home.json(&["key", "show", PRODUCTION]), updated);

    let renamed = update(&home, &["--name", "M"]);
    expected["name"] = json!("M");
    assert_eq!(renamed, expected);
    let outcome = home.run(&["key", "update", PRODUCTION, "--name", "Table"]);
    let text = outcome.success();
    assert!(text.contains("Name") && text.contains("Table"), "{text}");
}

#[test]
fn key_update_removes_settings_with_none_and_never() {
    let home = TestDir::demo();
    update(
        &home,
        &[
            "--expires",
            "90d",
            "--quota",
            "1/day",
            "--metadata",
            "{\"a\":1}",
            "--external-id",
            "e",
        ],
    );
    let updated = update(
        &home,
        &[
            "--description",
            "none",
            "--external-id",
            "none",
            "--metadata",
            "none",
            "--scope",
            "none",
            "--rate-limit",
            "none",
            "--quota",
            "none",
            "--expires",
            "never",
        ],
    );
    for field in [
        "description",
        "externalId",
        "rateLimit",
        "quota",
        "expiresAt",
    ] {
        assert_eq!(updated[field], Value::Null, "{field}");
    }
    assert_eq!(updated["metadata"], json!({}));
    assert_eq!(updated["scopes"], json!([]));
}

#[test]
fn key_update_is_recorded_with_what_it_changed() {
    let home = TestDir::demo();
    update(&home, &["--name", "N"]);
    update(&home, &["--name", "N"]);
    for command in ["disable", "disable", "enable", "enable"] {
        home.json(&["key", command, PRODUCTION]);
    }
    let log = home.json(&["audit", "--org", "acme-corp"]);
    let log: Vec<&Value> = log.as_array().unwrap().iter().collect();
    let actions: Vec<&Value> = log.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["key.updated", "key.disabled", "key.enabled"]);
    let changes = json!({ "name": { "from": "Production server", "to": "N" } });
    assert_eq!(log[0]["changes"], changes);
    for entry in log {
        assert_eq!(entry["keyId"], PRODUCTION);
    }
}

#[test]
fn key_update_and_disable_take_effect_at_a_running_server() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let guard = Api::with_key(&server.api, PRODUCTION_SECRET);
    let api = server.api(&home.token(ANA, &[]));
    let path = format!("/organizations/acme-corp/api-keys/{PRODUCTION}");
    assert_eq!(guard.validate("?scope=invoices:write").status, 200);

    let updated = update(&home, &["--scope", "invoices:read"]);
    assert_eq!(api.get(&path).json()["scopes"], updated["scopes"]);
    assert_eq!(guard.validate("?scope=invoices:write").status, 403);
    assert_eq!(guard.validate("?scope=invoices:read").status, 200);

    let disabled = home.json(&["key", "disable", PRODUCTION]);
    assert_eq!(disabled["status"], "disabled");
    let refused = guard.validate("");
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("API key disabled"), "{refused:?}");
    let enabled = home.json(&["key", "enable", PRODUCTION]);
    assert_eq!(enabled["status"], "active");
    assert_eq!(guard.validate("").status, 200);

    update(&home, &["--rate-limit", "1/1h"]);
    assert_eq!(guard.validate("").status, 429);
    update(&home, &["--rate-limit", "none"]);
    assert_eq!(guard.validate("").status, 200);
}

#[test]
fn key_update_of_a_revoked_key_is_exit_code_1() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for args in [
        &["key", "update", REVOKED, "--name", "x"][..],
        &["key", "disable", REVOKED],
        &["key", "enable", REVOKED],
    ] {
        let outcome = home.run(args);
        let line = outcome.failure(1);
        assert!(
            line.contains(REVOKED) && line.contains("is revoked"),
            "{line}"
        );
    }
    let unknown = "00000000-0000-4000-8000-000000000000";
    let outcome = home.run(&["key", "update", unknown, "--name", "x"]);
    assert!(
        outcome.failure(1).contains("no API key has the id"),
        "{outcome:?}"
    );
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn key_update_with_wrong_flags_is_exit_code_2_and_changes_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for (flags, words) in [
        (&[][..], "no setting to change"),
        (&["--json"], "no setting to change"),
        (&["--name", " "], "not only white space"),
        (&["--external-id", ""], "1 to 255"),
        (&["--metadata", "[1]"], "must be an object"),
        (&["--metadata", r#"{"a":1,"a":1}"#], "duplicate member: a"),
        (&["--scope", "none", "--scope", "a"], "--scope none"),
        (&["--scope", "not ok"], "--scope"),
        (&["--rate-limit", "1/32d"], "31d"),
        (&["--quota", "1/year"], "10000/month"),
        (&["--expires", "2020-01-01"], "in the future"),
        (&["--expires", "none"], "90d"),
        (&["--enabled", "false"], "--enabled"),
    ] {
        let outcome = home.run(&[&["key", "update", PRODUCTION], flags].concat());
        let line = outcome.failure(2);
        assert!(line.contains(words), "{words:?} is not in {line}");
    }
    let secret = home.run(&["key", "update", PRODUCTION_SECRET, "--name", "x"]);
    assert!(secret.failure(2).contains("key show -"), "{secret:?}");
    assert!(home.dump(DATABASE) == before);
}
