//! Errors of opening a database: one line each for the person at the terminal, with advice.
//!
//! Shown by the commands. The advice depends on the cause; the backend classifies the errors of its library.

use std::{
    error::Error as StdError,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Error, Source};

/// "Input/output error", the same number on every Unix; std has no [`ErrorKind`] for it.
const EIO: i32 = 5;

/// The database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file does not exist, and the caller does not create it.
    #[error(
        "no database at {0}: create it with `llavero serve` or `llavero org create`, or name another one with --database"
    )]
    Missing(PathBuf),

    /// The operating system refused to open, read or create the file.
    #[error("cannot open the database {path}: {source}; check the path and its permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// The disk has no room for the file, or a limit on the size of files is reached.
    #[error("the disk of {path} is full ({found}): free some space on it and try again")]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// The error that reading or writing returned.
        found: String,
    },

    /// The disk failed to read or write. The file itself may be whole.
    #[error(
        "the disk of {path} failed ({found}): check the disk, its free space and the system log, and try again"
    )]
    DiskFailed {
        /// The file.
        path: PathBuf,
        /// The error that reading or writing returned.
        found: String,
    },

    /// Another server has the file open.
    #[error(
        "{0} is already served: stop the server that uses it, or name another file with --database"
    )]
    AlreadyServed(PathBuf),

    /// The file that admits one server was not created or locked.
    #[error(
        "cannot lock {path}, which keeps a second server out: {source}; check the path and its permissions, or move the database to a local disk"
    )]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// Another process holds the write lock for longer than a connection waits.
    #[error("another process is writing to {0}: try again when it has finished")]
    Busy(PathBuf),

    /// A restore was interrupted while it exchanged the files.
    #[error(
        "a restore of {0} was interrupted: run `llavero restore` again, which ends or undoes it first"
    )]
    UnfinishedRestore(PathBuf),

    /// The file was removed, renamed or replaced while it was being opened.
    #[error("{0} was removed, renamed or replaced while it was being opened: try again")]
    Moved(PathBuf),

    /// The write-ahead log beside the file belongs to another file, or to another state of this one.
    #[error(
        "{log} is not the write-ahead log of {path}, and would overwrite it: if {path} was restored from a copy, move {log} to another directory and start again; if the copy is there by mistake, put the original file back"
    )]
    ForeignLog {
        /// The file.
        path: PathBuf,
        /// The log beside it.
        log: PathBuf,
    },

    /// The path is a symbolic link: SQLite would keep its side files beside the link, not beside the file.
    #[error("{0} is a symbolic link: name the file itself with --database")]
    SymbolicLink(PathBuf),

    /// The path is a directory, a device or a socket.
    #[error("{0} is not a regular file: name another one with --database")]
    NotAFile(PathBuf),

    /// The file is not writable.
    #[error("{0} may not be written: check its permissions and its owner")]
    ReadOnly(PathBuf),

    /// The file is not a database of llavero.
    #[error("{0} is not a llavero database: name another file with --database")]
    NotLlavero(PathBuf),

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

    /// The file was written by an earlier version of this program, and the caller does not migrate it.
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

    /// Another error of the database library.
    #[error("cannot open the database {path}: {source}; check the path and its permissions")]
    Other {
        /// The file.
        path: PathBuf,
        /// The library's error.
        source: Source,
    },

    /// The pool of connections that read could not be opened.
    #[error(
        "cannot open {path} for reading: {source}; allow more open files, or lower --pool-size"
    )]
    Readers {
        /// The file.
        path: PathBuf,
        /// The pool's error.
        source: Source,
    },

    /// The thread that writes did not start.
    #[error("cannot start a thread: {0}; allow more processes")]
    Thread(#[source] io::Error),

    /// The file's signing secret could not be read.
    #[error("cannot read the signing secret of {path}: {source}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// The store's error.
        source: Error,
    },
}

impl OpenError {
    /// Classifies an error of the operating system: a full or failing disk is not a matter of permissions.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                let found = source.to_string();
                Self::DiskFull { path, found }
            }
            _ if source.raw_os_error() == Some(EIO) => {
                let found = source.to_string();
                Self::DiskFailed { path, found }
            }
            _ => Self::Io { path, source },
        }
    }

    /// The lock file could not be created or locked. A full or failing disk is reported as such.
    pub(super) fn lock(path: &Path, source: io::Error) -> Self {
        match Self::io(path, source) {
            Self::Io { path, source } => Self::Lock { path, source },
            error => error,
        }
    }

    /// The pool of connections could not be opened.
    pub(super) fn readers(path: &Path, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Readers {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_the_disk_is_reported_as_one() {
        let text =
            |code| OpenError::io("x.db".as_ref(), io::Error::from_raw_os_error(code)).to_string();
        assert!(
            text(EIO).starts_with("the disk of x.db failed"),
            "{}",
            text(EIO)
        );
        for code in [EFBIG, ENOSPC] {
            assert!(
                text(code).starts_with("the disk of x.db is full"),
                "{}",
                text(code)
            );
        }
        assert!(text(EACCES).contains("check the path and its permissions"));
    }

    const EACCES: i32 = 13;
    const EFBIG: i32 = 27;
    const ENOSPC: i32 = 28;
}
