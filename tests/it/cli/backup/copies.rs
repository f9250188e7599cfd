//! What a backup makes, where, and what it refuses.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{COPY, assert_whole, back_up, create_key};
use crate::support::{ANA, DATABASE, TestDir, run};

/// `VACUUM` changes the order of the schema.
fn sorted(mut dump: Vec<String>) -> Vec<String> {
    dump.sort();
    dump
}

#[test]
fn backup_copies_the_database_beside_a_server() {
    let home = TestDir::demo();
    let server = home.serve(&[]);
    let key = create_key(&home, "in the log only");
    back_up(&home);
    server.stop();
    assert_whole(&home, COPY);
    assert_eq!(sorted(home.dump(COPY)), sorted(home.dump(DATABASE)));
    let shown = home.json(&["key", "show", super::id(&key), "--database", COPY]);
    assert_eq!(shown["name"], "in the log only");
    let mode = fs::metadata(home.path(COPY)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn backup_leaves_nothing_but_the_copy() {
    let home = TestDir::demo();
    let before = home.files();
    back_up(&home);
    let mut after = home.files();
    after.retain(|name| name != COPY);
    assert_eq!(after, before);
}

#[test]
fn backup_is_one_file_that_is_not_in_wal_mode() {
    let home = TestDir::demo();
    back_up(&home);
    assert_eq!(fs::read(home.path(COPY)).unwrap()[18..20], [1, 1]);
}

#[test]
fn backup_has_no_sessions_and_no_sign_in_codes() {
    let home = TestDir::demo();
    home.run(&["login", "--user", ANA]).success();
    let insert = "INSERT INTO sessions VALUES (randomblob(32), 'u', 253402300799999)";
    home.sqlite(DATABASE).execute(insert, []).unwrap();
    back_up(&home);
    for (name, rows) in [(DATABASE, true), (COPY, false)] {
        for table in ["sessions", "sign_in_codes"] {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            let found: bool = home
                .sqlite(name)
                .query_row(&any, [], |row| row.get(0))
                .unwrap();
            assert_eq!(found, rows, "{table} of {name}");
        }
    }
}

#[test]
fn backup_never_overwrites() {
    let home = TestDir::demo();
    for name in [COPY, DATABASE] {
        if name == COPY {
            home.write(COPY, "text");
        }
        let before = home.snapshot();
        let outcome = home.run(&["backup", name]);
        assert!(
            outcome.failure(1).contains("never overwrites"),
            "{outcome:?}"
        );
        assert!(home.snapshot() == before);
    }
}

#[test]
fn backup_to_a_directory_is_named_after_the_database_and_the_time() {
    let home = TestDir::demo();
    fs::create_dir(home.path("copies")).unwrap();
    let outcome = home.run(&["backup", "copies"]);
    let path = outcome.success().trim_end();
    let name = path.strip_prefix("copies/llavero-").unwrap();
    assert_eq!(name.len(), "20261125T081026.123Z.db".len(), "{path}");
    assert_whole(&home, path);
}

#[test]
fn backup_keeps_the_newest_copies_of_this_database_and_all_other_files() {
    let home = TestDir::demo();
    fs::create_dir(home.path("copies")).unwrap();
    let backup = |keep: &str| {
        let outcome = home.run(&["backup", "copies", "--keep", keep]);
        outcome.success().trim_end().to_owned()
    };
    let first = backup("5");
    let second = backup("5");
    // A copy of another database with a name that sorts first, a file without content, and a copy that a person has named.
    let other = "copies/llavero-20200101T000000.000Z.db";
    let created = home.run(&["org", "create", "--name", "x", "--database", "other.db"]);
    assert!(created.status.success(), "{created:?}");
    home.run(&["backup", other, "--database", "other.db"])
        .success();
    home.write("copies/llavero-20200102T000000.000Z.db", "");
    fs::copy(home.path(&first), home.path("copies/llavero-mine.db")).unwrap();
    let third = backup("2");
    assert!(!home.path(&first).exists());
    for kept in [
        &second,
        &third,
        other,
        "copies/llavero-20200102T000000.000Z.db",
        "copies/llavero-mine.db",
    ] {
        assert!(home.path(kept).exists(), "{kept}");
    }
}

#[test]
fn backup_keep_needs_a_directory() {
    let home = TestDir::demo();
    for destination in [COPY, "-"] {
        let outcome = home.run(&["backup", destination, "--keep", "3"]);
        assert!(outcome.failure(2).contains("existing directory"));
        assert!(!home.path(COPY).exists());
    }
    assert_eq!(
        home.run(&["backup", ".", "--keep", "0"]).status.code(),
        Some(2)
    );
}

#[test]
fn backup_to_standard_output_is_a_whole_copy() {
    let home = TestDir::demo();
    let before = home.files();
    let script = format!("'{}' backup - > copy.db", env!("CARGO_BIN_EXE_llavero"));
    let outcome = run(&mut home.program("sh", &["-c", &script]));
    assert!(
        outcome.status.success() && outcome.stderr.is_empty(),
        "{outcome:?}"
    );
    assert_whole(&home, COPY);
    let mut after = home.files();
    after.retain(|name| name != COPY);
    assert_eq!(after, before);
}

#[test]
fn backup_to_a_closed_pipe_fails() {
    let home = TestDir::demo();
    let before = home.files();
    let script = format!("'{}' backup - > /dev/full", env!("CARGO_BIN_EXE_llavero"));
    let outcome = run(&mut home.program("sh", &["-c", &script]));
    assert!(
        outcome.failure(1).contains("standard output"),
        "{outcome:?}"
    );
    assert_eq!(home.files(), before);
}

#[test]
fn backup_of_a_wrong_database_is_refused_and_leaves_no_copy() {
    let home = TestDir::demo();
    home.sqlite(DATABASE)
        .execute("UPDATE organization_totals SET errors = errors + 1", [])
        .unwrap();
    let before = home.files();
    let outcome = home.run(&["backup", COPY]);
    let line = outcome.failure(1);
    assert!(line.contains("errors over the keys"), "{line}");
    assert!(line.contains("keep your older backups"), "{line}");
    assert_eq!(home.files(), before);
}

#[test]
fn backup_of_a_missing_or_foreign_file_exits_with_2() {
    let home = TestDir::new();
    assert!(
        home.run(&["backup", COPY])
            .failure(2)
            .contains("no database")
    );
    home.write(DATABASE, "text");
    assert!(
        home.run(&["backup", COPY])
            .failure(2)
            .contains("not a llavero database")
    );
    assert_eq!(home.files(), [DATABASE]);
}

#[test]
fn backup_to_a_missing_directory_names_it() {
    let home = TestDir::demo();
    let outcome = home.run(&["backup", "missing/copy.db"]);
    assert!(
        outcome.failure(1).contains("missing/copy.db"),
        "{outcome:?}"
    );
}

#[test]
fn backup_replaces_the_rest_of_a_killed_one_and_no_other_file() {
    let home = TestDir::demo();
    home.write("copy.db.partial", "text");
    let outcome = home.run(&["backup", COPY]);
    assert!(outcome.failure(1).contains("move it away"), "{outcome:?}");
    home.write("copy.db.partial", "SQLite format 3\0 and no more");
    back_up(&home);
    assert_whole(&home, COPY);
    assert!(!home.path("copy.db.partial").exists());
}
