//! `llavero backup`: copies a database, verifies the copy, and then gives it its name.
//!
//! Called by the command. `VACUUM INTO` reads one snapshot, so it works while a server writes; it runs on a connection of
//! its own, without `query_only`, which forbids it. The copy is in rollback mode and one file: it needs no log beside it.
//! Sessions and sign-in codes are deleted from it. Invariant: a file with its final name is complete, verified and on disk.

mod names;

use std::{
    fs,
    io::{self, ErrorKind, Seek, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use self::names::Names;
use super::{
    connection, file, identity::DatabaseFile, open, partial::Partial, schema, sessions, verify,
};
use crate::{
    model::Timestamp,
    store::{BackupError, OpenError},
};

/// A step of a backup or of a restore, for a progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStep {
    /// The database is copied.
    Copying,
    /// The copy is verified.
    Verifying,
    /// The copy is written to standard output.
    Sending,
}

/// A database that is open to be copied.
#[derive(Debug)]
pub struct BackupSource {
    file: DatabaseFile,
    copier: Connection,
    /// Writes nothing. Closed last, it removes the log that the other connection cannot remove.
    _writer: Connection,
    signing_secret: [u8; 32],
}

impl BackupSource {
    /// Opens the database at `path`, of any version up to the current one. Other processes may use it, including a server.
    /// Blocks.
    ///
    /// # Errors
    /// If the file does not exist or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let (file, writer) = open::open_to_copy(path)?;
        let failed = |source| OpenError::sqlite(file.path(), source);
        let copier = connection::open_copier(file.path()).map_err(failed)?;
        let signing_secret =
            schema::signing_secret(&copier).map_err(|source| OpenError::Secret {
                path: file.path().to_owned(),
                source,
            })?;
        Ok(Self {
            file,
            _writer: writer,
            copier,
            signing_secret,
        })
    }

    /// Copies the database to a new file. Blocks.
    ///
    /// # Errors
    /// If the file exists, cannot be written, or the copy is not verified. Nothing is left of the copy then.
    pub fn copy_to_file(
        &self,
        destination: &Path,
        on_step: &dyn Fn(CopyStep),
    ) -> Result<(), BackupError> {
        let destination = resolve(destination)?;
        require_missing(&destination)?;
        let partial = create_partial(file::with_suffix(&destination, ".partial"))?;
        self.copy(&partial, on_step)?;
        match partial.publish(&destination) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(BackupError::Exists(destination))
            }
            published => published.map_err(|source| BackupError::write(&destination, source)),
        }
    }

    /// Copies the database to a new file in `directory`, which is named after the database and `now`. Then deletes the
    /// oldest copies of this database with such names, until `keep` are left. Returns the path of the copy, and the paths
    /// of the deleted ones. Blocks.
    ///
    /// # Errors
    /// As [`Self::copy_to_file`]. Nothing is deleted then.
    pub fn copy_to_directory(
        &self,
        directory: &Path,
        now: Timestamp,
        keep: Option<NonZeroU32>,
        on_step: &dyn Fn(CopyStep),
    ) -> Result<(PathBuf, Vec<PathBuf>), BackupError> {
        let names = Names::of(self.file.path());
        names.remove_abandoned(directory);
        let path = directory.join(names.at(now));
        self.copy_to_file(&path, on_step)?;
        let deleted = match keep {
            Some(keep) => names.delete_oldest(directory, &self.signing_secret, keep)?,
            None => Vec::new(),
        };
        Ok((path, deleted))
    }

    /// Copies the database to a stream. A private file beside the database has the copy until it is verified. Blocks.
    ///
    /// # Errors
    /// As [`Self::copy_to_file`], and if the stream fails. Nothing is sent before the copy is verified.
    pub fn copy_to_stream(
        &self,
        out: &mut dyn Write,
        on_step: &dyn Fn(CopyStep),
    ) -> Result<(), BackupError> {
        let path = file::with_suffix(self.file.path(), "-backup.partial");
        let mut partial = create_partial(path)?;
        self.copy(&partial, on_step)?;
        on_step(CopyStep::Sending);
        let file = partial.file();
        file.rewind()
            .and_then(|()| io::copy(file, out))
            .and_then(|_| out.flush())
            .map_err(BackupError::Stream)
    }

    fn copy(&self, partial: &Partial, on_step: &dyn Fn(CopyStep)) -> Result<(), BackupError> {
        let path = partial.path();
        let failed = |source: rusqlite::Error| BackupError::Copy {
            path: path.to_owned(),
            found: source.to_string(),
        };
        on_step(CopyStep::Copying);
        let name = path
            .to_str()
            .ok_or_else(|| BackupError::NotUnicode(path.to_owned()))?;
        self.copier
            .execute("VACUUM INTO ?1", [name])
            .map_err(failed)?;
        // A database that was put in place of the open one meanwhile is not the one that was copied.
        self.file
            .check()
            .map_err(|_| OpenError::Moved(self.file.path().to_owned()))?;
        on_step(CopyStep::Verifying);
        let copy = connection::open_copy(path).map_err(failed)?;
        sessions::delete_all(&copy).map_err(failed)?;
        if let Some(problem) = verify::verify(&copy).map_err(failed)? {
            return Err(BackupError::Wrong {
                path: self.file.path().to_owned(),
                found: problem.to_string(),
            });
        }
        Ok(())
    }
}

impl BackupError {
    fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

fn create_partial(path: PathBuf) -> Result<Partial, BackupError> {
    Partial::create(path.clone()).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => BackupError::Busy(path),
        ErrorKind::AlreadyExists => BackupError::NotPartial(path),
        _ => BackupError::write(&path, error),
    })
}

/// Resolves the directory of the copy: SQLite refuses a symbolic link in the path.
fn resolve(path: &Path) -> Result<PathBuf, BackupError> {
    file::resolve(path).map_err(|_| BackupError::NoDirectory(path.to_owned()))
}

fn require_missing(path: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(BackupError::Exists(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::write(path, error)),
    }
}
