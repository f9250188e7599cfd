//! Copies of a database beside logs of every kind.
//!
//! A copy of both files of an idle connection stands for a killed process.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, MAIN_DB};

use super::*;
use crate::store::sqlite::{connection, open};

/// A database that a process has open.
struct Home {
    directory: tempfile::TempDir,
    conn: Connection,
}

impl Home {
    /// `pages` is the least number of pages of the file.
    fn new(pages: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (_, conn) = open::create_or_open(&directory.path().join("x.db"), &[7; 32]).unwrap();
        let home = Self { directory, conn };
        home.conn.execute_batch("CREATE TABLE ballast (x)").unwrap();
        home.write(pages);
        home.checkpoint();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sql(&self, sql: &str) {
        self.conn.execute_batch(sql).unwrap();
    }

    /// Commits a transaction as the writer does, on `pages` pages.
    fn write(&self, pages: u32) {
        self.sql("BEGIN IMMEDIATE");
        for _ in 0..pages {
            self.sql("INSERT INTO ballast VALUES (zeroblob(4000))");
        }
        commit_mark::advance(&self.conn).unwrap();
        self.sql("COMMIT");
    }

    /// Moves the log into the file. The next transaction begins the log anew.
    fn checkpoint(&self) {
        self.write(0);
        connection::truncate_log(&self.conn).unwrap();
    }

    /// The file alone.
    fn copy(&self) -> Vec<u8> {
        fs::read(self.path("x.db")).unwrap()
    }

    /// What SQLite's backup API copies.
    fn backup(&self) -> Vec<u8> {
        self.conn
            .backup(MAIN_DB, self.path("backup"), None)
            .unwrap();
        fs::read(self.path("backup")).unwrap()
    }

    fn vacuum_into(&self) -> Vec<u8> {
        let path = self.path("vacuum");
        self.conn
            .execute("VACUUM INTO ?1", [path.to_str().unwrap()])
            .unwrap();
        fs::read(path).unwrap()
    }

    fn log(&self) -> Vec<u8> {
        fs::read(file::wal_path(&self.path("x.db"))).unwrap()
    }
}

fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Returns whether the log is refused beside the file. Whether it is, the check must change nothing.
fn is_refused(file: &[u8], log: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    fs::write(&path, file).unwrap();
    fs::write(file::wal_path(&path), log).unwrap();
    let before = snapshot(directory.path());
    let checked = check(&path);
    assert!(
        snapshot(directory.path()) == before,
        "the check has changed a file"
    );
    match checked {
        Ok(()) => false,
        Err(OpenError::ForeignLog { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

const SIZES: [u32; 2] = [0, 3000];

#[test]
fn check_accepts_the_log_that_follows_the_file_or_is_partly_moved_into_it() {
    for pages in SIZES {
        let home = Home::new(pages);
        home.write(3);
        home.write(0);
        let base = home.copy();
        assert!(!is_refused(&base, &home.log()));
        // A reader keeps the rest in the log.
        let reader = connection::open_reader(&home.path("x.db")).unwrap();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM ballast")
            .unwrap();
        home.write(1);
        home.sql("PRAGMA wal_checkpoint(PASSIVE)");
        assert_ne!(home.copy(), base);
        home.write(1);
        assert!(!is_refused(&home.copy(), &home.log()));
        drop(reader);
        home.sql("PRAGMA wal_checkpoint(PASSIVE)");
        assert!(!is_refused(&home.copy(), &home.log()));
        home.write(1);
        assert!(!is_refused(&home.copy(), &home.log()));
    }
}

#[test]
fn check_refuses_a_log_beside_a_copy_that_sqlite_has_made() {
    for pages in SIZES {
        let home = Home::new(pages);
        home.write(1);
        let copies = [home.backup(), home.vacuum_into()];
        // The log holds the mark of the copies.
        home.write(2);
        for copy in &copies {
            assert!(is_refused(copy, &home.log()));
        }
        // The log was begun anew.
        home.checkpoint();
        home.write(1);
        for copy in &copies {
            assert!(is_refused(copy, &home.log()));
        }
    }
}

#[test]
fn check_refuses_a_log_beside_a_copy_that_it_does_not_follow() {
    for pages in SIZES {
        let home = Home::new(pages);
        let copy = home.copy();
        home.write(1);
        assert!(
            !is_refused(&copy, &home.log()),
            "begun right after the copy"
        );
        home.checkpoint();
        home.write(1);
        assert!(is_refused(&copy, &home.log()));
    }
}

#[test]
fn check_refuses_a_log_of_another_database() {
    let [home, other] = [Home::new(0), Home::new(0)];
    home.write(1);
    other.write(1);
    assert!(is_refused(&home.copy(), &other.log()));
    assert!(is_refused(&other.copy(), &home.log()));
}

#[test]
fn check_refuses_a_log_beside_a_file_that_is_not_in_wal_mode() {
    let home = Home::new(0);
    home.write(1);
    let copy = home.vacuum_into();
    assert!(is_refused(&copy, &home.log()));
    assert!(
        is_refused(&copy, b"x"),
        "the content of the log does not matter"
    );
    assert!(is_refused(b"", &home.log()), "an empty file");
    assert!(!is_refused(&copy, b""));
}

#[test]
fn check_refuses_a_log_without_a_file() {
    let home = Home::new(0);
    home.write(1);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    fs::write(file::wal_path(&path), home.log()).unwrap();
    let refused = open::create_or_open(&path, &[7; 32]);
    assert!(matches!(refused, Err(OpenError::ForeignLog { .. })));
    assert_eq!(snapshot(directory.path()).len(), 1);
}

#[test]
fn check_accepts_a_log_that_holds_nothing() {
    let home = Home::new(0);
    home.write(1);
    let log = home.log();
    assert!(!is_refused(&home.copy(), b"x"));
    assert!(
        !is_refused(&home.copy(), &log[..5000]),
        "no whole transaction"
    );
}

/// Litestream and a SQLite shell write no mark.
#[test]
fn check_accepts_transactions_of_other_programs() {
    for sql in [
        "INSERT INTO ballast VALUES (1)",
        "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)",
        "PRAGMA user_version = 4000000",
        "DELETE FROM ballast; VACUUM",
    ] {
        let home = Home::new(50);
        home.sql(sql);
        assert!(!is_refused(&home.copy(), &home.log()), "{sql}");
        home.write(1);
        assert!(!is_refused(&home.copy(), &home.log()), "{sql}");
    }
}

#[test]
fn check_refuses_a_log_of_another_application() {
    let home = Home::new(0);
    let path = home.path("other");
    fs::write(&path, "").unwrap();
    let other = connection::open_writer(&path).unwrap();
    for sql in [
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t (x)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "INSERT INTO t VALUES (1)",
    ] {
        other.execute_batch(sql).unwrap();
        let log = fs::read(file::wal_path(&path)).unwrap_or_default();
        assert!(log.is_empty() || is_refused(&home.copy(), &log), "{sql}");
    }
}

/// The log of the version before, and the log of its migration.
#[test]
fn check_accepts_a_log_beside_a_file_of_a_version_without_marks() {
    let home = Home::new(0);
    home.sql("DROP TABLE commit_mark");
    connection::truncate_log(&home.conn).unwrap();
    home.sql("INSERT INTO ballast VALUES (1)");
    let before = home.copy();
    assert!(!is_refused(&before, &home.log()));
    connection::truncate_log(&home.conn).unwrap();
    let before = home.copy();
    home.sql(
        "BEGIN;
         CREATE TABLE commit_mark (id INTEGER PRIMARY KEY, previous BLOB, current BLOB, schema_cookie INTEGER);
         INSERT INTO commit_mark VALUES (1, zeroblob(16), zeroblob(16), 0);",
    );
    commit_mark::advance(&home.conn).unwrap();
    home.sql("COMMIT");
    assert!(!is_refused(&before, &home.log()));
    // A server of this version has written since.
    home.checkpoint();
    home.write(1);
    assert!(is_refused(&before, &home.log()));
}
