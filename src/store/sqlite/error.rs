//! Conversion of SQLite's and the pool's errors to those of the store.
//!
//! Result codes decide, never the text of a message. A failing or full disk must not be reported as a damaged file,
//! because a person who then restores a backup loses what was written since.

use std::{path::Path, sync::Arc};

use rusqlite::ErrorCode;

use crate::store::{AccessError, Error, OpenError};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(Arc::new(error)),
            _ => Self::Bug(Arc::new(error)),
        }
    }
}

impl From<rusqlite::Error> for AccessError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        Self::PoolTimeout(error.to_string())
    }
}

/// Returns whether the content of the file is wrong, and not the disk or a lock.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

impl OpenError {
    /// Classifies an error of SQLite: damage to the file, a full or failing disk, a lock, or something else.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let found = source.to_string();
        if is_damage(&source) {
            return Self::Damaged { path, found };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, found },
            Some(ErrorCode::SystemIoFailure) => Self::DiskFailed { path, found },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            _ => Self::Other {
                path,
                source: Arc::new(source),
            },
        }
    }
}
