//! The database file before and besides SQL: is it ours, and may we touch it?
//!
//! Whatever is refused is refused before SQLite opens it, because opening alone may change a file (a
//! left-over journal is rolled back). The first 100 bytes tell enough: <https://sqlite.org/fileformat.html>.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::schema;
use crate::store::OpenError;

/// Larger files are not checked at every start: the check reads all of it.
const LARGEST_CHECKED: u64 = 256 << 20;

/// Makes sure that `path` is a file of ours or a new, empty one, and returns it with its directory resolved:
/// SQLite would refuse a symbolic link anywhere in the path, where only the last part matters.
pub(super) fn prepare(path: &Path, create: bool) -> Result<PathBuf, OpenError> {
    let path = resolve(path).map_err(|source| io_error(path, source))?;
    if create {
        match create_private(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(io_error(&path, error));
            }
            Ok(_) | Err(_) => {}
        }
    }
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(OpenError::Missing(path)),
        Err(error) => return Err(io_error(&path, error)),
    };
    if metadata.is_symlink() {
        return Err(OpenError::SymbolicLink(path));
    }
    if !metadata.is_file() {
        return Err(OpenError::NotAFile(path));
    }
    check_header(&path)?;
    Ok(path)
}

/// The file holds the secret that signs tokens: whoever reads it can speak for everybody.
pub(super) fn warn_of_readers(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path)
        && std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0
    {
        let path = path.display();
        tracing::warn!("others than its owner may open {path}: chmod 600 would prevent it");
    }
}

/// Whether there is a write-ahead log beside the file, left by a process that was killed or still runs.
pub(super) fn has_log(path: &Path) -> bool {
    log_of(path).exists()
}

/// Where SQLite keeps the write-ahead log of the file at `path`.
pub(in crate::store) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Runs SQLite's quick check on all but very large files.
pub(super) fn check_integrity(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let size = fs::metadata(path)
        .map_err(|source| io_error(path, source))?
        .len();
    if size > LARGEST_CHECKED {
        return Ok(());
    }
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|source| OpenError::sqlite(path, source))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(OpenError::Damaged {
            path: path.to_owned(),
            found,
        })
    }
}

fn resolve(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(directory.canonicalize()?.join(name))
}

/// An empty file for the owner alone; SQLite gives its side files the same mode. Fails if there is one.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// An empty file is a new database: it holds nothing of anybody's, and a start that was cut off leaves one.
fn check_header(path: &Path) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(100);
    File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(|source| io_error(path, source))?;
    if header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(b"SQLite format 3\0")
        || u32_at(&header, 68) != Some(schema::APPLICATION_ID)
    {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    schema::check_version(path, u32_at(&header, 60).unwrap_or_default())
}

fn u32_at(header: &[u8], offset: usize) -> Option<u32> {
    let bytes = header.get(offset..offset + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.to_owned(),
        source,
    }
}
