//! Flags and pragmas of every connection, with the reasons.
//!
//! One connection writes; those of the pool are read-only. The pool applies the same settings when it replaces a
//! connection. Sources: the pages `pragma.html`, `wal.html`, `security.html` and `c3ref/c_dbconfig_defensive.html` of
//! sqlite.org.

use std::{fmt::Write, path::Path, thread, time::Duration};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig,
};

use super::commit_mark;

/// Version 3.51.3 fixed a bug in write-ahead logging that could corrupt a file.
const MIN_SQLITE: i32 = 3_051_003;

const STATEMENT_CACHE: usize = 64;

/// A writer retries for five seconds to get a lock that another process holds.
const LOCK_PAUSE: Duration = Duration::from_millis(1);
const LOCK_ATTEMPTS: i32 = 5000;

/// Opens the connection that writes to an existing file.
pub(super) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    assert!(
        rusqlite::version_number() >= MIN_SQLITE,
        "built with SQLite {}, which can corrupt a file in WAL mode",
        rusqlite::version()
    );
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common_flags())?;
    writer_settings(&conn)?;
    Ok(conn)
}

/// Opens a connection without settings. The only place that does, apart from the pool.
pub(super) fn open(path: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    #[expect(clippy::disallowed_methods, reason = "this is the recipe")]
    Connection::open_with_flags(path, flags)
}

/// Applies the settings of a connection that writes. Settings about the file have no effect in memory.
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

/// SQLite's busy handler: waits between two attempts to get a lock. SQLite's own `busy_timeout` backs off to 100 ms, so on
/// a file that a server writes to continuously, a command would miss the short gaps between transactions for seconds.
fn wait_for_lock(attempts: i32) -> bool {
    thread::sleep(LOCK_PAUSE);
    attempts < LOCK_ATTEMPTS
}

/// Switches the file to write-ahead logging, in which readers and the writer do not block each other. Returns the mode of
/// the file. The mode is stored in the file; it is set after the migration, so that a crash in between leaves a complete
/// file.
///
/// Retries by itself: if two processes switch a new file at the same time, SQLite fails one of them without calling
/// [`wait_for_lock`].
///
/// Ends with a read, which creates the log. A disk without room for it is detected now, and from now on the connection
/// holds a lock that prevents the file from being discarded.
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

/// Sets whether closing the last connection moves the write-ahead log into the file, which is the default.
pub(super) fn checkpoint_on_close(conn: &Connection, checkpoint: bool) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoint)?;
    Ok(())
}

/// Returns the pool's recipe for connections that read. The file is opened read-only, and `query_only` is set.
pub(super) fn readers(path: &Path) -> SqliteConnectionManager {
    SqliteConnectionManager::file(path)
        .with_flags(reader_flags())
        .with_init(|conn| reader_settings(conn))
}

/// Opens one connection that reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, reader_flags())?;
    reader_settings(&conn)?;
    Ok(conn)
}

/// Opens a connection that reads the file without its write-ahead log, and without locks or files beside it. What it reads
/// is consistent only if no other process writes.
pub(super) fn open_without_log(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02x}");
            }
        }
    }
    let conn = open(
        uri + "?immutable=1",
        reader_flags() | OpenFlags::SQLITE_OPEN_URI,
    )?;
    reader_settings(&conn)?;
    Ok(conn)
}

/// Opens one connection that reads, and may run `VACUUM INTO`, which `query_only` forbids.
pub(super) fn open_copier(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, reader_flags())?;
    conn.busy_handler(Some(wait_for_lock))?;
    common_settings(&conn)?;
    Ok(conn)
}

/// Opens an existing file with a lock that excludes every other connection, in WAL mode too, and with one snapshot for all
/// reads. In this locking mode, SQLite uses no shared memory. Closing it leaves the log where it is: see
/// [`checkpoint_on_close`]. If it fails, a log is as it was before, as `had_wal` tells.
pub(super) fn open_exclusively(path: &Path, had_wal: bool) -> rusqlite::Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common_flags())?;
    checkpoint_on_close(&conn, !had_wal)?;
    conn.busy_handler(Some(wait_for_lock))?;
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")?;
    common_settings(&conn)?;
    checkpoint_on_close(&conn, false)?;
    Ok(conn)
}

/// Opens the only connection to a file that is not in use yet. A journal in memory leaves no file beside it: a file whose
/// process is killed is not used. Deleted data is overwritten.
pub(super) fn open_copy(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common_flags())?;
    writer_settings(&conn)?;
    conn.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA secure_delete = ON;",
    )?;
    conn.query_row("PRAGMA journal_mode = MEMORY", [], |_| Ok(()))?;
    Ok(conn)
}

/// Opens a connection that reads file and log, and keeps other processes out. In this locking mode SQLite needs no shared
/// memory, and creates no file for it. Closing the connection leaves the log as it is. Fails at once if another process has
/// the file open.
pub(super) fn open_exclusive_reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | common_flags())?;
    checkpoint_on_close(&conn, false)?;
    // Before the first read, which would open the shared memory.
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE;")?;
    common_settings(&conn)?;
    conn.execute_batch("PRAGMA query_only = ON;")?;
    // Takes the lock.
    super::schema::version(&conn)?;
    Ok(conn)
}

fn reader_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | common_flags()
}

/// Applies the settings of a connection that reads.
pub(super) fn reader_settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA busy_timeout = 1000;")?;
    common_settings(conn)?;
    conn.execute_batch("PRAGMA query_only = ON;")
}

/// Updates the planner's statistics and moves the write-ahead log into the file.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    tx.execute_batch("PRAGMA optimize;")?;
    commit_mark::advance(&tx)?;
    tx.commit()?;
    truncate_log(conn)
}

/// Moves the write-ahead log into the file and empties it. A part remains in the log while another process reads from it.
pub(super) fn truncate_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Moves the write-ahead log into the file as [`truncate_log`] does, but does not wait for other processes.
pub(super) fn truncate_log_at_once(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_handler(None)?;
    let truncated = truncate_log(conn);
    conn.busy_handler(Some(wait_for_lock))?;
    truncated
}

/// The path is not a URI, since a path may begin with `file:`, and not a symbolic link. One thread at a time uses the
/// connection.
fn common_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Applies the settings of every connection. They distrust the file's schema, detect a damaged page early, turn off mmap
/// (which reports an I/O error as a signal), and keep temporary data in memory. QPSG plans each statement once,
/// independently of its parameters; otherwise SQLite, built with statistics, plans some of them on every execution.
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
    fn every_connection_has_the_settings_also_after_it_was_replaced() {
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
