//! Opening a database file: checks it, migrates it and returns a connection that writes to it.
//!
//! Called by [`super::database`]. Until the last check has passed, nothing changes the file. Closing it changes
//! nothing either: a checkpoint would move into it what a newer version left in the write-ahead log. A file that was
//! created here is removed again if it cannot be completed.

use std::path::Path;

use rusqlite::{Connection, MAIN_DB};

use super::{
    commit_mark, connection, discard,
    file::{self, Preflight},
    foreign_log,
    identity::DatabaseFile,
    integrity, schema,
    server_lock::ServerLock,
};
use crate::store::OpenError;

/// Opens the file for a server as [`create_or_open`] does, under the lock that admits one server. A file that is not a
/// database of llavero is refused before the lock file is created beside it.
pub(super) fn open_for_server(
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<(ServerLock, DatabaseFile, Connection), OpenError> {
    let path = &file::resolve(path)?;
    match Preflight::of(path) {
        Ok(_) | Err(OpenError::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    let lock = ServerLock::acquire(path)?;
    let opened = foreign_log::check_as_server(path)
        .and_then(|()| create_or_open(path, new_signing_secret))
        .and_then(|(file, conn)| {
            separate_logs(&conn).map_err(|source| OpenError::sqlite(path, source))?;
            Ok((file, conn))
        });
    match opened {
        Ok((file, conn)) => Ok((lock, file, conn)),
        Err(error) => {
            lock.discard();
            Err(error)
        }
    }
}

/// Moves the log that a killed process has left into the file, with a new mark. The log of this server follows that mark, so
/// that it does not continue a copy from before.
fn separate_logs(conn: &Connection) -> rusqlite::Result<()> {
    commit_mark::advance(conn)?;
    connection::truncate_log_at_once(conn)
}

/// Returns whether a server has the file at `path` open.
pub(in crate::store) fn is_served(path: &Path) -> bool {
    file::resolve(path).is_ok_and(|path| ServerLock::is_held(&path))
}

/// Opens the file. A missing or empty file becomes a database with `new_signing_secret`; an older one is brought up to
/// date. Returns the file and the connection that writes to it.
pub(super) fn create_or_open(
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<(DatabaseFile, Connection), OpenError> {
    let path = file::resolve(path)?;
    file::refuse_unfinished_restore(&path)?;
    foreign_log::check(&path)?;
    let is_new = file::create_if_missing(&path)?;
    let opened = open_and_migrate(&path, new_signing_secret);
    if is_new && opened.is_err() {
        discard::discard_unused(&path);
    }
    opened
}

fn open_and_migrate(
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<(DatabaseFile, Connection), OpenError> {
    let failed = |source| OpenError::sqlite(path, source);

    let preflight = Preflight::of(path)?;
    let mut conn = open_checked(path, &preflight)?;
    schema::migrate(&mut conn, path, new_signing_secret)?;
    let mode = connection::enter_wal(&conn).map_err(failed)?;
    if mode != "wal" {
        let path = path.to_owned();
        return Err(OpenError::NoWriteAheadLog { path, mode });
    }
    connection::checkpoint_on_close(&conn, true).map_err(failed)?;
    file::warn_if_readable_by_others(path);
    file::warn_of_hard_links(path);
    require_in_place(&preflight, &conn)?;
    Ok((preflight.file, conn))
}

/// Opens a database of the current version for a command. Does not check for damage: the check reads the whole file, and
/// the last start of a server has done it.
pub(super) fn open_existing(path: &Path) -> Result<(DatabaseFile, Connection), OpenError> {
    open_current(path, open_unchecked)
}

/// Opens a database of the current version and checks it for damage, for a caller that prints its content.
fn open_and_check(path: &Path) -> Result<(DatabaseFile, Connection), OpenError> {
    open_current(path, open_checked)
}

/// See [`crate::store::Store::create_if_missing`].
pub(in crate::store) fn create_if_missing(
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<bool, OpenError> {
    // An empty file is left by a start that was interrupted, or belongs to one that is in progress; they take turns.
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(false);
    }
    create_or_open(path, new_signing_secret)?;
    Ok(true)
}

/// See [`crate::store::Store::signing_secret_of`].
pub(in crate::store) fn signing_secret_of(path: &Path) -> Result<[u8; 32], OpenError> {
    let (file, conn) = open_and_check(path)?;
    schema::signing_secret(&conn).map_err(|source| OpenError::Secret {
        path: file.path().to_owned(),
        source,
    })
}

fn open_current(
    path: &Path,
    open: impl FnOnce(&Path, &Preflight) -> Result<Connection, OpenError>,
) -> Result<(DatabaseFile, Connection), OpenError> {
    let path = &file::resolve(path)?;
    let preflight = Preflight::of(path)?;
    foreign_log::check(path)?;
    let conn = open(path, &preflight)?;
    schema::require_current(&conn, path)?;
    connection::checkpoint_on_close(&conn, true)
        .map_err(|source| OpenError::sqlite(path, source))?;
    require_in_place(&preflight, &conn)?;
    Ok((preflight.file, conn))
}

/// Opens a database of any version up to the current one, to copy it.
pub(super) fn open_to_copy(path: &Path) -> Result<(DatabaseFile, Connection), OpenError> {
    let path = &file::resolve(path)?;
    let preflight = Preflight::of(path)?;
    foreign_log::check(path)?;
    let conn = open_unchecked(path, &preflight)?;
    let failed = |source| OpenError::sqlite(path, source);
    if schema::version(&conn).map_err(failed)? == 0 {
        return Err(OpenError::Missing(path.to_owned()));
    }
    connection::checkpoint_on_close(&conn, true).map_err(failed)?;
    require_in_place(&preflight, &conn)?;
    Ok((preflight.file, conn))
}

/// Opens a writing connection to a file that may be written, is not too new and is whole.
fn open_checked(path: &Path, preflight: &Preflight) -> Result<Connection, OpenError> {
    let conn = open_unchecked(path, preflight)?;
    integrity::check(&conn, path)?;
    Ok(conn)
}

/// Opens a writing connection to a file that may be written and is not too new.
pub(super) fn open_unchecked(path: &Path, preflight: &Preflight) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::sqlite(path, source);
    let conn = connection::open_writer(path).map_err(failed)?;
    if preflight.had_wal {
        connection::checkpoint_on_close(&conn, false).map_err(failed)?;
    }
    // SQLite opens a file for reading only if it may not write, and reports nothing.
    if conn.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    let found = schema::version(&conn).map_err(failed)?;
    schema::check_version(path, found)?;
    Ok(conn)
}

/// Refuses a file that was replaced between the preflight and now: SQLite may have opened another one. The log beside the
/// path may be that of the other one, so that closing must neither move it into this file nor remove it.
fn require_in_place(preflight: &Preflight, conn: &Connection) -> Result<(), OpenError> {
    let path = preflight.file.path();
    if preflight.file.check().is_ok() {
        return Ok(());
    }
    connection::checkpoint_on_close(conn, false)
        .map_err(|source| OpenError::sqlite(path, source))?;
    Err(OpenError::Moved(path.to_owned()))
}
