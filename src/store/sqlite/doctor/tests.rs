//! How the content is read in each situation: after a kill, and while the file is in use.
//!
//! `tests/it/cli/doctor.rs` plants the faults.

use std::path::PathBuf;

use super::*;
use crate::{
    model::Timestamp,
    store::sqlite::{commit_mark, connection, open, query_plan_tests},
};

const DEEP: Examination = Examination {
    is_deep: true,
    now: Timestamp::from_millis(0),
};

/// The files of `directory` with their bytes.
fn snapshot(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn worst(path: &Path) -> Level {
    let findings = examine(path, DEEP);
    findings.iter().map(|finding| finding.level).max().unwrap()
}

#[test]
fn examination_reads_what_a_killed_process_has_left_in_the_log_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
    connection::checkpoint(&conn).unwrap();
    conn.execute_batch(
        "INSERT INTO organizations (id, slug, name, created_at)
         VALUES ('550e8400-e29b-41d4-a716-446655440000', 'x', 'x', 0)",
    )
    .unwrap();
    commit_mark::advance(&conn).unwrap();
    let killed = tempfile::tempdir().unwrap();
    let copy = killed.path().join("x.db");
    for (from, to) in [
        (path.clone(), copy.clone()),
        (file::wal_path(&path), file::wal_path(&copy)),
    ] {
        std::fs::copy(from, to).unwrap();
    }
    let before = snapshot(killed.path());
    let findings = examine(&copy, DEEP);
    assert!(snapshot(killed.path()) == before, "a file has changed");
    // The organization, which is in the log only, has no totals.
    let sums = findings.iter().find(|finding| finding.check == Check::Sums);
    assert_eq!(sums.unwrap().level, Level::Fail, "{findings:?}");
}

#[test]
fn examination_of_a_file_that_is_in_use_reads_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
    commit_mark::advance(&conn).unwrap();
    let before = conn.total_changes();
    assert!(worst(&path) < Level::Fail);
    commit_mark::advance(&conn).unwrap();
    assert_eq!(
        conn.total_changes(),
        before + 1,
        "the file can still be written"
    );
}

#[test]
fn latest_date_is_found_by_indexes() {
    let conn = query_plan_tests::in_memory();
    let mut statement = conn
        .prepare(&format!("EXPLAIN QUERY PLAN {}", content::LATEST))
        .unwrap();
    let plan: Vec<String> = statement
        .query_map([], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let plan = plan.join("\n");
    for index in ["audit_log_by_time", "api_keys_by_last_use"] {
        assert!(plan.contains(index), "{plan}");
    }
}
