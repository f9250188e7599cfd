//! `llavero backup` and `llavero restore`: copies beside a server, what is applied again, and kills at any moment.

mod commands;
mod copies;
mod kills;
mod load;
mod reapplied;
mod restores;

use std::fs;

use serde_json::Value;

use crate::support::{DATABASE, TestDir};

/// The name of the copy in most tests.
const COPY: &str = "copy.db";

/// Copies the database to [`COPY`].
fn back_up(home: &TestDir) {
    assert_eq!(home.run(&["backup", COPY]).success(), "copy.db\n");
}

/// Restores [`COPY`]. Returns the lines that it prints.
fn restore(home: &TestDir, args: &[&str]) -> Vec<String> {
    let outcome = home.run(&[&["restore", COPY], args].concat());
    outcome.success().lines().map(str::to_owned).collect()
}

/// The names of the files that were moved aside.
fn aside(home: &TestDir) -> Vec<String> {
    let mut files = home.files();
    files.retain(|name| name.starts_with(&format!("{DATABASE}-before-")));
    files
}

/// Checks that SQLite finds no damage, and that the totals are the sums over the keys and over the days.
fn assert_whole(home: &TestDir, name: &str) {
    let conn = home.sqlite(name);
    let check: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok", "{name}");
    let sums = |table: &str| -> (i64, i64) {
        let sql = format!(
            "SELECT coalesce(sum(successful_requests), 0), coalesce(sum(rate_limit_hits + errors), 0) FROM {table}"
        );
        conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    assert_eq!(sums("organization_totals"), sums("api_keys"), "{name}");
    assert_eq!(
        sums("organization_totals"),
        sums("organization_daily_usage"),
        "{name}"
    );
    let counts: bool = conn
        .query_row(
            "SELECT (SELECT sum(total_keys) FROM organization_totals) = (SELECT count(*) FROM api_keys)
                AND (SELECT sum(revoked_keys) FROM organization_totals) = (SELECT count(revoked_at) FROM api_keys)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(counts, "{name}");
}

/// Creates a key in the demo organization. Returns it with its secret.
fn create_key(home: &TestDir, name: &str) -> Value {
    home.json(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        name,
        "--scope",
        "a",
        "--scope",
        "b",
    ])
}

fn id(key: &Value) -> &str {
    key["id"].as_str().unwrap()
}

/// Makes a database in rollback mode of a copy, as `cp` would.
fn put_in_place(home: &TestDir, copy: &str) {
    fs::copy(home.path(copy), home.path(DATABASE)).unwrap();
}
