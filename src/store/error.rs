//! Why the store did not answer, or did not write.
//!
//! Two kinds matter to callers: the store cannot answer now, and the same call may succeed later; or a statement is
//! wrong, which is a bug. SQLite's result codes tell them apart, never the text of a message. Errors of opening a file
//! are in [`super::open_error`].

use std::sync::Arc;

use rusqlite::ErrorCode;
use tokio::task::JoinError;

use crate::model::KeyId;

/// Why the store did not answer, or did not write. What a write began is undone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store cannot answer now: locked by another process, out of space or memory, an I/O error, damage.
    #[error("the database cannot answer: {0}")]
    Unavailable(#[source] Arc<rusqlite::Error>),

    /// All readers were busy for too long.
    #[error("no connection was free in time: {0}")]
    Exhausted(String),

    /// As many writes wait for the writer as may.
    #[error("too many writes are waiting")]
    QueueFull,

    /// The writer has ended: the store was closed, or its thread has died.
    #[error("the database writer has stopped")]
    Closed,

    /// The path of the database names another file than the one that is open, or none.
    #[error("the database file was removed, renamed or replaced while it is open")]
    FileMoved,

    /// The database is one that nobody may write to.
    #[error("the database is sealed")]
    Sealed,

    /// Another write of the same transaction failed in a way that undid them all.
    #[error("the transaction was rolled back")]
    RolledBack,

    /// What was to be changed is not stored.
    #[error("no API key has the id {}", .0.0)]
    UnknownKey(KeyId),

    /// A sum of uses is larger than the largest integer.
    #[error("a sum of uses is too large to be stored")]
    TooLarge,

    /// A statement failed, or the database holds what it should not.
    #[error("the database refused: {0}")]
    Sqlite(#[source] Arc<rusqlite::Error>),

    /// What was asked of the database did not come to an end: it panicked, and the log says where.
    #[error("a database task did not finish")]
    Unfinished,
}

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
            ) => Self::Unavailable(error.into()),
            _ => Self::Sqlite(error.into()),
        }
    }
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        Self::Exhausted(error.to_string())
    }
}

impl From<JoinError> for Error {
    fn from(_: JoinError) -> Self {
        Self::Unfinished
    }
}

impl Error {
    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::Exhausted(_)
            | Self::QueueFull
            | Self::Closed
            | Self::FileMoved
            | Self::RolledBack => true,
            Self::UnknownKey(_)
            | Self::TooLarge
            | Self::Sealed
            | Self::Sqlite(_)
            | Self::Unfinished => false,
        }
    }
}
