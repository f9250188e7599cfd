//! What a restore applies again, and when it applies nothing.

use std::fs;

use serde_json::{Value, json};

use super::{COPY, assert_whole, back_up, create_key, id, restore};
use crate::support::{Api, DATABASE, TestDir};

/// Restores, and returns the lines about changes that were applied again.
fn applied(home: &TestDir) -> Vec<String> {
    let lines = restore(home, &[]);
    assert_whole(home, DATABASE);
    let again = lines
        .iter()
        .filter_map(|line| line.strip_prefix("applied again: acme-corp: "));
    again.map(str::to_owned).collect()
}

fn show(home: &TestDir, key: &Value) -> Value {
    home.json(&["key", "show", id(key)])
}

/// The newest action in the audit log.
fn last_action(home: &TestDir) -> Value {
    let log = home.json(&["audit", "--org", "acme-corp"]);
    let last = log.as_array().and_then(|log| log.last()).unwrap();
    assert_eq!(last["actor"], json!({ "type": "cli" }));
    last["action"].clone()
}

#[test]
fn restore_revokes_again() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    home.run(&["key", "revoke", id(&key)]).success();
    assert_eq!(
        applied(&home),
        [format!("key {} (deploy): revoked", id(&key))]
    );
    assert_eq!(show(&home, &key)["status"], "revoked");
    assert_eq!(last_action(&home), "key.revoked");
}

#[test]
fn restore_disables_again() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    home.run(&["key", "disable", id(&key)]).success();
    assert_eq!(
        applied(&home),
        [format!("key {} (deploy): disabled", id(&key))]
    );
    assert_eq!(show(&home, &key)["status"], "disabled");
    assert_eq!(last_action(&home), "key.disabled");
}

#[test]
fn restore_removes_scopes_again_and_adds_none() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    home.run(&["key", "update", id(&key), "--scope", "b", "--scope", "c"])
        .success();
    assert_eq!(
        applied(&home),
        [format!("key {} (deploy): scopes removed: a", id(&key))]
    );
    assert_eq!(show(&home, &key)["scopes"], json!(["b"]));
    assert_eq!(last_action(&home), "key.updated");
}

#[test]
fn restore_brings_an_expiry_forward_again_and_never_back() {
    let home = TestDir::demo();
    let keys = ["2090-01-01T00:00:00Z", "2070-01-01T00:00:00Z"].map(|expiry| {
        home.json(&[
            "key",
            "create",
            "--org",
            "acme-corp",
            "--name",
            "x",
            "--expires",
            expiry,
        ])
    });
    let unlimited = create_key(&home, "y");
    back_up(&home);
    for key in keys.iter().chain([&unlimited]) {
        home.run(&[
            "key",
            "update",
            id(key),
            "--expires",
            "2080-01-01T00:00:00Z",
        ])
        .success();
    }
    assert_eq!(applied(&home).len(), 2);
    let expiry = |key| show(&home, key)["expiresAt"].clone();
    assert_eq!(expiry(&keys[0]), "2080-01-01T00:00:00.000Z");
    assert_eq!(expiry(&keys[1]), "2070-01-01T00:00:00.000Z");
    assert_eq!(expiry(&unlimited), "2080-01-01T00:00:00.000Z");
}

/// The status of a validation with each secret.
fn validate(home: &TestDir, secrets: &[&str]) -> Vec<u16> {
    let server = home.serve(&[]);
    let statuses = secrets
        .iter()
        .map(|secret| {
            Api::with_key(&server.api, secret)
                .try_validate()
                .unwrap()
                .status
        })
        .collect();
    server.stop();
    statuses
}

#[test]
fn restore_rotates_again_and_keeps_the_end_of_the_previous_secret() {
    let home = TestDir::demo();
    let (at_once, graceful) = (create_key(&home, "x"), create_key(&home, "y"));
    back_up(&home);
    let rotate = |key: &Value, grace: &str| {
        let rotated = home.json(&["key", "rotate", id(key), "--grace", grace]);
        rotated["key"].as_str().unwrap().to_owned()
    };
    let new = [rotate(&at_once, "0s"), rotate(&graceful, "7d")];
    let before = show(&home, &graceful)["previousSecretExpiresAt"].clone();
    let rotated = applied(&home);
    assert_eq!(rotated.len(), 2, "{rotated:?}");
    assert!(rotated.iter().all(|line| line.ends_with(": rotated")));
    assert_eq!(show(&home, &graceful)["previousSecretExpiresAt"], before);
    let old = [&at_once, &graceful].map(|key| key["key"].as_str().unwrap());
    let secrets = [old[0], &new[0], old[1], &new[1]];
    assert_eq!(validate(&home, &secrets), [401, 200, 200, 200]);
    assert_eq!(last_action(&home), "key.rotated");
}

