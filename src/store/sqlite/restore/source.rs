//! The copy that is restored: checked and copied as bytes, so that SQLite never opens it and nothing beside it changes.
//!
//! Called by [`super::restore`]. A part of a database may be in a log or a journal beside it; such a copy is refused.

use std::{
    fs::{self, File, Metadata},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::store::{
    OpenError, RestoreError,
    sqlite::{file, identity::FileId, partial::Partial},
};

/// Refuses a file that is not a complete copy of a database, or is the database at `path` itself.
pub(super) fn check(source: &Path, path: &Path) -> Result<(), RestoreError> {
    let metadata = metadata(source)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Err(RestoreError::NotACopy(source.to_owned()));
    }
    let is_current = |current: Metadata| FileId::of(&current) == FileId::of(&metadata);
    if fs::metadata(path).is_ok_and(is_current) {
        return Err(RestoreError::SameFile(source.to_owned()));
    }
    file::check_header(source).map_err(|error| match error {
        OpenError::NotLlavero(path) => RestoreError::NotACopy(path),
        error => error.into(),
    })?;
    require_no_log(source)
}

/// Copies the bytes of the copy. The new file is in rollback mode, so that no log beside it belongs to it.
pub(super) fn copy(source: &Path, partial: &mut Partial) -> Result<(), RestoreError> {
    let failed = |error| read_error(source, error);
    let before = metadata(source)?;
    let mut original = File::open(source).map_err(failed)?;
    let path = partial.path().to_owned();
    let copied =
        io::copy(&mut original, partial.file()).and_then(|_| leave_wal_mode(partial.file()));
    copied.map_err(|error| super::write_error(&path, error))?;
    let after = metadata(source)?;
    let is_same = before.len() == after.len() && before.modified().ok() == after.modified().ok();
    if !is_same {
        return Err(RestoreError::Changed(source.to_owned()));
    }
    require_no_log(source)
}

/// Marks a database that has no log as one that is not in WAL mode, as SQLite does when it leaves that mode.
fn leave_wal_mode(file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(file::FORMAT_VERSIONS as u64))?;
    file.write_all(&file::ROLLBACK_MODE)
}

fn require_no_log(source: &Path) -> Result<(), RestoreError> {
    // The third is SQLite's shared memory, which has no data.
    let logs: [PathBuf; 2] = ["-wal", "-journal"].map(|suffix| file::with_suffix(source, suffix));
    let is_used = |log: &PathBuf| fs::metadata(log).is_ok_and(|log| log.len() > 0);
    match logs.into_iter().find(is_used) {
        Some(log) => Err(RestoreError::Log {
            copy: source.to_owned(),
            log,
        }),
        None => Ok(()),
    }
}

fn metadata(source: &Path) -> Result<Metadata, RestoreError> {
    fs::metadata(source).map_err(|error| read_error(source, error))
}

fn read_error(path: &Path, source: io::Error) -> RestoreError {
    RestoreError::Source {
        path: path.to_owned(),
        source,
    }
}
