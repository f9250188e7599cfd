//! `llavero audit`: every change has an entry, with its actor.

use serde_json::{Value, json};

use crate::support::{ANA, DATABASE, EVA, GLOBEX_WEBSITE, KEYS_PATH, PRODUCTION_SECRET, TestDir};

/// Entries as actor, action, key and member.
fn acts(log: &Value) -> Vec<[Value; 4]> {
    let fields = ["actor", "action", "keyId", "memberId"];
    (log.as_array().unwrap().iter())
        .map(|entry| fields.map(|field| entry[field].clone()))
        .collect()
}

#[test]
fn audit_lists_changes_with_their_actors_in_order() {
    let home = TestDir::new();
    home.run(&["org", "create", "--name", "Initech"]);
    let org = ["--org", "initech"];
    home.run(
        &[
            &["member", "add", "--user", ANA, "--role", "admin"],
            &org[..],
        ]
        .concat(),
    )
    .success();
    home.run(
        &[
            &["member", "add", "--user", ANA, "--role", "admin"],
            &org[..],
        ]
        .concat(),
    )
    .success();
    home.run(
        &[
            &["member", "add", "--user", ANA, "--role", "owner"],
            &org[..],
        ]
        .concat(),
    )
    .success();
    home.run(&[&["member", "add", "--user", EVA], &org[..]].concat())
        .success();
    home.run(&[&["member", "remove", "--user", EVA], &org[..]].concat())
        .success();
    let key = home.json(&[&["key", "create", "--name", "x"], &org[..]].concat());
    let id = key["id"].as_str().unwrap();

    let server = home.serve(&[]);
    let api = server.api(&home.token(ANA, &[]));
    let path = format!("/organizations/initech/api-keys/{id}");
    let grace = json!({ "graceSeconds": 60 });
    let other = api
        .post("/organizations/initech/api-keys", &json!({ "name": "y" }))
        .json();
    api.post(&format!("{path}/rotate"), &grace).json();
    api.delete(&path).json();
    api.delete(&path).json();
    assert_eq!(api.post(&format!("{path}/rotate"), &grace).status, 409);
    home.run(&["key", "rotate", other["id"].as_str().unwrap()])
        .success();
    home.run(&["key", "revoke", other["id"].as_str().unwrap()])
        .success();

    let log = home.json(&[&["audit"], &org[..]].concat());
    let none = Value::Null;
    let by = |actor: &str, action: &str, key: &Value, user: &str| {
        let actor = match actor {
            "cli" => json!({ "type": "cli" }),
            id => json!({ "type": "user", "id": id }),
        };
        let user = if user.is_empty() {
            Value::Null
        } else {
            json!(user)
        };
        [actor, json!(action), key.clone(), user]
    };
    assert_eq!(
        acts(&log),
        [
            by("cli", "org.created", &none, ""),
            by("cli", "member.added", &none, ANA),
            by("cli", "member.changed", &none, ANA),
            by("cli", "member.added", &none, EVA),
            by("cli", "member.removed", &none, EVA),
            by("cli", "key.created", &key["id"], ""),
            by(ANA, "key.created", &other["id"], ""),
            by(ANA, "key.rotated", &key["id"], ""),
            by(ANA, "key.revoked", &key["id"], ""),
            by("cli", "key.rotated", &other["id"], ""),
            by("cli", "key.revoked", &other["id"], ""),
        ]
    );
    let roles: Vec<&Value> = (log.as_array().unwrap().iter())
        .map(|entry| &entry["role"])
        .filter(|role| !role.is_null())
        .collect();
    assert_eq!(roles, ["admin", "owner", "member", "member"]);
    let times: Vec<&str> = (log.as_array().unwrap().iter())
        .map(|entry| entry["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());
    let outcome = home.run(&[&["audit"], &org[..]].concat());
    let text = outcome.success();
    for words in [
        format!("key.revoked     x ({id}) by {ANA}\n"),
        format!("member.changed  {ANA} as owner by cli\n"),
        format!("member.removed  {EVA} was member by cli\n"),
    ] {
        assert!(text.contains(&words), "{words} is not in {text}");
    }
}

#[test]
fn audit_since_leaves_out_older_entries() {
    let home = TestDir::new();
    home.run(&["org", "create", "--name", "Initech"]);
    home.json(&["key", "create", "--org", "initech", "--name", "x"]);
    home.sqlite(DATABASE)
        .execute_batch(
            "UPDATE audit_log SET created_at = created_at - 3600000 WHERE action = 'org.created'",
        )
        .unwrap();
    let count = |since: &str| {
        let log = home.json(&["audit", "--org", "initech", "--since", since]);
        log.as_array().unwrap().len()
    };
    assert_eq!(
        ["2h", "30m", "1970-01-01", "2100-01-01"].map(count),
        [2, 1, 2, 0]
    );
    let outcome = home.run(&["audit", "--org", "initech", "--since", "yesterday"]);
    assert!(outcome.failure(2).contains("90d"));
    home.run(&["audit", "--org", "nope"]).failure(1);
}

#[test]
fn audit_log_of_an_unchanged_organization_is_empty() {
    let home = TestDir::demo();
    assert_eq!(home.json(&["audit", "--org", "acme-corp"]), json!([]));
}

#[test]
fn audit_key_prints_the_changes_of_one_key_as_the_api_sends_them() {
    let home = TestDir::demo();
    let [one, other] = ["One", "The other"].map(|name| {
        let key = home.json(&["key", "create", "--org", "acme-corp", "--name", name]);
        key["id"].as_str().unwrap().to_owned()
    });
    for id in [&one, &other] {
        home.run(&["key", "rotate", id]).success();
    }
    let log = |key: &str| home.json(&["audit", "--org", "acme-corp", "--key", key]);
    let mut entries = log(&other);
    let actions = acts(&entries).into_iter().map(|[_, action, ..]| action);
    assert_eq!(actions.collect::<Vec<_>>(), ["key.created", "key.rotated"]);
    assert_eq!(entries[0]["keyName"], "The other");
    assert_eq!(log(&other.to_uppercase()), entries);

    let server = home.serve(&[]);
    let path = format!("{KEYS_PATH}/audit?keyId={other}");
    let page = server.get(&home.token(ANA, &[]), &path).json();
    entries.as_array_mut().unwrap().reverse();
    assert_eq!(page["items"], entries);

    assert_eq!(log(GLOBEX_WEBSITE), json!([]));
    let table = home.run(&["audit", "--org", "acme-corp", "--key", &other]);
    let table = table.success();
    assert!(
        table.contains(&format!("key.rotated  \"The other\" ({other}) by cli\n")),
        "{table}"
    );
    assert!(!table.contains(&one), "{table}");
}

#[test]
fn audit_key_must_be_an_id_and_a_secret_is_not_repeated() {
    let home = TestDir::demo();
    for wrong in ["x", PRODUCTION_SECRET] {
        let outcome = home.run(&["audit", "--org", "acme-corp", "--key", wrong]);
        let line = outcome.failure(2);
        assert!(line.contains("--key must be the id of a key"), "{line}");
        assert!(!line.contains(PRODUCTION_SECRET), "{line}");
    }
}
