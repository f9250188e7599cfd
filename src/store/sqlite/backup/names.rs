//! The names of copies in a directory: `llavero-20261125T081026.123Z.db` for a copy of `llavero.db`.
//!
//! Used by [`super::BackupSource::copy_to_directory`]. Names in one directory sort by time. Invariant: a file is deleted only
//! if it has such a name, and holds the signing secret of the database that was just copied.

use std::{
    ffi::OsStr,
    fs, io,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use crate::{
    model::Timestamp,
    store::{
        BackupError,
        sqlite::{connection, file, partial, schema},
    },
};

/// The time in a name, with a 9 for each digit.
const TIME: &str = "99999999T999999.999Z";

/// The suffix of a copy that is not complete.
const PARTIAL: &str = ".partial";

/// The names of the copies of one database.
pub(super) struct Names {
    /// The beginning of each name.
    prefix: String,
}

impl Names {
    /// Returns the names for the database at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or(OsStr::new("llavero"));
        let prefix = format!("{}-", stem.to_string_lossy());
        Self { prefix }
    }

    /// Returns the name of the copy that is made at `at`.
    pub(super) fn at(&self, at: Timestamp) -> String {
        format!("{}{}.db", self.prefix, file::time_in_name(at))
    }

    fn matches(&self, name: &str) -> bool {
        let time = name
            .strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_suffix(".db"));
        time.is_some_and(|time| {
            let shape = |c: char| if c.is_ascii_digit() { '9' } else { c };
            time.chars().map(shape).eq(TIME.chars())
        })
    }

    /// Removes copies that a killed process has left incomplete. A failure leaves them where they are.
    pub(super) fn remove_abandoned(&self, directory: &Path) {
        let is_partial = |name: &str| {
            let complete = name.strip_suffix(PARTIAL);
            complete.is_some_and(|name| self.matches(name))
        };
        for path in files(directory, is_partial).unwrap_or_default() {
            // Another backup may be at work on it.
            let _ = partial::remove_abandoned(&path);
        }
    }

    /// Deletes all copies but the newest `keep` of the database with this signing secret. Returns the deleted ones.
    pub(super) fn delete_oldest(
        &self,
        directory: &Path,
        signing_secret: &[u8; 32],
        keep: NonZeroU32,
    ) -> Result<Vec<PathBuf>, BackupError> {
        let failed = |path: &Path, source| BackupError::Delete {
            path: path.to_owned(),
            source,
        };
        let mut copies = files(directory, |name| self.matches(name))
            .map_err(|error| failed(directory, error))?;
        copies.sort();
        copies.reverse();
        copies.retain(|path| is_copy_of(path, signing_secret));
        let oldest = copies.split_off(copies.len().min(keep.get() as usize));
        for path in &oldest {
            fs::remove_file(path).map_err(|error| failed(path, error))?;
        }
        Ok(oldest)
    }
}

/// Returns the regular files in a directory whose names `matches`.
fn files(directory: &Path, matches: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_file = entry.file_type()?.is_file();
        if is_file && entry.file_name().to_str().is_some_and(&matches) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Returns whether the file is a copy of the database with this signing secret. A file that something else has opened since,
/// so that it is in WAL mode or has a journal beside it, is not.
fn is_copy_of(path: &Path, signing_secret: &[u8; 32]) -> bool {
    let is_plain = matches!(file::format_versions(path), Ok(Some(file::ROLLBACK_MODE)))
        && file::side_files(path).iter().all(|side| !side.exists());
    let read = || {
        let path = file::resolve(path).ok()?;
        let conn = connection::open_reader(&path).ok()?;
        schema::signing_secret(&conn).ok()
    };
    is_plain && read().as_ref() == Some(signing_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_the_stem_and_the_time() {
        let names = Names::of("/x/keys.sqlite.db".as_ref());
        let name = names.at(Timestamp::from_millis(1_768_478_400_123));
        assert_eq!(name, "keys.sqlite-20260115T120000.123Z.db");
        assert!(names.matches(&name));
    }

    #[test]
    fn names_match_only_what_a_backup_of_the_same_stem_is_named() {
        let names = Names::of("llavero.db".as_ref());
        assert!(names.matches("llavero-20260115T120000.123Z.db"));
        for other in [
            "llavero.db",
            "llavero-.db",
            "llavero-20260115T120000Z.db",
            "llavero-20260115T120000.123Z.db.partial",
            "llavero-2026011XT120000.123Z.db",
            "llavero-99999999T999999-999Z.db",
            "other-20260115T120000.123Z.db",
            "llavero-2-20260115T120000.123Z.db",
        ] {
            assert!(!names.matches(other), "{other}");
        }
    }
}
