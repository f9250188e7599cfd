//! `llavero org`: the first command of a new deployment.

use std::{fs, os::unix::fs::PermissionsExt, thread};

use serde_json::json;

use crate::support::{ACME, ANA, DATABASE, GLOBEX, INITECH, STATS_PATH, TestDir};

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
fn org_rename_is_honoured_by_a_running_server_and_recorded() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let api = server.api(&home.token(ANA, &[]));
    assert_eq!(api.get(STATS_PATH).status, 200);
    let rename = [
        "org",
        "rename",
        "acme-corp",
        "--name",
        "Acme, Inc.",
        "--slug",
    ];
    let renamed = home.json(&[&rename[..], &["acme-inc"]].concat());
    let expected = json!({
        "id": ACME, "slug": "acme-inc", "name": "Acme, Inc.", "createdAt": renamed["createdAt"],
    });
    assert_eq!(renamed, expected);
    assert_eq!(api.get(STATS_PATH).status, 403);
    let stats = api.get(&STATS_PATH.replace("acme-corp", "acme-inc"));
    assert_eq!(stats.json()["organizationId"], ACME);
    assert_eq!(home.json(&["org", "list"])[0], renamed);

    let log = home.json(&["audit", "--org", ACME]);
    let entries = log.as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["action"], "org.renamed");
    assert_eq!(entries[0]["actor"], json!({ "type": "cli" }));
    let changes = json!({
        "name": { "from": "Acme Corp", "to": "Acme, Inc." },
        "slug": { "from": "acme-corp", "to": "acme-inc" },
    });
    assert_eq!(entries[0]["changes"], changes);
    let table = home.run(&["audit", "--org", "acme-inc"]);
    let words = "name changed from \"Acme Corp\" to \"Acme, Inc.\", slug changed from acme-corp to acme-inc, by cli\n";
    assert!(table.success().contains(words), "{table:?}");
}

#[test]
fn org_rename_records_nothing_if_nothing_changes() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for args in [
        &["--name", "Acme Corp"][..],
        &["--slug", "acme-corp"],
        &["--name", "Acme Corp", "--slug", "acme-corp"],
    ] {
        let unchanged = home.json(&[&["org", "rename", ACME], args].concat());
        assert_eq!(unchanged["slug"], "acme-corp");
    }
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn org_rename_changes_one_field_and_keeps_the_other() {
    let home = TestDir::demo();
    let renamed = home.json(&["org", "rename", "acme-corp", "--name", "Other"]);
    assert_eq!([&renamed["name"], &renamed["slug"]], ["Other", "acme-corp"]);
    let renamed = home.json(&["org", "rename", "acme-corp", "--slug", "other"]);
    assert_eq!([&renamed["name"], &renamed["slug"]], ["Other", "other"]);
    let changes = home.json(&["audit", "--org", "other"]);
    let slug = json!({ "slug": { "from": "acme-corp", "to": "other" } });
    assert_eq!(changes[1]["changes"], slug);
}

#[test]
fn org_rename_failures_change_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    let long = "n".repeat(101);
    for (args, code, words) in [
        (
            &["acme-corp", "--slug", "globex"][..],
            1,
            "the slug globex is taken: choose another with --slug",
        ),
        (
            &["acme-corp", "--slug", "globex", "--name", "x"],
            1,
            "is taken",
        ),
        (&["acme-crop", "--name", "x"], 1, "similar slugs: acme-corp"),
        (&["acme-corp"], 2, "--name"),
        (&["acme-corp"], 2, "--slug"),
        (&["--name", "x"], 2, "ORG"),
        (&["", "--name", "x"], 2, "ORG"),
        (&["acme-corp", "--name", &long], 2, "--name"),
        (&["acme-corp", "--slug", "Not A Slug"], 2, "--slug"),
        (&["acme-corp", "--slug", ACME], 2, "--slug"),
    ] {
        let outcome = home.run(&[&["org", "rename"], args].concat());
        let line = outcome.failure(code);
        assert!(line.contains(words), "{args:?}: {line}");
    }
    assert!(home.dump(DATABASE) == before);
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
        &["org", "rename", "x", "--name", "y"],
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
