//! The lock that admits one server to a database file.
//!
//! Taken by [`super::Database`] before it creates or opens the file, and held until the store is closed. The kernel
//! releases it when the process ends, also after `kill -9`. It is on a file of its own, `llavero.db-lock`: a lock on the
//! database file collides with SQLite's locks on network file systems, and closing a second descriptor of that file
//! releases them. Two servers would each admit requests up to a rate limit. Commands run without the lock.
//!
//! Invariant: the lock file stays. It is removed only by the start that created it and failed, while the lock is held;
//! [`ServerLock::acquire`] therefore compares the locked file with the one that the path names.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{file, identity::FileId};
use crate::store::OpenError;

/// [`ServerLock::is_held`] takes the lock for a moment. A start retries, so that it is not refused for that.
const RETRY_PAUSE: Duration = Duration::from_millis(10);
const ATTEMPTS: u32 = 50;

/// An exclusive lock for a server. Dropping it releases it.
#[derive(Debug)]
pub(super) struct ServerLock {
    /// Open for as long as the lock is held.
    _locked: File,
    path: PathBuf,
    is_new: bool,
}

impl ServerLock {
    /// Takes the lock of the database at `database`, whose directory is resolved, so that two paths of one file have one
    /// lock. Creates the lock file, readable by its owner only, if it is missing.
    ///
    /// Fails with [`OpenError::AlreadyServed`] if another server holds the lock. A file system without locks is an error
    /// and not a warning: SQLite needs locks as well, and damages a file without them.
    pub(super) fn acquire(database: &Path) -> Result<Self, OpenError> {
        let path = file::lock_path(database);
        let failed = |source| OpenError::lock(&path, source);
        let mut is_new = false;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(RETRY_PAUSE);
            }
            let (candidate, created) = open_or_create(&path).map_err(failed)?;
            is_new |= created;
            match candidate.try_lock() {
                Ok(()) if is_at(&candidate, &path).map_err(failed)? => {
                    return Ok(Self {
                        _locked: candidate,
                        path,
                        is_new,
                    });
                }
                // Removed by a start that failed.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(OpenError::AlreadyServed(database.to_owned()))
    }

    /// Returns whether a server holds the lock of the database at `database`. Creates nothing. A lock that cannot be read
    /// counts as free.
    pub(super) fn is_held(database: &Path) -> bool {
        let Ok(candidate) = File::open(file::lock_path(database)) else {
            return false;
        };
        // A shared lock, so that two callers do not see each other.
        matches!(candidate.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Releases the lock after a failed start, and removes the lock file if this start has created it.
    pub(super) fn discard(self) {
        if self.is_new {
            // The caller already has an error to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the lock file. Returns it, and whether it was created.
fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    match file::private_options().create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match OpenOptions::new().read(true).write(true).open(path) {
                // Removed in between, or a symbolic link to nothing.
                Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
                    open_or_create(path)
                }
                opened => Ok((opened?, false)),
            }
        }
        opened => Ok((opened?, true)),
    }
}

/// Returns whether `path` names the open file.
fn is_at(open: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(named) => Ok(FileId::of(&open.metadata()?) == FileId::of(&named)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("test.db");
        (directory, database)
    }

    #[test]
    fn acquire_fails_while_another_holds_the_lock() {
        let (_directory, database) = home();
        assert!(!ServerLock::is_held(&database));
        let first = ServerLock::acquire(&database).unwrap();
        assert!(ServerLock::is_held(&database));
        let second = ServerLock::acquire(&database);
        assert!(matches!(second, Err(OpenError::AlreadyServed(path)) if path == database));
        drop(first);
        assert!(!ServerLock::is_held(&database));
        ServerLock::acquire(&database).unwrap();
    }

    #[test]
    fn acquire_admits_one_of_many_threads() {
        let (_directory, database) = home();
        let acquire = || ServerLock::acquire(&database).ok();
        let locks: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(acquire)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(locks.iter().flatten().count(), 1);
    }

    #[test]
    fn discard_removes_the_lock_file_that_this_start_created_and_no_other() {
        let (_directory, database) = home();
        let path = file::lock_path(&database);
        ServerLock::acquire(&database).unwrap().discard();
        assert!(!path.exists());
        drop(ServerLock::acquire(&database).unwrap());
        ServerLock::acquire(&database).unwrap().discard();
        assert!(path.exists());
    }

    #[test]
    fn acquire_after_the_lock_file_was_removed_locks_the_new_one() {
        let (_directory, database) = home();
        let lost = ServerLock::acquire(&database).unwrap();
        fs::remove_file(file::lock_path(&database)).unwrap();
        let _lock = ServerLock::acquire(&database).unwrap();
        drop(lost);
        assert!(ServerLock::is_held(&database));
    }
}
