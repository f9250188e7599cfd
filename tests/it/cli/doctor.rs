//! `llavero doctor`: each fault is planted and found, and no byte changes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::symlink,
};

use llavero::store::doctor::Check;
use serde_json::Value;

use crate::support::{DATABASE, TestDir};

const LOG: &str = "llavero.db-wal";

/// The findings by id, and the exit code. Fails if a file of a database that is not in use has changed.
fn examine(home: &TestDir, args: &[&str]) -> (BTreeMap<String, Value>, i32) {
    let before = home.snapshot();
    let outcome = home.run(&[&["doctor", "--json"], args].concat());
    assert!(
        home.snapshot() == before,
        "a file has changed: {:?}",
        home.files()
    );
    let findings: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let by_id = findings.into_iter().map(|finding| {
        let fields: Vec<_> = finding.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["id", "level", "message", "next"]);
        assert_eq!(
            finding["level"] == "ok",
            finding["next"].is_null(),
            "{finding}"
        );
        (finding["id"].as_str().unwrap().to_owned(), finding)
    });
    (by_id.collect(), outcome.status.code().unwrap())
}

/// The only finding of `home` that is not ok has this id and level.
fn assert_found(home: &TestDir, args: &[&str], id: &str, level: &str) {
    let (findings, code) = examine(home, args);
    let bad: Vec<_> = findings
        .values()
        .filter(|finding| finding["level"] != "ok")
        .collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_eq!(
        (&bad[0]["id"], &bad[0]["level"]),
        (&id.into(), &level.into()),
        "{bad:?}"
    );
    assert_eq!(code, if level == "warn" { 1 } else { 3 }, "{bad:?}");
}

/// The same only with `--deep`: without, nothing is found.
fn assert_found_deeply(home: &TestDir, id: &str) {
    let (findings, code) = examine(home, &[]);
    assert_eq!(code, 0, "{findings:?}");
    assert_found(home, &["--deep"], id, "fail");
}

/// A demo database that was changed by another program.
fn changed(sql: &str) -> TestDir {
    let home = TestDir::demo();
    home.sqlite(DATABASE).execute_batch(sql).unwrap();
    home
}

#[test]
fn doctor_finds_nothing_wrong_with_a_stopped_database() {
    let home = TestDir::demo();
    let (findings, code) = examine(&home, &["--deep"]);
    assert_eq!(code, 0, "{findings:?}");
    let mut ids = Check::ALL.map(Check::id);
    ids.sort_unstable();
    assert_eq!(
        findings.keys().collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
    assert!(
        findings["server"]["message"]
            .as_str()
            .unwrap()
            .starts_with("no server")
    );
}

#[test]
fn doctor_prints_a_table_in_the_order_of_the_checks() {
    let home = TestDir::demo();
    home.set_mode(DATABASE, 0o644);
    let outcome = home.run(&["doctor", "--deep"]);
    assert_eq!(outcome.status.code(), Some(1), "{outcome:?}");
    let rows: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["LEVEL", "CHECK", "FINDING"]);
    let ids: Vec<_> = rows[1..].iter().map(|row| row[1]).collect();
    assert_eq!(ids, Check::ALL.map(Check::id));
    assert!(outcome.stdout.contains("chmod 600"), "{}", outcome.stdout);
}

#[test]
fn doctor_beside_a_server_finds_nothing_wrong_and_disturbs_nothing() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let files = [DATABASE, LOG].map(|name| fs::read(home.path(name)).unwrap());
    let outcome = home.run(&["doctor", "--deep", "--json"]);
    let findings: Vec<Value> = serde_json::from_str(outcome.success()).unwrap();
    let finding = findings.iter().find(|finding| finding["id"] == "server");
    assert!(
        finding.unwrap()["message"]
            .as_str()
            .unwrap()
            .starts_with("a server")
    );
    assert!([DATABASE, LOG].map(|name| fs::read(home.path(name)).unwrap()) == files);
    assert_eq!(server.get_at_root("/readyz").status, 200);
    server.stop();
}

#[test]
fn doctor_after_a_kill_finds_nothing_wrong() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    server.signal("KILL");
    server.wait();
    assert!(fs::metadata(home.path(LOG)).unwrap().len() > 0);
    let (findings, code) = examine(&home, &["--deep"]);
    assert_eq!(code, 0, "{findings:?}");
    // Another start finds everything as the killed server left it.
    home.serve(&[]).stop();
}

#[test]
fn doctor_with_a_wrong_flag_exits_with_2() {
    let home = TestDir::new();
    assert!(home.run(&["doctor", "--fix"]).failure(2).contains("--fix"));
}

#[test]
fn doctor_finds_a_path_that_is_no_file() {
    let home = TestDir::demo();
    fs::create_dir(home.path("directory")).unwrap();
    symlink(DATABASE, home.path("link")).unwrap();
    for path in ["missing.db", "directory", "link", "nowhere/x.db"] {
        assert_found(&home, &["--database", path], "file", "fail");
    }
}

#[test]
fn doctor_finds_an_interrupted_restore() {
    let home = TestDir::demo();
    home.write("llavero.db-restore-unfinished", "");
    assert_found(&home, &[], "restore", "fail");
}

