//! Errors of a backup: one line each for the person at the terminal, with advice.
//!
//! Returned by [`super::BackupSource`], and shown by the command.

use std::{io, path::PathBuf};

use super::OpenError;

/// The database was not copied. Nothing was left of the copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database was replaced while it was copied.
    #[error(transparent)]
    Open(#[from] OpenError),

    /// A file has the name of the copy.
    #[error("{0} exists, and a backup never overwrites: choose another name, or name a directory")]
    Exists(PathBuf),

    /// The copy was to be in a directory that does not exist.
    #[error("cannot write {0}: its directory does not exist or cannot be entered")]
    NoDirectory(PathBuf),

    /// SQLite needs the path as text.
    #[error("cannot write {0}: the path is not UTF-8; choose another name")]
    NotUnicode(PathBuf),

    /// Another backup writes the same file.
    #[error("another backup is writing {0}: wait until it has finished")]
    Busy(PathBuf),

    /// A file that no backup has left has the name of an incomplete copy.
    #[error("{0} exists, and is not the rest of a backup that was killed: move it away")]
    NotPartial(PathBuf),

    /// The operating system refused to create, write or name the copy.
    #[error("cannot write {path}: {source}; check the path, its permissions and its disk")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// SQLite failed to copy the database, or to read the copy.
    #[error("cannot copy the database to {path}: {found}; check the disk and its free space")]
    Copy {
        /// The copy.
        path: PathBuf,
        /// SQLite's error.
        found: String,
    },

    /// The copy was not verified, so the database is wrong as well.
    #[error(
        "the copy is not whole ({found}), so it was removed: {path} itself may be damaged; keep your older backups"
    )]
    Wrong {
        /// The database.
        path: PathBuf,
        /// The first problem.
        found: String,
    },

    /// The copy was not written to the stream completely.
    #[error("cannot write the copy to standard output: {0}; what was written is not complete")]
    Stream(#[source] io::Error),

    /// The copy is complete, but an older one was not deleted.
    #[error("the backup is complete, but cannot delete an older one, {path}: {source}")]
    Delete {
        /// The older copy, or the directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}
