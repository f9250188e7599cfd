//! From a path to a connection on a file that is whole, ours and up to date: the order of the steps.
//!
//! Until the last check has passed, nothing changes the file: not even closing it, which would otherwise move
//! into it what a newer version left in the write-ahead log.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB};

use super::{connection, file, schema};
use crate::store::{OpenError, OpenOptions};

/// The file's full path, and the connection that writes to it.
pub(in crate::store) fn open(
    path: &Path,
    options: &OpenOptions,
) -> Result<(PathBuf, Connection), OpenError> {
    let path = file::prepare(path, options.create)?;
    let had_log = file::has_log(&path);
    let failed = |source| OpenError::sqlite(&path, source);

    let mut conn = connection::open_writer(&path).map_err(failed)?;
    if had_log {
        connection::checkpoint_on_close(&conn, false).map_err(failed)?;
    }
    // SQLite falls back to reading when it may not write, and says nothing.
    if conn.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(OpenError::ReadOnly(path));
    }
    schema::bring_up_to_date(&mut conn, &path, &options.new_signing_secret)?;
    file::check_integrity(&conn, &path)?;
    connection::enter_wal(&conn).map_err(failed)?;
    connection::checkpoint_on_close(&conn, true).map_err(failed)?;
    Ok((path, conn))
}