#[test]
fn doctor_finds_another_format() {
    let home = TestDir::new();
    home.write("letter.txt", "Dear llavero,\n");
    home.write("empty", "");
    let sql = "CREATE TABLE notes (text)";
    home.sqlite("notes.db").execute_batch(sql).unwrap();
    for path in ["letter.txt", "empty", "notes.db"] {
        assert_found(&home, &["--database", path], "format", "fail");
    }
}

#[test]
fn doctor_finds_a_newer_and_an_older_version() {
    let home = changed("PRAGMA user_version = 4000000");
    assert_found(&home, &[], "version", "fail");
    let home = changed("PRAGMA user_version = 2");
    assert_found(&home, &[], "version", "warn");
}

#[test]
fn doctor_finds_a_mode_that_admits_others() {
    let home = TestDir::demo();
    home.set_mode(DATABASE, 0o644);
    assert_found(&home, &[], "mode", "warn");
}

#[test]
fn doctor_finds_a_second_hard_link() {
    let home = TestDir::demo();
    fs::hard_link(home.path(DATABASE), home.path("other.db")).unwrap();
    assert_found(&home, &[], "hard-links", "warn");
}

#[test]
fn doctor_finds_a_foreign_log() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let copy = home.path("copy.db");
    let sql = format!("VACUUM INTO '{}'", copy.display());
    home.sqlite(DATABASE).execute_batch(&sql).unwrap();
    server.signal("KILL");
    server.wait();
    fs::remove_file(home.path("llavero.db-shm")).unwrap();
    fs::rename(copy, home.path(DATABASE)).unwrap();
    home.set_mode(DATABASE, 0o600);
    assert_found(&home, &[], "wal", "fail");
    assert_found(&home, &["--deep"], "wal", "fail");
}

#[test]
fn doctor_finds_a_large_log() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    server.signal("KILL");
    server.wait();
    let log = File::options().write(true).open(home.path(LOG)).unwrap();
    log.set_len(65 << 20).unwrap();
    let outcome = home.run(&["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let size = findings
        .iter()
        .find(|finding| finding["id"] == "wal-size")
        .unwrap();
    assert_eq!(
        (size["level"].as_str(), outcome.status.code()),
        (Some("warn"), Some(1))
    );
}

/// A lock stands for a server.
#[test]
fn doctor_finds_a_served_file_that_is_not_in_wal_mode() {
    let home = changed("PRAGMA journal_mode = DELETE");
    let (findings, code) = examine(&home, &[]);
    assert_eq!(code, 0, "{findings:?}");
    let lock = File::open(home.path("llavero.db-lock")).unwrap();
    lock.lock().unwrap();
    assert_found(&home, &[], "journal-mode", "warn");
}

#[test]
fn doctor_finds_that_another_program_keeps_it_out() {
    let home = TestDir::demo();
    let other = home.sqlite(DATABASE);
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; DELETE FROM public_url;")
        .unwrap();
    // Reading the file here, in the process of the other program, would end its lock.
    let outcome = home.run(&["doctor", "--json"]);
    assert_eq!(outcome.status.code(), Some(3), "{outcome:?}");
    let findings: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let last = findings.last().unwrap();
    assert_eq!(
        (&last["id"], &last["level"]),
        (&"content".into(), &"fail".into())
    );
    assert!(!home.path("llavero.db-shm").exists());
}

#[test]
fn doctor_finds_a_torn_page() {
    let home = TestDir::demo();
    let mut file = File::options()
        .write(true)
        .open(home.path(DATABASE))
        .unwrap();
    file.seek(SeekFrom::Start(5 * 4096 + 2048)).unwrap();
    file.write_all(&[0xa5; 2048]).unwrap();
    assert_found(&home, &["--deep"], "integrity", "fail");
}

#[test]
fn doctor_finds_an_index_that_differs_from_its_table() {
    let home = changed(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema
            SET sql = replace(sql, 'created_at DESC', 'created_at')
          WHERE name = 'api_keys_by_creation';",
    );
    assert_found_deeply(&home, "integrity");
}

#[test]
fn doctor_finds_a_broken_reference() {
    let home = changed(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO memberships (organization_id, user_id, role, created_at)
         VALUES ('00000000-0000-4000-8000-000000000000', 'x', 'owner', 0)",
    );
    assert_found_deeply(&home, "references");
}

#[test]
fn doctor_finds_a_wrong_sum() {
    let home = changed("UPDATE organization_totals SET errors = errors + 1");
    assert_found_deeply(&home, "sums");
}

#[test]
fn doctor_finds_an_entry_of_the_future() {
    let home = TestDir::demo();
    let create = ["key", "create", "--org", "acme-corp", "--name", "x"];
    assert!(home.run(&create).status.success());
    let sql = "UPDATE audit_log SET created_at = 4102444800000";
    home.sqlite(DATABASE).execute_batch(sql).unwrap();
    assert_found(&home, &[], "clock", "warn");
    let home = changed(
        "UPDATE api_keys SET last_used_at = 4102444800000
          WHERE id = (SELECT id FROM api_keys WHERE last_used_at IS NOT NULL LIMIT 1)",
    );
    assert_found(&home, &[], "clock", "warn");
}

#[test]
fn doctor_has_a_row_for_each_check_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, findings) = page.split_once("\n## Findings\n").unwrap();
    let rows = findings.lines().filter_map(|line| line.strip_prefix("| `"));
    let ids: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(ids, Check::ALL.map(Check::id));
}
