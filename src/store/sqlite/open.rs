//! From a path to a connection on a file that is whole, ours and up to date: the order of the steps.
//!
//! Until the last check has passed, nothing changes the file: not even closing it, which would otherwise move
//! into it what a newer version left in the write-ahead log.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB};

use super::{connection, file, schema};
use crate::store::OpenError;

/// Opens the file for a server: a missing or empty one becomes a database with `new_signing_secret`, an older
/// one is brought up to date. The file's full path, and the connection that writes to it.
pub(in crate::store) fn create_or_open(
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<(PathBuf, Connection), OpenError> {
    let path = file::prepare(path, true)?;
    let failed = |source| OpenError::sqlite(&path, source);

    let mut conn = checked(&path)?;
    schema::bring_up_to_date(&mut conn, &path, new_signing_secret)?;
    let mode = connection::enter_wal(&conn).map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path, mode });
    }
    connection::checkpoint_on_close(&conn, true).map_err(failed)?;
    file::warn_of_readers(&path);
    Ok((path, conn))
}

/// Opens a file that is a database of this version already, for a command. Whether all of it is whole was checked
/// by the server that opened it before: it takes a fifth of a second for 65 MB, and commands come often.
pub(in crate::store) fn open_existing(path: &Path) -> Result<(PathBuf, Connection), OpenError> {
    existing(path, ours)
}

/// The same, for a caller that trusts nothing in the file before all of it was checked.
pub(in crate::store) fn open_and_check(path: &Path) -> Result<(PathBuf, Connection), OpenError> {
    existing(path, checked)
}

fn existing(
    path: &Path,
    open: impl FnOnce(&Path) -> Result<Connection, OpenError>,
) -> Result<(PathBuf, Connection), OpenError> {
    let path = file::prepare(path, false)?;
    let conn = open(&path)?;
    schema::require_current(&conn, &path)?;
    connection::checkpoint_on_close(&conn, true)
        .map_err(|source| OpenError::sqlite(&path, source))?;
    Ok((path, conn))
}

/// A writing connection to a file that may be written and is whole.
fn checked(path: &Path) -> Result<Connection, OpenError> {
    let conn = ours(path)?;
    file::check_integrity(&conn, path)?;
    Ok(conn)
}

/// A writing connection to a file that may be written and is not too new.
fn ours(path: &Path) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::sqlite(path, source);
    // Asked before SQLite makes a log of its own.
    let had_log = file::has_log(path);
    let conn = connection::open_writer(path).map_err(failed)?;
    if had_log {
        connection::checkpoint_on_close(&conn, false).map_err(failed)?;
    }
    // SQLite falls back to reading when it may not write, and says nothing.
    if conn.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    let found = schema::version(&conn).map_err(failed)?;
    schema::check_version(path, found)?;
    Ok(conn)
}
