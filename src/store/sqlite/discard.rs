//! Removal of a database file that was just created and holds nothing.
//!
//! Called when creating a database or its first organization has failed, for instance on a full disk. The file is
//! removed only under an exclusive lock and only while it holds no organization: another process may have opened it
//! meanwhile, and may have written to it.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags};

use super::{connection, file};

/// Removes the file at `path` and SQLite's files beside it, unless the file is in use or holds anything. A failure
/// leaves the file where it is; the caller already has an error to report.
pub(in crate::store) fn discard_unused(path: &Path) {
    // Held until the file is removed.
    let lock = lock(path).ok();
    let is_unused = lock
        .as_ref()
        .is_some_and(|conn| is_unused(conn).unwrap_or(false));
    // An empty file cannot be locked on a full disk: SQLite begins it with a header. There is nothing to lose in it,
    // and a process that has just opened it notices that it is gone.
    if is_unused || is_empty(path) {
        for file in [path.to_owned()].into_iter().chain(file::side_files(path)) {
            // Those that do not exist, and one that cannot be removed.
            let _ = fs::remove_file(file);
        }
    }
}

/// Opens the file with a lock that excludes every other connection, in WAL mode too. In this locking mode, SQLite
/// needs no shared memory, for which a full disk may have no room.
fn lock(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = connection::open(path, flags)?;
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")?;
    Ok(conn)
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0)
}

fn is_unused(conn: &Connection) -> rusqlite::Result<bool> {
    let exists = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, bool>(0));
    Ok(!exists("SELECT EXISTS (SELECT 1 FROM sqlite_schema)")?
        || !exists("SELECT EXISTS (SELECT 1 FROM organizations)")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::open;

    const ORGANIZATION: &str = "INSERT INTO organizations (id, slug, name, created_at)
        VALUES ('550e8400-e29b-41d4-a716-446655440000', 'x', 'x', 0)";

    #[test]
    fn discard_removes_a_new_file_and_everything_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        drop(open::create_or_open(&path, &[7; 32]).unwrap());
        discard_unused(&path);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
        fs::write(&path, "").unwrap();
        discard_unused(&path);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }

    #[test]
    fn discard_keeps_a_file_that_is_in_use_or_holds_an_organization() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
        discard_unused(&path);
        assert!(path.exists());
        conn.execute_batch(ORGANIZATION).unwrap();
        drop(conn);
        discard_unused(&path);
        assert!(path.exists());
        assert!(open::open_existing(&path).is_ok());
    }
}