#[test]
fn restore_removes_members_and_lowers_roles_again_and_raises_none() {
    let home = TestDir::demo();
    let member = |action: &str, user: &str, more: &[&str]| {
        let args = [
            &["member", action, "--user", user, "--org", "acme-corp"],
            more,
        ]
        .concat();
        home.run(&args)
    };
    for (user, role) in [
        ("gone", "admin"),
        ("lowered", "owner"),
        ("raised", "member"),
    ] {
        assert!(member("add", user, &["--role", role]).status.success());
    }
    back_up(&home);
    assert!(member("remove", "gone", &[]).status.success());
    assert!(
        member("add", "lowered", &["--role", "member"])
            .status
            .success()
    );
    assert!(
        member("add", "raised", &["--role", "owner"])
            .status
            .success()
    );
    assert!(member("add", "new", &["--role", "owner"]).status.success());
    assert_eq!(
        applied(&home),
        ["member gone: removed", "member lowered: role member"]
    );
    let list = home.json(&["member", "list", "--org", "acme-corp"]);
    let role = |user: &str| {
        let members = list.as_array().unwrap().iter();
        let mut found =
            members.filter(|member| member.to_string().contains(&format!("\"{user}\"")));
        found.next().map(|member| member["role"].clone())
    };
    assert_eq!(role("gone"), None);
    assert_eq!(role("new"), None);
    assert_eq!(role("lowered"), Some(json!("member")));
    assert_eq!(role("raised"), Some(json!("member")));
    assert_eq!(last_action(&home), "member.changed");
}

#[test]
fn restore_names_an_organization_that_has_no_owner_afterwards() {
    let home = TestDir::new();
    let created = home.run(&["org", "create", "--name", "Acme Corp"]);
    assert!(created.status.success(), "{created:?}");
    let add = |user| {
        home.run(&[
            "member",
            "add",
            "--user",
            user,
            "--org",
            "acme-corp",
            "--role",
            "owner",
        ])
    };
    assert!(add("first").status.success());
    back_up(&home);
    assert!(add("second").status.success());
    assert!(
        home.run(&["member", "remove", "--user", "first", "--org", "acme-corp"])
            .status
            .success()
    );
    let lines = restore(&home, &[]);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("acme-corp has no owner then")),
        "{lines:?}"
    );
}

#[test]
fn restore_as_it_was_applies_nothing() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    home.run(&["key", "revoke", id(&key)]).success();
    assert_eq!(restore(&home, &["--as-it-was"]).len(), 3);
    assert!(home.dump(DATABASE) == home.dump(COPY));
}

#[test]
fn restore_over_a_branch_or_another_database_applies_nothing_and_says_so() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    home.run(&["backup", "base.db"]).success();
    create_key(&home, "only in the copy");
    back_up(&home);
    // A branch: the older copy, in which other things happened since.
    restore_from(&home, "base.db");
    home.run(&["key", "revoke", id(&key)]).success();
    let lines = restore(&home, &[]);
    assert!(lines[1].contains("a branch of this database"), "{lines:?}");
    assert!(home.dump(DATABASE) == home.dump(COPY));
    // Another one: a database that was created anew.
    for file in home
        .files()
        .iter()
        .filter(|name| name.starts_with(DATABASE))
    {
        fs::remove_file(home.path(file)).unwrap();
    }
    let created = home.run(&["org", "create", "--name", "Acme Corp"]);
    assert!(created.status.success(), "{created:?}");
    let lines = restore(&home, &[]);
    assert!(lines[1].contains("another llavero database"), "{lines:?}");
    assert!(home.dump(DATABASE) == home.dump(COPY));
}

fn restore_from(home: &TestDir, copy: &str) {
    home.run(&["restore", copy, "--as-it-was"]).success();
}

#[test]
fn restore_over_an_earlier_state_applies_nothing() {
    let home = TestDir::demo();
    home.run(&["backup", "earlier.db"]).success();
    create_key(&home, "x");
    back_up(&home);
    restore_from(&home, "earlier.db");
    let lines = restore(&home, &[]);
    assert!(lines[1].contains("an earlier state"), "{lines:?}");
    assert!(home.dump(DATABASE) == home.dump(COPY));
}

#[test]
fn restore_twice_applies_the_same_again() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    home.run(&["key", "revoke", id(&key)]).success();
    assert_eq!(applied(&home), applied(&home));
    assert_eq!(show(&home, &key)["status"], "revoked");
}

#[test]
fn restore_counts_the_uses_that_are_lost() {
    let home = TestDir::demo();
    let key = create_key(&home, "deploy");
    back_up(&home);
    let secret = key["key"].as_str().unwrap();
    assert_eq!(validate(&home, &[secret, secret, secret]), [200; 3]);
    let lines = restore(&home, &[]);
    assert_eq!(
        lines[1],
        "lost since the copy: 0 audit entries, 0 organizations, 0 keys, 3 uses"
    );
}
