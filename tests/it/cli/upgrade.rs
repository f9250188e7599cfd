//! A database of an earlier version: upgraded by `serve`, left alone by commands.

use serde_json::{Value, json};

use crate::support::{ANA, DATABASE, EVA, TestDir};

/// The demo data in a database of version 1.
fn home_of_version_1() -> TestDir {
    let home = TestDir::demo();
    let current = format!("{DATABASE}.current");
    std::fs::rename(home.path(DATABASE), home.path(&current)).unwrap();
    let (schema, _) = SCHEMA.split_once("\n-- v 2").unwrap();
    let conn = home.sqlite(DATABASE);
    conn.execute_batch(schema).unwrap();
    conn.execute_batch(&format!(
        "PRAGMA application_id = 0x6c6c6176;
         PRAGMA user_version = 1;
         ATTACH '{}' AS current;",
        home.path(&current).display()
    ))
    .unwrap();
    for table in [
        "signing_secret",
        "organizations",
        "memberships",
        "api_keys",
        "organization_totals",
        "organization_daily_usage",
    ] {
        let columns = "SELECT group_concat(name) FROM pragma_table_info(?1, 'main')";
        let columns: String = conn.query_row(columns, [table], |row| row.get(0)).unwrap();
        conn.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM current.{table}"
        ))
        .unwrap();
    }
    home
}

#[test]
fn upgrade_is_not_done_by_commands() {
    let home = home_of_version_1();
    let before = home.dump(DATABASE);
    for args in [
        &["org", "create", "--name", "x"][..],
        &["org", "list"],
        &["key", "list", "--org", "acme-corp"],
        &["audit", "--org", "acme-corp"],
    ] {
        let outcome = home.run(args);
        assert!(
            outcome
                .failure(2)
                .contains("start `llavero serve` on it once"),
            "{outcome:?}"
        );
    }
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn upgrade_by_serve_keeps_the_data() {
    let home = home_of_version_1();
    let is_old = |row: &String| row.starts_with("api_keys: ") || row.starts_with("organization");
    let rows = |home: &TestDir| {
        home.dump(DATABASE)
            .into_iter()
            .filter(is_old)
            .collect::<Vec<_>>()
    };
    let before = rows(&home);
    assert!(before.len() > 100);
    home.serve(&[]).stop();
    // Later versions append columns.
    let after = rows(&home);
    assert_eq!(after.len(), before.len());
    let mut kept = after.iter().zip(&before);
    assert!(kept.all(|(after, before)| after.starts_with(before.trim_end_matches(']'))));
    let key = home.json(&["key", "create", "--org", "acme-corp", "--name", "x"]);
    assert_eq!(
        home.json(&["audit", "--org", "acme-corp"])[0]["keyId"],
        key["id"]
    );
    assert_eq!(
        home.json(&["key", "list", "--org", "acme-corp"])
            .as_array()
            .map(Vec::len),
        Some(13)
    );
    assert_eq!(home.json(&["org", "list"])[0]["slug"], json!("acme-corp"));
}

const SCHEMA: &str = include_str!("../../../schema.sql");

const ORGANIZATION: &str = "550e8400-e29b-41d4-a716-446655440000";
const KEY: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";

/// A database of version 2 with one organization, one key, and an audit log.
fn home_of_version_2() -> TestDir {
    let home = TestDir::new();
    let (before, _) = SCHEMA.split_once("\n-- v 3").unwrap();
    home.sqlite(DATABASE)
        .execute_batch(&format!(
            "{before};
             INSERT INTO signing_secret (id, secret) VALUES (1, randomblob(32));
             INSERT INTO organizations (id, slug, name, created_at)
             VALUES ('{ORGANIZATION}', 'acme-corp', 'Acme Corp', 0);
             INSERT INTO organization_totals (organization_id, total_keys)
             VALUES ('{ORGANIZATION}', 1);
             INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at)
             VALUES ('{KEY}', '{ORGANIZATION}', randomblob(32), 'sk_...abcd', 'x', 0);
             INSERT INTO audit_log (id, organization_id, created_at, actor_id, action, key_id, member_id, role)
             VALUES (1, '{ORGANIZATION}', 5, NULL, 'org.created', NULL, NULL, NULL),
                    (3, '{ORGANIZATION}', 6, NULL, 'member.added', NULL, '{ANA}', 'owner'),
                    (4, '{ORGANIZATION}', 7, NULL, 'member.added', NULL, '{EVA}', 'member'),
                    (5, '{ORGANIZATION}', 7, NULL, 'member.removed', NULL, '{EVA}', NULL),
                    (9, '{ORGANIZATION}', 8, '{ANA}', 'key.created', '{KEY}', NULL, NULL);
             PRAGMA application_id = 1819042166;
             PRAGMA user_version = 2;"
        ))
        .unwrap();
    home
}

#[test]
fn upgrade_from_version_2_keeps_the_audit_log_and_takes_new_actions() {
    let home = home_of_version_2();
    let rows = |home: &TestDir| -> Vec<String> {
        let sql = "SELECT concat_ws('|', id, organization_id, created_at, actor_id, action, key_id, member_id, role)
                     FROM audit_log
                    ORDER BY id";
        let conn = home.sqlite(DATABASE);
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = rows(&home);
    assert_eq!(before.len(), 5);
    home.serve(&[]).stop();
    assert_eq!(rows(&home), before);
    let index: String = home
        .sqlite(DATABASE)
        .query_row(
            "SELECT tbl_name FROM sqlite_schema WHERE name = 'audit_log_by_time'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(index, "audit_log");

    let use_of_key = json!({ "keyId": KEY, "at": "2026-01-05T12:00:00Z", "outcome": "success" });
    home.write("uses.ndjson", use_of_key.to_string());
    home.json(&["usage", "import", "uses.ndjson"]);
    let member = |action: &str| {
        let args = ["member", action, "--org", "acme-corp", "--user", EVA];
        home.run(&args).success();
    };
    member("add");
    member("remove");
    let log = home.json(&["audit", "--org", "acme-corp"]);
    let entries: Vec<[&Value; 2]> = (log.as_array().unwrap().iter())
        .map(|entry| [&entry["action"], &entry["role"]])
        .collect();
    assert_eq!(
        json!(entries),
        json!([
            ["org.created", null],
            ["member.added", "owner"],
            ["member.added", "member"],
            ["member.removed", null],
            ["key.created", null],
            ["usage.imported", null],
            ["member.added", "member"],
            ["member.removed", "member"],
        ])
    );
}
