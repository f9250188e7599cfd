//! A file under construction: it has a name of its own until it is complete.
//!
//! Used by [`super::backup`] for a copy and by [`super::restore`] for the database that replaces the current one. The file
//! is locked while its process lives, so that a file whose process was killed is recognised, and removed by the next run.
//! Invariant: the final name appears in one step, only for a complete file that is on disk, and never replaces a file.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use super::{file, identity::FileId};

/// A file under construction. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    /// Open and locked for as long as the file is under construction.
    file: File,
    is_complete: bool,
}

impl Partial {
    /// Creates an empty file at `path`, which only its owner may open. Removes a file there whose process was killed.
    ///
    /// Fails with [`ErrorKind::WouldBlock`] if another process constructs it, and with [`ErrorKind::AlreadyExists`] if the
    /// file there is something else.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        remove_abandoned(&path)?;
        let file = file::private_options().create_new(true).open(&path)?;
        // A file system without locks does not prevent a backup; then a killed one is removed by hand.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Self {
            path,
            file,
            is_complete: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Writes the file to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Keeps the file when this value is dropped.
    pub(super) fn keep(&mut self) {
        self.is_complete = true;
    }

    /// Removes the file.
    pub(super) fn discard(mut self) {
        self.is_complete = false;
    }

    /// Gives the file its final name, and writes the directory to the disk. Fails with [`ErrorKind::AlreadyExists`] if
    /// there is a file with that name.
    pub(super) fn publish(mut self, destination: &Path) -> io::Result<()> {
        self.sync()?;
        rename_without_replacing(&self.path, destination)?;
        self.is_complete = true;
        sync_directory(destination)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_complete {
            // The caller has an error to report already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the file at `path` that a killed process has left under construction. A missing file is no error.
pub(super) fn remove_abandoned(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => return Err(ErrorKind::AlreadyExists.into()),
        Ok(_) => {}
    }
    let mut file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !may_be_a_database(&mut file)? {
        return Err(ErrorKind::AlreadyExists.into());
    }
    fs::remove_file(path)
}

/// Returns whether the file may be the beginning of a database. SQLite may write its first page last.
fn may_be_a_database(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(16).read_to_end(&mut start)?;
    Ok(start == b"SQLite format 3\0" || start.iter().all(|byte| *byte == 0))
}

/// Renames a file in one step, unless the new name is in use. A crash in the second way may leave both names, of one
/// complete file.
pub(super) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::{
            fs::{CWD, RenameFlags, renameat_with},
            io::Errno,
        };
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // The file system does not support it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            renamed => return Ok(renamed?),
        }
    }
    match fs::hard_link(from, to) {
        // A crash has left both names.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_same_file(from, to)? => {}
        linked => linked?,
    }
    fs::remove_file(from)
}

fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let id = |path| Ok::<_, io::Error>(FileId::of(&fs::symlink_metadata(path)?));
    Ok(id(one)? == id(other)?)
}

/// Writes the directory of `path` to the disk, so that a name in it survives a power failure.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join("x.db.partial");
        let complete = directory.path().join("x.db");
        (directory, partial, complete)
    }

    #[test]
    fn publish_gives_the_file_its_final_name_and_replaces_nothing() {
        let (_directory, path, complete) = home();
        Partial::create(path.clone())
            .unwrap()
            .publish(&complete)
            .unwrap();
        assert!(complete.exists() && !path.exists());
        fs::write(&complete, "kept").unwrap();
        let published = Partial::create(path.clone()).unwrap().publish(&complete);
        assert_eq!(published.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&complete).unwrap(), b"kept");
        assert!(!path.exists());
    }

    #[test]
    fn create_replaces_a_file_whose_process_has_ended() {
        let (_directory, path, _) = home();
        for content in ["", "SQLite format 3\0", "\0\0\0"] {
            fs::write(&path, content).unwrap();
            let partial = Partial::create(path.clone()).unwrap();
            assert_eq!(fs::read(partial.path()).unwrap(), b"");
        }
    }

    #[test]
    fn create_keeps_a_file_under_construction_and_any_other_file() {
        let (_directory, path, _) = home();
        let first = Partial::create(path.clone()).unwrap();
        let kind = || Partial::create(path.clone()).unwrap_err().kind();
        assert_eq!(kind(), ErrorKind::WouldBlock);
        assert!(path.exists());
        drop(first);
        fs::write(&path, "text").unwrap();
        assert_eq!(kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"text");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(kind(), ErrorKind::AlreadyExists);
    }
}
