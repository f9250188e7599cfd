//! Checks of the database file before SQLite opens it.
//!
//! Called by [`super::open`]. A file is refused before SQLite opens it, because opening alone may change a file: it
//! rolls a left-over journal back. The first 100 bytes tell enough: <https://sqlite.org/fileformat.html>.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use super::{identity::DatabaseFile, restore, schema};
use crate::{model::Timestamp, store::OpenError};

/// The place of the file format versions in a database's header. <https://sqlite.org/fileformat.html>, section 1.3.3
pub(super) const FORMAT_VERSIONS: usize = 18;

/// The file format versions of a database in WAL mode, and of another one.
const WAL_MODE: [u8; 2] = [2, 2];
pub(super) const ROLLBACK_MODE: [u8; 2] = [1, 1];

/// The facts about a database file that are read before SQLite opens it.
#[derive(Debug)]
pub(super) struct Preflight {
    /// The file that the path names.
    pub(super) file: DatabaseFile,
    /// Whether there is a write-ahead log beside it, which a process uses or a killed one has left.
    pub(super) had_wal: bool,
}

impl Preflight {
    /// Inspects the file at `path`. Refuses everything but an empty file, which is a new database, and a database of
    /// llavero that is not newer than this program.
    pub(super) fn of(path: &Path) -> Result<Self, OpenError> {
        refuse_unfinished_restore(path)?;
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(OpenError::Missing(path.to_owned()));
            }
            Err(error) => return Err(OpenError::io(path, error)),
        };
        if metadata.is_symlink() {
            return Err(OpenError::SymbolicLink(path.to_owned()));
        }
        if !metadata.is_file() {
            return Err(OpenError::NotAFile(path.to_owned()));
        }
        check_header(path)?;
        Ok(Self {
            file: DatabaseFile::at(path, &metadata),
            had_wal: wal_path(path).exists(),
        })
    }
}

/// Resolves the directory of `path`. SQLite would refuse a symbolic link anywhere in the path, where only the last
/// part matters.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let resolve = || {
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        Ok(directory.canonicalize()?.join(name))
    };
    resolve().map_err(|source| OpenError::io(path, source))
}

/// Creates an empty file that only its owner may open, unless there is a file. Returns whether it did. SQLite gives
/// the files beside it the same mode.
pub(super) fn create_if_missing(path: &Path) -> Result<bool, OpenError> {
    refuse_unfinished_restore(path)?;
    match private_options().create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(OpenError::io(path, error)),
    }
}

/// Refuses a database in the middle of a restore that was interrupted: the file at `path` may be missing.
pub(super) fn refuse_unfinished_restore(path: &Path) -> Result<(), OpenError> {
    if fs::symlink_metadata(restore::marker_path(path)).is_ok() {
        return Err(OpenError::UnfinishedRestore(path.to_owned()));
    }
    Ok(())
}

/// Returns options to create a file that only its owner may open.
pub(super) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives the file at `path` the owner of the file at `original`, as far as this user may: a restore by root must leave a
/// file that the server may open.
pub(super) fn give_owner_of(original: &Path, path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(original) {
        use std::os::unix::fs::{MetadataExt, chown};
        // Only root may; for other users, the owner is the same or does not matter.
        let _ = chown(path, Some(metadata.uid()), Some(metadata.gid()));
    }
}

/// Warns if others than the owner may open the file: it holds the secret that signs tokens.
pub(super) fn warn_if_readable_by_others(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path)
        && std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0
    {
        let database = path.to_string_lossy();
        tracing::warn!(
            database = &*database,
            "users other than its owner can open the database file; run chmod 600 on it"
        );
    }
}

/// Warns if the file has several names. SQLite names the write-ahead log after the name that it opened, so two processes
/// that open the file by two names do not see each other's log, and damage the file.
/// <https://sqlite.org/howtocorrupt.html>, section 2.5
pub(super) fn warn_of_hard_links(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path)
        && std::os::unix::fs::MetadataExt::nlink(&metadata) > 1
    {
        let database = path.to_string_lossy();
        tracing::warn!(
            database = &*database,
            "the database file has another hard link; opening it by both names damages it, so remove one"
        );
    }
}

/// Returns where SQLite keeps the write-ahead log of the file at `path`.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

/// Returns where a server of the file at `path` keeps its lock. SQLite does not know this file.
pub(super) fn lock_path(path: &Path) -> PathBuf {
    with_suffix(path, "-lock")
}

/// The suffixes of the files that SQLite keeps beside a database.
pub(super) const SIDE_SUFFIXES: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Returns every path at which SQLite may keep a file that belongs to the one at `path`.
pub(super) fn side_files(path: &Path) -> [PathBuf; 3] {
    SIDE_SUFFIXES.map(|suffix| with_suffix(path, suffix))
}

/// Formats an instant for the name of a file: `20261125T081026.123Z`. Such names sort by time.
pub(super) fn time_in_name(at: Timestamp) -> String {
    at.to_string().replace(['-', ':'], "")
}

/// Appends `suffix` to the name of a file.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Accepts an empty file: it holds nothing, and a start that was cut off leaves one.
pub(super) fn check_header(path: &Path) -> Result<(), OpenError> {
    let header = read_header(path).map_err(|source| OpenError::io(path, source))?;
    if header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(b"SQLite format 3\0")
        || u32_at(&header, 68) != Some(schema::APPLICATION_ID)
    {
        return Err(OpenError::NotLlavero(path.to_owned()));
    }
    schema::check_version(path, u32_at(&header, 60).unwrap_or_default())
}

/// Returns the schema version in the header of the file; `None` for an empty file.
pub(super) fn version(path: &Path) -> io::Result<Option<u32>> {
    Ok(u32_at(&read_header(path)?, 60))
}

/// Returns whether the header of the file says that it is in WAL mode. A missing file is not.
pub(super) fn is_in_wal_mode(path: &Path) -> io::Result<bool> {
    match format_versions(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        versions => Ok(versions? == Some(WAL_MODE)),
    }
}

/// Returns the file format versions in the header of the file, [`WAL_MODE`] or [`ROLLBACK_MODE`]; `None` if it has no
/// header.
pub(super) fn format_versions(path: &Path) -> io::Result<Option<[u8; 2]>> {
    let header = read_header(path)?;
    let versions = header.get(FORMAT_VERSIONS..FORMAT_VERSIONS + 2);
    Ok(versions.and_then(|versions| versions.try_into().ok()))
}

/// Returns the size of the file's pages; `None` if it has no header.
pub(super) fn page_size(path: &Path) -> io::Result<Option<u32>> {
    let header = read_header(path)?;
    // 1 stands for 65,536, which two bytes cannot hold.
    let size = |bytes: &[u8]| match u32::from(bytes[0]) << 8 | u32::from(bytes[1]) {
        1 => 65536,
        size => size,
    };
    Ok(header.get(16..18).map(size))
}

fn read_header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(100);
    File::open(path)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

fn u32_at(header: &[u8], offset: usize) -> Option<u32> {
    let bytes = header.get(offset..offset + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
