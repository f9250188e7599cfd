//! The mark of the last commit, by which a write-ahead log is recognised as the file's own.
//!
//! Each transaction replaces the mark by a random one and keeps the one before, so that the marks form a chain. A log
//! continues the file if its first mark follows the file's mark, and has been moved into it, at least in part, if it
//! contains the file's mark. [`super::foreign_log`] compares them before SQLite opens the file.
//!
//! Written by the writer's groups, and by the opening and closing of a server. A database in memory keeps the first mark. A
//! transaction of another program writes no mark, which does not break the chain.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::connection;

/// A mark is drawn in SQL, because no caller ever sees it.
pub(super) const ADVANCE: &str = "
    UPDATE commit_mark
       SET previous = current,
           current = randomblob(16),
           schema_cookie = ?1
     WHERE id = 1";

pub(super) const MARK: &str = "
    SELECT previous, current, schema_cookie
      FROM commit_mark
     WHERE id = 1";

const TABLE: &str = "
    SELECT EXISTS (SELECT 1
                     FROM sqlite_schema
                    WHERE type = 'table'
                      AND name = 'commit_mark')";

/// The mark of a database that was never written to.
pub(super) const NONE: [u8; 16] = [0; 16];

/// A commit, and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) previous: [u8; 16],
    pub(super) current: [u8; 16],
}

/// The mark in a file, and two schema cookies, which tell whether the file is as its last commit left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileMark {
    pub(super) mark: Mark,
    /// The schema cookie of the header when the mark was written; 0 in a file that was never written to.
    pub(super) marked_cookie: u32,
    /// The schema cookie of the header now.
    pub(super) cookie: u32,
}

impl FileMark {
    /// Reads the mark of the database file at `path` alone, without its log and without a lock. Returns `None` for a
    /// version of the schema that had none.
    pub(super) fn read(path: &Path) -> rusqlite::Result<Option<Self>> {
        let conn = connection::open_without_log(path)?;
        if !conn.query_row(TABLE, [], |row| row.get::<_, bool>(0))? {
            return Ok(None);
        }
        let cookie = cookie(&conn)?;
        let mark = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                mark: Mark {
                    previous: row.get(0)?,
                    current: row.get(1)?,
                },
                marked_cookie: row.get(2)?,
                cookie,
            })
        };
        conn.query_row(MARK, [], mark).optional()
    }
}

/// Replaces the mark. Called last in a transaction, which then writes at least one page: an `UPDATE` that leaves a row as
/// it was, or no change at all, would commit on a disk that accepts no writes.
pub(super) fn advance(tx: &Connection) -> rusqlite::Result<()> {
    let cookie = cookie(tx)?;
    tx.prepare_cached(ADVANCE)?.execute([cookie])?;
    Ok(())
}

/// Returns the number that every change of the schema increments. SQLite's backup API begins it anew in the copy.
fn cookie(conn: &Connection) -> rusqlite::Result<u32> {
    conn.prepare_cached("PRAGMA schema_version")?
        .query_row([], |row| row.get(0))
}

impl Mark {
    /// Finds the mark on a page: the leaf of a table whose only row consists of two blobs of 16 bytes and an integer. No
    /// other table of the schema has such a row.
    pub(super) fn on_page(page: &[u8]) -> Option<Self> {
        const TABLE_LEAF: u8 = 13;
        let [TABLE_LEAF, _, _, 0, 1, _, _, _, high, low, ..] = *page else {
            return None;
        };
        let cell = page.get(usize::from(high) << 8 | usize::from(low)..)?;
        // Payload size, row id, size of the record's header, and the types: NULL for the row id, two blobs, an integer.
        let [_, 1, 5, 0, 44, 44, 1..=6 | 8 | 9, values @ ..] = cell else {
            return None;
        };
        Some(Self {
            previous: values.get(..16)?.try_into().ok()?,
            current: values.get(16..32)?.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{file, open, wal_file::Log};

    #[test]
    fn advance_keeps_the_mark_before_and_records_the_schema_cookie() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
        let read = || {
            connection::checkpoint(&conn).unwrap();
            FileMark::read(&path).unwrap().unwrap()
        };
        assert_eq!(FileMark::read(&path).unwrap().unwrap().mark.current, NONE);
        let first = read();
        assert_ne!(first.mark.current, NONE);
        conn.execute_batch("CREATE TABLE other (x)").unwrap();
        let changed = read();
        assert_eq!(changed.marked_cookie, changed.cookie);
        assert_eq!(changed.marked_cookie, first.marked_cookie + 1);
        advance(&conn).unwrap();
        let log = Log::read(&file::wal_path(&path));
        assert_eq!(log.unwrap().marks[0].previous, changed.mark.current);
    }

    #[test]
    fn read_ignores_the_log() {
        let directory = tempfile::tempdir().unwrap();
        // Characters that a URI gives a meaning.
        let path = directory.path().join("a?b#c%20 d.db");
        let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
        connection::checkpoint(&conn).unwrap();
        let before = FileMark::read(&path).unwrap();
        assert!(before.is_some());
        advance(&conn).unwrap();
        assert_eq!(FileMark::read(&path).unwrap(), before);
    }
}
