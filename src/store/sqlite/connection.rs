//! The one recipe for a connection: flags, pragmas, and why.
//!
//! One connection writes; the pool's read and could not write if they tried. A pragma that is not in the
//! recipe is lost when the pool replaces a connection. Sources: the pages `pragma.html`, `wal.html`,
//! `security.html` and `c3ref/c_dbconfig_defensive.html` of sqlite.org.

use std::{path::Path, thread, time::Duration};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

/// A bug in write-ahead logging that could corrupt a file was fixed in 3.51.3.
const OLDEST_SQLITE: i32 = 3_051_003;

const STATEMENT_CACHE: usize = 64;

/// How often, and how many times, a writer asks for a lock that another process has: five seconds in all.
const LOCK_PAUSE: Duration = Duration::from_millis(1);
const LOCK_ATTEMPTS: i32 = 5000;

/// The connection that writes. The file exists already; see [`super::file`].
pub(super) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    assert!(
        rusqlite::version_number() >= OLDEST_SQLITE,
        "built with SQLite {}, which can corrupt a file in WAL mode",
        rusqlite::version()
    );
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common_flags())?;
    writer_settings(&conn)?;
    Ok(conn)
}

/// The one place that opens a connection; the pool has its own.
pub(super) fn open(path: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    #[expect(clippy::disallowed_methods, reason = "this is the recipe")]
    Connection::open_with_flags(path, flags)
}

/// For a connection that writes. Those settings that are about a file mean nothing in memory, and do no harm there.
pub(super) fn writer_settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_handler(Some(wait_for_lock))?;
    common_settings(conn)?;
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA wal_autocheckpoint = 1000;",
    )
}

/// What SQLite does between two attempts to get a lock. Its own `busy_timeout` soon asks only every 100 ms: on a
/// file that a server writes to without a pause, a command would miss the short gaps between two transactions for
/// seconds.
fn wait_for_lock(attempts: i32) -> bool {
    thread::sleep(LOCK_PAUSE);
    attempts < LOCK_ATTEMPTS
}

/// Switches the file to write-ahead logging, in which readers and the writer do not wait for each other. The
/// setting is kept in the file; it comes after the schema, so that a crash in between leaves a whole file.
///
/// Two processes that start at once on a new file both try to; SQLite turns one of them away without asking
/// [`wait_for_lock`], so the waiting is done here. Returns the mode that the file is in now.
///
/// Ends with a read, which opens the log: a disk that has no room for it is found now, and from now on the connection
/// holds a lock that keeps the file from being discarded.
pub(super) fn enter_wal(conn: &Connection) -> rusqlite::Result<String> {
    let mode = set_wal(conn)?;
    super::schema::version(conn)?;
    Ok(mode)
}

fn set_wal(conn: &Connection) -> rusqlite::Result<String> {
    let mut attempts = 0..LOCK_ATTEMPTS;
    loop {
        match conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && attempts.next().is_some_and(wait_for_lock) => {}
            mode => return mode,
        }
    }
}

/// Whether closing the last connection moves the write-ahead log into the file, as it does by default.
pub(super) fn checkpoint_on_close(conn: &Connection, checkpoint: bool) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoint)?;
    Ok(())
}

/// The connections that read, for the pool. Read-only at the file, and `query_only` besides.
pub(in crate::store) fn readers(path: &Path) -> SqliteConnectionManager {
    SqliteConnectionManager::file(path)
        .with_flags(reader_flags())
        .with_init(|conn| reader_settings(conn))
}

/// One such connection, without a pool.
pub(in crate::store) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, reader_flags())?;
    reader_settings(&conn)?;
    Ok(conn)
}

fn reader_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | common_flags()
}

/// For a connection that reads, and could not write if it tried.
pub(super) fn reader_settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA busy_timeout = 1000;")?;
    common_settings(conn)?;
    conn.execute_batch("PRAGMA query_only = ON;")
}

/// Leaves the file as one file: refreshes the planner's figures and empties the write-ahead log.
pub(in crate::store) fn settle(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA optimize;")?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Writes the first page of the file as it is, so that the commit of `tx` has to reach the disk. The commit of a
/// transaction that changed nothing always succeeds, and so does an `UPDATE` that leaves a row as it was: SQLite
/// compares before it writes a row, but not before it writes the header.
pub(in crate::store) fn rewrite_first_page(tx: &Connection) -> rusqlite::Result<()> {
    let version = super::schema::version(tx)?;
    tx.pragma_update(None, "user_version", version)
}

/// Never a URI (a path may begin with `file:`), never through a symbolic link; the connection is used by one
/// thread at a time.
fn common_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Trust nothing that stands in the file's schema, catch a damaged page early, take no I/O error as a signal
/// (mmap), and keep temporary data off other disks. Plan each statement once, whatever its parameters (QPSG):
/// otherwise SQLite, built with statistics, plans some of them anew on every execution.
fn common_settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false)?;
    conn.execute_batch(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16000;",
    )
}

#[cfg(test)]
mod tests {
    use r2d2::ManageConnection;

    use super::*;
    use crate::store::sqlite::open;

    fn pragma(conn: &Connection, name: &str) -> String {
        let value = conn.query_row(&format!("PRAGMA {name}"), [], |row| {
            row.get_ref(0)?
                .as_str()
                .map(str::to_owned)
                .or_else(|_| Ok(row.get::<_, i64>(0)?.to_string()))
        });
        value.unwrap()
    }

    #[test]
    fn rewrite_first_page_changes_nothing_and_still_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (file, writer) = open::create_or_open(&path, &[7; 32]).unwrap();
        let version = pragma(&writer, "user_version");
        for write in [false, true] {
            let before = file.wal_bytes();
            writer.execute_batch("BEGIN IMMEDIATE").unwrap();
            if write {
                rewrite_first_page(&writer).unwrap();
            }
            writer.execute_batch("COMMIT").unwrap();
            assert_eq!(file.wal_bytes() > before, write);
        }
        assert_eq!(pragma(&writer, "user_version"), version);
    }

    #[test]
    fn every_connection_follows_the_recipe_however_often_it_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (file, writer) = open::create_or_open(&path, &[7; 32]).unwrap();
        let shared = [
            ("journal_mode", "wal"),
            ("trusted_schema", "0"),
            ("cell_size_check", "1"),
            ("mmap_size", "0"),
            ("temp_store", "2"),
            ("cache_size", "-16000"),
        ];
        let of_the_writer = [
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("journal_size_limit", "67108864"),
            ("wal_autocheckpoint", "1000"),
            ("query_only", "0"),
        ];
        for (name, value) in shared.iter().chain(&of_the_writer) {
            assert_eq!(pragma(&writer, name), *value, "{name}");
        }
        let readers = readers(file.path());
        for _ in 0..2 {
            let reader = readers.connect().unwrap();
            for (name, value) in shared
                .iter()
                .chain(&[("busy_timeout", "1000"), ("query_only", "1")])
            {
                assert_eq!(pragma(&reader, name), *value, "{name}");
            }
            assert!(reader.is_readonly(rusqlite::MAIN_DB).unwrap());
            assert!(reader.execute("DELETE FROM organizations", []).is_err());
        }
    }
}
