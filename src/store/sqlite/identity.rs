//! The identity of the open file, to detect that its path names another one.
//!
//! An open file stays readable and writable after its name was removed or given to another file, so SQLite detects
//! nothing and every write would be lost. [`super::open`] takes the identity, the writer compares it before each
//! commit, and `/readyz` on each request. A comparison is one `stat`.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::store::Error;

/// Identifies a file on this machine for as long as the file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Without inodes, only a missing file is noticed.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }
}

/// A database file that is open, with the path that it was opened at.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    wal: PathBuf,
    id: FileId,
}

impl DatabaseFile {
    /// Takes the identity of the file at `path`, before SQLite opens it.
    pub(super) fn at(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            wal: super::file::wal_path(path),
            id: FileId::of(metadata),
        }
    }

    /// Returns the path of the file, with its directory resolved.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the size of the write-ahead log; 0 if there is no log.
    pub(super) fn wal_bytes(&self) -> u64 {
        fs::metadata(&self.wal).map_or(0, |wal| wal.len())
    }

    /// Fails if the path no longer names this file.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.is_in_place() {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::FileMoved),
        }
    }

    fn is_in_place(&self) -> io::Result<bool> {
        Ok(FileId::of(&fs::metadata(&self.path)?) == self.id)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn check_fails_while_the_path_names_another_file_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let aside = directory.path().join("aside.db");
        fs::write(&path, "first").unwrap();
        let file = DatabaseFile::at(&path, &fs::metadata(&path).unwrap());
        file.check().unwrap();
        fs::write(&path, "first, changed").unwrap();
        file.check().unwrap();
        fs::rename(&path, &aside).unwrap();
        assert!(matches!(file.check(), Err(Error::FileMoved)));
        fs::write(&path, "second").unwrap();
        assert!(matches!(file.check(), Err(Error::FileMoved)));
        fs::rename(&aside, &path).unwrap();
        file.check().unwrap();
    }
}
