//! `llavero member`: who belongs to an organization, as a running server sees it from the next request on.

use serde_json::{Value, json};

use crate::support::{ANA, CARLA, DATABASE, EVA, STATS_PATH, TestDir};

fn members(home: &TestDir, organization: &str) -> Vec<(String, String)> {
    let list = home.json(&["member", "list", "--org", organization]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (list.as_array().unwrap().iter())
        .map(|member| (text(&member["userId"]), text(&member["role"])))
        .collect()
}

#[test]
fn member_add_list_and_remove_print_the_member() {
    let home = TestDir::demo();
    let added = home.json(&[
        "member", "add", "--org", "globex", "--user", EVA, "--role", "admin",
    ]);
    let expected = json!({ "userId": EVA, "role": "admin", "createdAt": added["createdAt"] });
    assert_eq!(added, expected);
    assert!(members(&home, "globex").contains(&(EVA.to_owned(), "admin".to_owned())));
    let removed = home.json(&["member", "remove", "--org", "globex", "--user", EVA]);
    assert_eq!(removed, added);
    assert_eq!(members(&home, "globex").len(), 1);
}

#[test]
fn member_added_again_keeps_role_and_date() {
    let home = TestDir::demo();
    for (user, role) in [(EVA, "member"), (EVA, "member"), (ANA, "owner")] {
        let added = home.json(&["member", "add", "--org", "acme-corp", "--user", user]);
        assert_eq!(added["role"], role);
    }
    let line = home.run(&["member", "add", "--org", "acme-corp", "--user", ANA]);
    assert_eq!(
        line.success(),
        format!("{ANA} is already owner of acme-corp\n")
    );
}

#[test]
fn member_add_with_a_role_changes_it() {
    let home = TestDir::demo();
    let before = home.json(&["member", "list", "--org", "acme-corp"]);
    let args = [
        "member",
        "add",
        "--org",
        "acme-corp",
        "--user",
        CARLA,
        "--role",
        "admin",
    ];
    let changed = home.json(&args);
    let since = |list: &Value| {
        let mut members = list.as_array().unwrap().iter();
        let carla = members.find(|member| member["userId"] == CARLA).unwrap();
        carla["createdAt"].clone()
    };
    assert_eq!(changed["role"], "admin");
    assert_eq!(changed["createdAt"], since(&before));
}

#[test]
fn member_failures_are_exit_code_1_and_usage_errors_2() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    let not_a_member = home.run(&["member", "remove", "--org", "acme-corp", "--user", EVA]);
    assert!(
        not_a_member
            .failure(1)
            .contains("not a member of acme-corp")
    );
    let unknown = home.run(&["member", "add", "--org", "acme-crop", "--user", EVA]);
    let line = unknown.failure(1);
    assert!(
        line.contains("acme-crop; similar slugs: acme-corp"),
        "{line}"
    );
    let shouted = home.run(&["member", "list", "--org", "ACME CORP"]);
    assert!(shouted.failure(1).contains("acme-corp"), "{shouted:?}");
    let nothing_like_it = home.run(&["member", "list", "--org", "zzz"]);
    assert!(nothing_like_it.failure(1).contains("llavero org list"));
    home.run(&["member", "list", "--org", ""]).failure(2);
    for args in [
        &[
            "member",
            "add",
            "--org",
            "acme-corp",
            "--user",
            EVA,
            "--role",
            "boss",
        ][..],
        &["member", "add", "--org", "acme-corp", "--user", ""],
        &["member", "add", "--org", "acme-corp"],
        &["member", "list"],
    ] {
        home.run(args).failure(2);
    }
    let boss = home.run(&[
        "member",
        "add",
        "--org",
        "acme-corp",
        "--user",
        EVA,
        "--role",
        "boss",
    ]);
    assert!(boss.failure(2).contains("owner, admin, member"));
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn member_of_an_unknown_organization_names_org_create() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    let outcome = home.run(&["member", "list", "--org", "acme"]);
    assert!(outcome.failure(1).contains("llavero org create"));
}

/// Anchors: a membership that a command ends grants nothing in any request that starts after the command has
/// ended; a key that a command revokes is revoked in it.
fn rounds(count: usize) {
    let home = TestDir::new();
    let server = home.serve_long(&["--demo"]);
    let api = server.api(&home.token(EVA, &[]));
    let user = ["--org", "acme-corp", "--user", EVA];
    for round in 0..count {
        home.run(&[&["member", "add"], &user[..]].concat())
            .success();
        assert_eq!(api.get(STATS_PATH).status, 200, "round {round}");
        let key = home.json(&["key", "create", "--org", "acme-corp", "--name", "x"]);
        let id = key["id"].as_str().unwrap();
        let path = format!("/organizations/acme-corp/api-keys/{id}");
        assert_eq!(api.get(&path).json()["status"], "active", "round {round}");
        home.run(&["key", "revoke", id]).success();
        assert_eq!(api.get(&path).json()["status"], "revoked", "round {round}");
        home.run(&[&["member", "remove"], &user[..]].concat())
            .success();
        assert_eq!(api.get(STATS_PATH).status, 403, "round {round}");
    }
}

#[test]
fn member_changes_apply_from_the_next_request_on() {
    rounds(20);
}

#[test]
#[ignore = "takes a minute or two; CI runs it"]
fn member_changes_apply_from_the_next_request_on_a_thousand_times() {
    rounds(1000);
}
