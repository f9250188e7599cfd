//! A file of an earlier version: brought up to date by a server, left alone by commands.

use serde_json::json;

use crate::cli::harness::{DATABASE, Home};

/// A demo database as the version before this one left it.
fn home_of_version_1() -> Home {
    let home = Home::demo();
    home.sqlite(DATABASE)
        .execute_batch(
            "DROP TABLE key_id_generator;
             DROP TABLE audit_log;
             DROP TABLE rate_slots;
             DROP TABLE usage_batches;
             DROP TABLE retiring_secrets;
             DROP INDEX api_keys_by_creation;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    home
}

#[test]
fn commands_leave_an_older_file_as_it_is_and_say_what_to_do() {
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
fn a_server_brings_an_older_file_up_to_date_and_keeps_what_is_in_it() {
    let home = home_of_version_1();
    let is_old = |row: &String| row.starts_with("api_keys: ") || row.starts_with("organization");
    let rows = |home: &Home| {
        home.dump(DATABASE)
            .into_iter()
            .filter(is_old)
            .collect::<Vec<_>>()
    };
    let before = rows(&home);
    assert!(before.len() > 100);
    home.serve(&[]).stop();
    assert!(rows(&home) == before);
    let key = home.json(&["key", "create", "--org", "acme-corp", "--name", "x"]);
    assert_eq!(
        home.json(&["audit", "--org", "acme-corp"])[0]["keyId"],
        key["id"]
    );
    assert_eq!(
        home.json(&["key", "list", "--org", "acme-corp"])
            .as_array()
            .map(Vec::len),
        Some(10)
    );
    assert_eq!(home.json(&["org", "list"])[0]["slug"], json!("acme-corp"));
}
