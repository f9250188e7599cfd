//! What can go wrong with the store: while opening it, and afterwards.
//!
//! Opening fails with one line for the person at the terminal, which says what to do. Afterwards there are
//! two kinds: the store cannot answer now (worth trying again), or a statement is wrong (a bug). SQLite's
//! result codes tell them apart, never the text of a message.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::ErrorCode;
use tokio::task::JoinError;

use crate::model::KeyId;

/// Why a database file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file, and none was to be created.
    #[error(
        "no database at {0}: create it with `llavero serve` or `llavero org create`, or name another one with --database"
    )]
    Missing(PathBuf),

    /// The file cannot be reached, read or created.
    #[error("cannot open the database {path}: {source}; check the path and its permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// The path is a symbolic link: SQLite would keep its side files beside the link, not beside the file.
    #[error("{0} is a symbolic link: name the file itself with --database")]
    SymbolicLink(PathBuf),

    /// The path is a directory, a device, a socket.
    #[error("{0} is not a regular file: name another one with --database")]
    NotAFile(PathBuf),

    /// The file may be read and not written.
    #[error("{0} may not be written: check its permissions and its owner")]
    ReadOnly(PathBuf),

    /// The file is somebody else's.
    #[error("{0} is not a llavero database: name another file with --database")]
    Foreign(PathBuf),

    /// The file was written by a later version of this program.
    #[error(
        "{path} has schema version {found}, this llavero knows versions up to {known}: use a newer llavero"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },

    /// The file was written by an earlier version of this program, and is not to be changed here.
    #[error(
        "{0} has an older schema: start `llavero serve` on it once, which brings it up to date"
    )]
    Older(PathBuf),

    /// The file system does not support SQLite's write-ahead log.
    #[error(
        "the file system of {path} does not allow write-ahead logging (journal mode {mode}): name a file on a local disk"
    )]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
        /// The mode that SQLite stayed in.
        mode: String,
    },

    /// SQLite's own check found damage.
    #[error("{path} is damaged ({found}): restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing the check found.
        found: String,
    },

    /// SQLite refused something else.
    #[error("cannot open the database {path}: {source}; check the path and its permissions")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },

    /// The pool of readers did not come up.
    #[error(
        "cannot open {path} for reading: {source}; allow more open files, or lower --pool-size"
    )]
    Readers {
        /// The file.
        path: PathBuf,
        /// The pool's word.
        source: r2d2::Error,
    },

    /// The thread that writes did not start.
    #[error("cannot start a thread: {0}; allow more processes")]
    Thread(#[source] io::Error),

    /// The file's signing secret could not be read.
    #[error("cannot read the signing secret of {path}: {source}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// The store's word.
        source: Error,
    },
}

impl OpenError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                found: source.to_string(),
            },
            _ => Self::Sqlite { path, source },
        }
    }
}

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

    /// The store is being closed.
    #[error("the database is being closed")]
    Closed,

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
            | Self::RolledBack => true,
            Self::UnknownKey(_)
            | Self::TooLarge
            | Self::Sealed
            | Self::Sqlite(_)
            | Self::Unfinished => false,
        }
    }
}
