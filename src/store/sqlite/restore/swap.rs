//! The exchange of the current file and the restored one, which a crash at any moment leaves done, undone, or marked.
//!
//! Called by [`super::restore`], which holds the locks. A marker is on disk before the first file is moved, and is removed
//! after the last one is in its place. [`crate::store::sqlite::file`] refuses to open a marked database. Invariants: no file
//! is deleted and no file replaces another; while the restored file has its own name, the exchange can be undone.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    iter,
    path::{Path, PathBuf},
};

use super::{interrupted, write_error};
use crate::{
    model::Timestamp,
    store::{
        RestoreError,
        sqlite::{
            file,
            partial::{Partial, rename_without_replacing, sync_directory},
        },
    },
};

/// Returns the suffixes of the database and of SQLite's files beside it.
fn suffixes() -> impl Iterator<Item = &'static str> {
    iter::once("").chain(file::SIDE_SUFFIXES)
}

const EXPLANATION: &str =
    "A restore of this database was interrupted. Run `llavero restore` again.\n";

/// Returns the path of the marker of an unfinished restore.
pub(in crate::store::sqlite) fn marker_path(path: &Path) -> PathBuf {
    file::with_suffix(path, "-restore-unfinished")
}

/// Returns the path of the restored file until it gets the name of the database.
pub(super) fn restoring_path(path: &Path) -> PathBuf {
    file::with_suffix(path, "-restoring")
}

/// Moves the files at `path` aside, to names with the time, and the restored file to `path`. Returns the new path of the
/// database that was there. Undoes the exchange if it fails.
pub(super) fn replace(
    path: &Path,
    mut restored: Partial,
    now: Timestamp,
) -> Result<Option<PathBuf>, RestoreError> {
    let suffix = format!("-before-{}", file::time_in_name(now));
    let had_file = any_exists(path);
    // Whether it still has its own name tells how far an interrupted exchange came.
    restored.keep();
    if let Err(source) = exchange(path, &suffix, restored.path()) {
        let is_done = end_interrupted(path).map_err(|source| interrupted(path, source))?;
        if !is_done {
            restored.discard();
            return Err(write_error(path, source));
        }
    }
    Ok(had_file.then(|| file::with_suffix(path, &suffix)))
}

fn exchange(path: &Path, suffix: &str, restored: &Path) -> io::Result<()> {
    let aside = file::with_suffix(path, suffix);
    require_unused(&aside)?;
    mark(path, suffix)?;
    move_all(path, &aside)?;
    rename_without_replacing(restored, path)?;
    sync_directory(path)?;
    unmark(path)
}

/// Undoes an exchange that was interrupted, or ends it if the restored file is in its place. Returns whether it is. Does
/// nothing without a marker. Can be interrupted and repeated.
pub(super) fn end_interrupted(path: &Path) -> io::Result<bool> {
    let marker = match fs::read_to_string(marker_path(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        marker => marker?,
    };
    let is_done = !restoring_path(path).exists() && path.exists();
    // A marker without a suffix was not complete, so nothing was moved.
    if let Some(suffix) = marker.lines().next().filter(|_| !is_done) {
        move_all(&file::with_suffix(path, suffix), path)?;
    }
    unmark(path)?;
    Ok(is_done)
}

/// Fails if a file has one of the names that the files get. Undoing the exchange would take it for one of them.
fn require_unused(path: &Path) -> io::Result<()> {
    if any_exists(path) {
        return Err(ErrorKind::AlreadyExists.into());
    }
    Ok(())
}

fn any_exists(path: &Path) -> bool {
    let exists = |suffix: &str| fs::symlink_metadata(file::with_suffix(path, suffix)).is_ok();
    suffixes().any(exists)
}

fn mark(path: &Path, suffix: &str) -> io::Result<()> {
    let mut options = file::private_options();
    let mut marker = options.create_new(true).open(marker_path(path))?;
    write!(marker, "{suffix}\n{EXPLANATION}")?;
    marker.sync_all()?;
    sync_directory(path)
}

fn unmark(path: &Path) -> io::Result<()> {
    fs::remove_file(marker_path(path))?;
    sync_directory(path)
}

/// Renames a database and SQLite's files beside it, as far as they exist.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    for suffix in suffixes() {
        let (from, to) = (
            file::with_suffix(from, suffix),
            file::with_suffix(to, suffix),
        );
        match rename_without_replacing(&from, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            moved => moved?,
        }
    }
    sync_directory(to)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A directory with a database and its log, and a restored file.
    fn home() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        fs::write(&path, "old").unwrap();
        fs::write(file::wal_path(&path), "old log").unwrap();
        (directory, path)
    }

    fn restored(path: &Path) -> Partial {
        let mut partial = Partial::create(restoring_path(path)).unwrap();
        partial.file().write_all(b"new").unwrap();
        partial
    }

    fn files(directory: &tempfile::TempDir) -> BTreeMap<String, String> {
        let entries = fs::read_dir(directory.path()).unwrap();
        let file = |entry: io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        };
        entries.map(file).collect()
    }

    fn map(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
        files.iter().map(owned).collect()
    }

    const NOW: Timestamp = Timestamp::from_millis(1_768_478_400_123);

    const NEW: [(&str, &str); 3] = [
        ("x.db", "new"),
        ("x.db-before-20260115T120000.123Z", "old"),
        ("x.db-before-20260115T120000.123Z-wal", "old log"),
    ];

    #[test]
    fn replace_moves_the_database_and_its_log_aside() {
        let (directory, path) = home();
        let aside = replace(&path, restored(&path), NOW).unwrap();
        assert_eq!(aside, Some(directory.path().join(NEW[1].0)));
        assert_eq!(files(&directory), map(&NEW));
    }

    #[test]
    fn replace_that_fails_is_undone() {
        let (directory, path) = home();
        fs::write(directory.path().join(NEW[2].0), "in the way").unwrap();
        let before = files(&directory);
        let failed = replace(&path, restored(&path), NOW);
        assert!(matches!(failed, Err(RestoreError::Write { .. })));
        assert_eq!(files(&directory), before);
    }

    #[test]
    fn end_interrupted_undoes_an_exchange_that_stopped_anywhere_before_its_end() {
        for steps in 0..4 {
            let (directory, path) = home();
            let before = files(&directory);
            let mut new = restored(&path);
            new.keep();
            mark(&path, "-before-1").unwrap();
            let moved = [("x.db", "x.db-before-1"), ("x.db-wal", "x.db-before-1-wal")];
            for (from, to) in moved.iter().take(steps) {
                fs::rename(directory.path().join(from), directory.path().join(to)).unwrap();
            }
            if steps == 3 {
                fs::rename(new.path(), &path).unwrap();
            }
            assert_eq!(end_interrupted(&path).unwrap(), steps == 3);
            let mut after = files(&directory);
            after.remove("x.db-restoring");
            if steps == 3 {
                assert_eq!(after["x.db"], "new");
                assert_eq!(after.len(), 3);
            } else {
                assert_eq!(after, before);
            }
            assert!(!end_interrupted(&path).unwrap());
        }
    }

    #[test]
    fn end_interrupted_accepts_a_marker_that_is_not_complete() {
        let (directory, path) = home();
        let before = files(&directory);
        fs::write(marker_path(&path), "").unwrap();
        end_interrupted(&path).unwrap();
        assert_eq!(files(&directory), before);
    }
}
