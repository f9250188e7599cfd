//! `llavero org`: the first command of a new deployment.

use std::{fs, os::unix::fs::PermissionsExt, thread};

use serde_json::json;

use crate::support::{ACME, DATABASE, GLOBEX, INITECH, TestDir};

#[test]
fn org_create_makes_the_database() {
    let home = TestDir::new();
    let outcome = home.run(&["org", "create", "--name", "Acme Corp", "--json"]);
    assert!(outcome.status.success(), "{outcome:?}");
    assert_eq!(outcome.stderr, "created the database llavero.db\n");
    assert_eq!(home.files(), [DATABASE]);
    let mode = fs::metadata(home.path(DATABASE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let created: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let expected = json!({
        "id": created["id"], "slug": "acme-corp", "name": "Acme Corp", "createdAt": created["createdAt"],
    });
    assert_eq!(created, expected);
    assert_eq!(created["id"].as_str().unwrap().len(), 36);
    assert_eq!(home.json(&["org", "list"]), json!([created]));
}

#[test]
fn org_create_makes_a_database_of_an_empty_file() {
    let home = TestDir::new();
    home.write(DATABASE, "");
    let outcome = home.run(&["org", "create", "--name", "Acme"]);
    assert!(
        outcome.stderr.contains("created the database"),
        "{outcome:?}"
    );
    assert_eq!(home.json(&["org", "list"])[0]["slug"], "acme");
}

#[test]
fn org_create_many_times_at_once_makes_one_database() {
    for _ in 0..5 {
        let home = TestDir::new();
        thread::scope(|scope| {
            for n in 0..8 {
                let (home, name) = (&home, format!("Number {n}"));
                scope.spawn(move || {
                    let outcome = home.run(&["org", "create", "--name", &name]);
                    assert!(outcome.status.success(), "{outcome:?}");
                });
            }
        });
        assert_eq!(home.json(&["org", "list"]).as_array().unwrap().len(), 8);
    }
}

#[test]
fn org_create_is_seen_by_a_running_server_at_once() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    home.json(&["org", "create", "--name", "Acme", "--slug", "a"]);
    home.json(&["member", "add", "--org", "a", "--user", "ana"]);
    let token = home.token("ana", &[]);
    let stats = server.get(&token, "/organizations/a/api-keys/stats").json();
    assert_eq!(stats["totalKeys"], 0);
}

#[test]
fn org_create_derives_the_slug_from_the_name() {
    let home = TestDir::new();
    for (args, slug) in [
        (
            &["--name", "Panadería Ñandú, S.A."][..],
            "panaderia-nandu-s-a",
        ),
        (&["--name", "Panadería", "--slug", "pan"], "pan"),
    ] {
        let outcome = home.run(&[&["org", "create", "--json"], args].concat());
        let created: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(created["slug"], slug);
    }
    let line = home.run(&["org", "create", "--name", "!?"]);
    assert!(line.failure(2).contains("--slug"), "{line:?}");
}

#[test]
fn org_create_with_a_taken_slug_changes_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for args in [
        &["--name", "Acme, Corp."][..],
        &["--name", "x", "--slug", "globex"],
    ] {
        let outcome = home.run(&[&["org", "create"], args].concat());
        let line = outcome.failure(1);
        assert!(
            line.contains("is taken") && line.contains("--slug"),
            "{line}"
        );
    }
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn org_create_rejects_invalid_names_and_slugs_before_it_creates_a_database() {
    let home = TestDir::new();
    let long = "n".repeat(101);
    for args in [
        &["--name", ""][..],
        &["--name", " \u{2003}"],
        &["--name", &long],
        &["--name", "x", "--slug", "Not A Slug"],
        &[
            "--name",
            "x",
            "--slug",
            "550e8400-e29b-41d4-a716-446655440000",
        ],
        &["--slug", "x"],
        &["--name", "x", "--nmae", "y"],
    ] {
        home.run(&[&["org", "create"], args].concat()).failure(2);
    }
    assert_eq!(home.files(), [""; 0]);
}

#[test]
fn org_list_is_ordered_by_slug() {
    let home = TestDir::demo();
    let list = home.json(&["org", "list"]);
    let ids: Vec<&str> = (list.as_array().unwrap().iter())
        .map(|organization| organization["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [ACME, GLOBEX, INITECH]);
    let outcome = home.run(&["org", "list"]);
    let lines: Vec<Vec<&str>> = (outcome.success().lines())
        .map(|line| {
            line.split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    assert_eq!(lines[0], ["SLUG", "NAME", "ID", "CREATED"]);
    assert_eq!(lines[1][..3], ["acme-corp", "Acme Corp", ACME]);
}

#[test]
fn commands_other_than_org_create_make_no_database() {
    let home = TestDir::new();
    for args in [
        &["org", "list"][..],
        &["member", "list", "--org", "x"],
        &["key", "list", "--org", "x"],
        &["key", "create", "--org", "x", "--name", "x"],
        &["key", "revoke", ACME],
        &["audit", "--org", "x"],
    ] {
        let outcome = home.run(args);
        let line = outcome.failure(2);
        assert!(
            line.contains("no database at") && line.contains("llavero org create"),
            "{line}"
        );
    }
    assert_eq!(home.files(), [""; 0]);
}
