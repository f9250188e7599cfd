//! The file that is replaced: locked against every other process, or read beside them for a rehearsal.
//!
//! Held by [`super::restore`]. Invariants: closing the locked connection never touches a file at the old path, where another
//! database is by then. A file that is not replaced is left as it was.

use std::{fs, io::ErrorKind, path::Path};

use rusqlite::Connection;

use crate::store::{
    OpenError, RestoreError,
    sqlite::{
        connection,
        file::{self, Preflight},
        foreign_log, open, schema, verify,
    },
};

/// The current file.
pub(super) struct Current {
    state: State,
    /// Whether SQLite has created a log that is removed again if the file stays.
    has_new_log: bool,
}

enum State {
    /// There is no file, or an empty one.
    Missing,
    /// It is a database, and open in one snapshot.
    Readable(Connection),
    /// It cannot be read for this reason. The connection, if there is one, holds the lock.
    Unreadable(String, Option<Connection>),
}

impl Current {
    /// Opens the file with a lock that excludes every other connection. Waits for those of commands.
    pub(super) fn lock(path: &Path) -> Result<Self, RestoreError> {
        Self::with(path, foreign_log::check_as_server, |path, preflight| {
            connection::open_exclusively(path, preflight.had_wal)
                .map_err(|error| OpenError::sqlite(path, error))
        })
    }

    /// Opens the file to read it, while other processes may use it.
    pub(super) fn open(path: &Path) -> Result<Self, RestoreError> {
        Self::with(path, foreign_log::check, |path, preflight| {
            let conn = open::open_unchecked(path, preflight)?;
            conn.execute_batch("BEGIN")
                .map_err(|error| OpenError::sqlite(path, error))?;
            Ok(conn)
        })
    }

    fn with(
        path: &Path,
        check_log: fn(&Path) -> Result<(), OpenError>,
        open: impl FnOnce(&Path, &Preflight) -> Result<Connection, OpenError>,
    ) -> Result<Self, RestoreError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::missing()),
            Ok(found) if found.is_file() && found.len() == 0 => return Ok(Self::missing()),
            _ => {}
        }
        let preflight = match preflight(path, check_log) {
            Ok(preflight) => preflight,
            Err(error @ (OpenError::SymbolicLink(_) | OpenError::NotAFile(_))) => {
                return Err(error.into());
            }
            Err(error) => return Ok(Self::unreadable(&error, None)),
        };
        let has_new_log = !preflight.had_wal;
        let state = match open(path, &preflight) {
            Ok(conn) => match unreadable(&conn, path) {
                None => State::Readable(conn),
                Some(found) => State::Unreadable(found, Some(conn)),
            },
            Err(error @ (OpenError::Busy(_) | OpenError::Moved(_))) => return Err(error.into()),
            Err(error) => return Ok(Self::unreadable(&error, None)),
        };
        Ok(Self { state, has_new_log })
    }

    fn missing() -> Self {
        Self {
            state: State::Missing,
            has_new_log: false,
        }
    }

    fn unreadable(error: &OpenError, conn: Option<Connection>) -> Self {
        Self {
            state: State::Unreadable(error.to_string(), conn),
            has_new_log: false,
        }
    }

    /// Returns the connection that reads the file; `None` if it is missing or cannot be read.
    pub(super) fn conn(&self) -> Option<&Connection> {
        match &self.state {
            State::Readable(conn) => Some(conn),
            State::Missing | State::Unreadable(..) => None,
        }
    }

    /// Fails if there is a file that cannot be read.
    pub(super) fn require_readable(&self, path: &Path) -> Result<(), RestoreError> {
        match &self.state {
            State::Unreadable(found, _) => Err(RestoreError::Unreadable {
                path: path.to_owned(),
                found: found.clone(),
            }),
            State::Missing | State::Readable(_) => Ok(()),
        }
    }

    /// Closes the file after it was moved to `aside`. Its log was moved too: SQLite must not remove the one at the old path. A
    /// log that this lock has created is empty, and is removed.
    pub(super) fn release_moved(mut self, aside: &Path) {
        let log = file::wal_path(aside);
        let has_new_log = std::mem::take(&mut self.has_new_log);
        drop(self);
        if has_new_log && fs::metadata(&log).is_ok_and(|log| log.len() == 0) {
            // An empty log does no harm.
            let _ = fs::remove_file(log);
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let (State::Readable(conn) | State::Unreadable(_, Some(conn))) = &self.state else {
            return;
        };
        // A failure leaves an empty log.
        let _ = connection::checkpoint_on_close(conn, self.has_new_log);
    }
}

fn preflight(
    path: &Path,
    check_log: fn(&Path) -> Result<(), OpenError>,
) -> Result<Preflight, OpenError> {
    let preflight = Preflight::of(path)?;
    check_log(path)?;
    Ok(preflight)
}

/// Returns why the database cannot be read as a later state of a copy.
fn unreadable(conn: &Connection, path: &Path) -> Option<String> {
    if let Err(error) = schema::require_current(conn, path) {
        return Some(error.to_string());
    }
    match verify::damage(conn) {
        Ok(None) => None,
        Ok(Some(problem)) => Some(problem.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
