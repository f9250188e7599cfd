//! Rejected database paths: one line that names the file and what to do, and no byte changed.

use std::{fs, os::unix::fs::symlink, process::Command};

use crate::support::{DATABASE, TestDir, as_nobody, run};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];
const TOKEN: [&str; 3] = ["token", "--user", "x"];

/// Neither command takes `file`: each says `words`, and leaves everything as it was.
fn assert_refused(home: &TestDir, file: &str, words: &[&str]) {
    let before = home.snapshot();
    for args in [&SERVE[..], &TOKEN] {
        let outcome = home.run(&[args, &["--database", file]].concat());
        let line = outcome.failure(2);
        for word in [&[file], words].concat() {
            assert!(line.contains(word), "{word:?} is not in {line}");
        }
        assert!(
            home.snapshot() == before,
            "{line}: the directory has changed: {:?}",
            home.files()
        );
    }
}

/// A directory with a database that was stopped in good order.
fn home_with_database() -> TestDir {
    let home = TestDir::new();
    home.serve(&["--demo"]).stop();
    home
}

#[test]
fn database_in_a_missing_directory_is_rejected() {
    let home = TestDir::new();
    assert_refused(
        &home,
        "missing/x.db",
        &["No such file or directory", "check the path"],
    );
}

#[test]
fn database_path_below_a_file_is_rejected() {
    let home = TestDir::new();
    home.write("file", "");
    assert_refused(&home, "file/x.db", &["Not a directory", "check the path"]);
}

#[test]
fn database_that_is_a_directory_is_rejected() {
    let home = TestDir::new();
    fs::create_dir(home.path("directory")).unwrap();
    assert_refused(&home, "directory", &["not a regular file", "--database"]);
    assert_refused(&home, "/", &["check the path"]);
}

#[test]
fn database_that_is_a_named_pipe_is_rejected_at_once() {
    let home = TestDir::new();
    run(Command::new("mkfifo").arg(home.path("pipe"))).success();
    assert_refused(&home, "pipe", &["not a regular file", "--database"]);
}

#[test]
fn database_that_is_a_symbolic_link_is_rejected() {
    let home = home_with_database();
    symlink(DATABASE, home.path("link.db")).unwrap();
    symlink("nowhere.db", home.path("dangling.db")).unwrap();
    assert_refused(&home, "link.db", &["symbolic link", "--database"]);
    assert_refused(&home, "dangling.db", &["symbolic link", "--database"]);
}

#[test]
fn database_that_is_another_file_is_rejected() {
    let home = TestDir::new();
    home.write("letter.txt", "Dear llavero,\n");
    home.write("one-byte", "S");
    home.write("magic-only", "SQLite format 3\0");
    home.write("zeros", [0; 8192]);
    for file in ["letter.txt", "one-byte", "magic-only", "zeros"] {
        assert_refused(&home, file, &["not a llavero database", "--database"]);
    }
}

#[test]
fn database_of_another_application_is_rejected() {
    let home = TestDir::new();
    for (file, setting) in [
        ("unmarked.db", "PRAGMA user_version = 1"),
        ("marked.db", "PRAGMA application_id = 252006673"),
        ("wal.db", "PRAGMA journal_mode = WAL"),
    ] {
        let sql =
            format!("{setting}; CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine');");
        home.sqlite(file).execute_batch(&sql).unwrap();
        assert_refused(&home, file, &["not a llavero database", "--database"]);
    }
}

#[test]
fn database_of_a_newer_version_is_rejected() {
    let home = home_with_database();
    let sql = "PRAGMA user_version = 4000000";
    home.sqlite(DATABASE).execute_batch(sql).unwrap();
    assert_refused(
        &home,
        DATABASE,
        &["schema version 4000000", "use a newer llavero"],
    );
}

#[test]
fn database_with_a_newer_version_in_the_wal_is_rejected_and_unchanged() {
    let source = home_with_database();
    let newer = source.sqlite(DATABASE);
    newer
        .execute_batch("PRAGMA user_version = 4000000")
        .unwrap();
    for args in [&SERVE[..], &TOKEN] {
        let home = TestDir::new();
        for file in [DATABASE, "llavero.db-wal"] {
            fs::copy(source.path(file), home.path(file)).unwrap();
        }
        let before = home.snapshot();
        let outcome = home.run(args);
        assert!(outcome.failure(2).contains("use a newer llavero"));
        let after = home.snapshot();
        for (file, bytes) in before {
            assert!(after.get(&file) == Some(&bytes), "{file} has changed");
        }
    }
}

#[test]
fn database_that_is_damaged_is_rejected() {
    let home = home_with_database();
    let whole = fs::read(home.path(DATABASE)).unwrap();
    let pages = whole.len() / 4096;
    for page in 1..pages {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..4096].fill(0xa5);
        home.write("damaged.db", damaged);
        assert_refused(&home, "damaged.db", &["restore it from a backup"]);
    }
    home.write("cut.db", &whole[..pages / 2 * 4096]);
    assert_refused(&home, "cut.db", &["restore it from a backup"]);
}

#[test]
fn database_with_a_corrupt_index_is_rejected() {
    let home = home_with_database();
    // Every page is sound: only a comparison of the index with the table finds it.
    home.sqlite(DATABASE)
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema
                SET sql = replace(sql, 'created_at DESC', 'created_at')
              WHERE name = 'api_keys_by_creation';",
        )
        .unwrap();
    let check = |check: &str| -> String {
        let sql = format!("PRAGMA {check}(1)");
        let conn = home.sqlite(DATABASE);
        conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(check("quick_check"), "ok");
    assert_ne!(check("integrity_check"), "ok");
    assert_refused(&home, DATABASE, &["is damaged", "restore it from a backup"]);
}

/// A stopped database in a directory that every user can enter and write.
fn home_with_open_directory() -> TestDir {
    let home = home_with_database();
    home.set_mode("", 0o777);
    home
}

fn assert_refused_without_root(home: &TestDir, file: &str) {
    let before = home.snapshot();
    let mut command = home.serve_command(&["--database", file]);
    as_nobody(&mut command);
    let outcome = run(&mut command);
    let line = outcome.failure(2);
    assert!(
        line.contains(file) && line.contains("check the path and its permissions"),
        "{line}"
    );
    assert!(home.snapshot() == before, "{line}: {:?}", home.files());
}

#[test]
fn database_without_read_permission_is_rejected() {
    let home = home_with_open_directory();
    let before = home.snapshot();
    home.set_mode(DATABASE, 0o000);
    assert_refused_without_root(&home, DATABASE);
    home.set_mode(DATABASE, 0o600);
    assert!(home.snapshot() == before, "{:?}", home.files());
}

#[test]
fn database_in_a_read_only_directory_is_rejected() {
    let home = home_with_open_directory();
    home.set_mode(DATABASE, 0o666);
    home.set_mode("", 0o555);
    assert_refused_without_root(&home, "new.db");
    assert_refused_without_root(&home, DATABASE);
    home.set_mode("", 0o777);
}
