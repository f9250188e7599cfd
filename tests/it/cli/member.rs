//! `llavero member`: who belongs to an organization, as a running server sees it from the next request on.

use serde_json::{Value, json};

use crate::support::{ACME, ANA, CARLA, DATABASE, EVA, STATS_PATH, TestDir};

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
    let mut expected = added;
    expected["activeKeysCreated"] = json!(0);
    assert_eq!(removed, expected);
    assert_eq!(members(&home, "globex").len(), 1);
}

#[test]
fn member_list_of_a_user_has_the_organizations_and_roles() {
    let home = TestDir::demo();
    let list = |user: &str| home.json(&["member", "list", "--user", user]);
    let memberships = list(ANA);
    let expected = json!([
        {
            "organizationId": ACME,
            "slug": "acme-corp",
            "name": "Acme Corp",
            "role": "owner",
            "createdAt": memberships[0]["createdAt"]
        },
        {
            "organizationId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "slug": "initech",
            "name": "Initech",
            "role": "owner",
            "createdAt": memberships[1]["createdAt"]
        }
    ]);
    assert_eq!(memberships, expected);
    assert_eq!(list(EVA), json!([]));
    let since = &memberships[0]["createdAt"].as_str().unwrap()[..10];
    let outcome = home.run(&["member", "list", "--user", ANA]);
    let rows: Vec<Vec<&str>> = (outcome.success().lines())
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["SLUG", "NAME", "ROLE", "SINCE"]);
    assert_eq!(rows[1], ["acme-corp", "Acme", "Corp", "owner", since]);
}

#[test]
fn member_list_needs_an_organization_or_a_user() {
    let home = TestDir::demo();
    let line = home.run(&["member", "list"]).failure(2).to_owned();
    assert!(line.contains("--org") && line.contains("--user"), "{line}");
    let both = ["member", "list", "--org", "acme-corp", "--user", ANA];
    let line = home.run(&both).failure(2).to_owned();
    assert!(line.contains("--org") && line.contains("--user"), "{line}");
}

#[test]
fn member_remove_tells_how_many_active_keys_the_member_created() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let user = ["--org", "initech", "--user", EVA];
    let add = [&["member", "add", "--role", "admin"], &user[..]].concat();
    home.run(&add).success();
    let api = server.api(&home.token(EVA, &[]));
    let keys = "/organizations/initech/api-keys";
    let create = |settings: Value| {
        let key = api.post(keys, &settings).json();
        key["id"].as_str().unwrap().to_owned()
    };
    let [_, revoked, expired] = ["a", "b", "c"].map(|name| create(json!({ "name": name })));
    home.run(&["key", "revoke", &revoked]).success();
    let expire = "UPDATE api_keys SET expires_at = created_at WHERE id = ?1";
    home.sqlite(DATABASE).execute(expire, [&expired]).unwrap();
    home.json(&[
        "key",
        "create",
        "--org",
        "initech",
        "--name",
        "of the operator",
    ]);
    let remove = [&["member", "remove"], &user[..]].concat();
    let removed = home.run(&remove);
    let expected = format!(
        "{EVA} is no longer admin of initech\n1 active key was created by {EVA} and stays active\n"
    );
    assert_eq!(removed.success(), expected);

    home.run(&add).success();
    create(json!({ "name": "d" }));
    assert_eq!(home.json(&remove)["activeKeysCreated"], 2);
    let stats = server.get(&home.token(ANA, &[]), &format!("{keys}/stats"));
    assert_eq!(stats.json()["totalKeys"], 5);
}

#[test]
fn last_owner_is_removed_or_demoted_only_with_force() {
    let home = TestDir::demo();
    let ana = ["--org", "acme-corp", "--user", ANA];
    let remove = [&["member", "remove"], &ana[..]].concat();
    let demote = [&["member", "add", "--role", "admin"], &ana[..]].concat();
    let before = home.dump(DATABASE);
    for args in [&remove, &demote] {
        let outcome = home.run(args);
        let line = outcome.failure(1);
        for words in [
            "last owner of acme-corp",
            "make another member owner",
            "--force",
        ] {
            assert!(line.contains(words), "{line}");
        }
    }
    assert!(home.dump(DATABASE) == before);
    // Adding the owner again changes nothing, so it is not refused.
    let again = [&["member", "add", "--role", "owner"], &ana[..]].concat();
    home.run(&again).success();
    assert_eq!(
        home.json(&[&demote[..], &["--force"]].concat())["role"],
        "admin"
    );
    home.run(&again).success();
    home.run(&[&remove[..], &["--force"]].concat()).success();

    // With another owner, no force is needed.
    home.run(&again).success();
    let carla = ["--org", "acme-corp", "--user", CARLA];
    home.run(&[&["member", "add", "--role", "owner"], &carla[..]].concat())
        .success();
    home.run(&demote).success();
    home.run(&again).success();
    home.run(&remove).success();
    home.run(&[&["member", "remove"], &carla[..]].concat())
        .failure(1);
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
