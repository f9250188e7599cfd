//! Finds a write-ahead log that does not belong to the file beside it, before SQLite opens the file.
//!
//! SQLite replays a log into the file beside it. When a copy replaces the database of a killed process, the old log would
//! undo the restore or damage the copy. `integrity_check` does not detect this: a log that holds every page makes a whole
//! file. Called by [`super::open`] for servers and commands.
//!
//! Invariant: the check reads, and neither creates nor changes a file.

#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::Duration,
};

use super::{
    commit_mark::{self, FileMark},
    file, schema,
    server_lock::ServerLock,
    wal_file::Log,
};
use crate::store::OpenError;

/// Another process may move the log into the file between the two reads, so a finding counts only if it is repeated.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// The schema cookie of a file may exceed that of its mark by this much: other programs change the schema without
/// writing a mark.
const MAX_UNMARKED_CHANGES: u32 = 16;

/// Fails if the log beside the file at `path` is not the file's own. While a server has the file open, the log is that
/// server's, which has checked it.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    confirm(path, || Ok(!ServerLock::is_held(path) && is_foreign(path)?))
}

/// The same for the holder of the lock that admits one server.
pub(super) fn check_as_server(path: &Path) -> Result<(), OpenError> {
    confirm(path, || is_foreign(path))
}

/// Fails if `is_foreign` returns `true` each time.
fn confirm(path: &Path, is_foreign: impl Fn() -> Result<bool, OpenError>) -> Result<(), OpenError> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        if !is_foreign()? {
            return Ok(());
        }
    }
    Err(OpenError::ForeignLog {
        path: path.to_owned(),
        log: file::wal_path(path),
    })
}

/// Returns whether the log beside the file at `path` is not the file's own. A missing file has no log of its own.
pub(super) fn is_foreign(path: &Path) -> Result<bool, OpenError> {
    let log_path = file::wal_path(path);
    match fs::metadata(&log_path) {
        Ok(metadata) if metadata.len() > 0 && metadata.is_file() => {}
        _ => return Ok(false),
    }
    if !file::is_in_wal_mode(path).map_err(|source| OpenError::io(path, source))? {
        return Ok(true);
    }
    let log = match Log::read(&log_path) {
        Ok(log) => log,
        // Its last user has just closed it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(OpenError::io(&log_path, source)),
    };
    if log.commits == 0 {
        return Ok(false);
    }
    let Ok(mark) = FileMark::read(path) else {
        // A process was killed while it moved the log into the file. The log completes it.
        return Ok(false);
    };
    if log.marks.is_empty() && mark.is_some() {
        return Ok(!may_follow(path, &log).map_err(|source| OpenError::io(path, source))?);
    }
    Ok(!continues(mark, &log))
}

/// Returns whether `log` continues a file with this mark.
fn continues(file: Option<FileMark>, log: &Log) -> bool {
    match (file, log.marks.first()) {
        // Left by a version without marks.
        (_, None) => true,
        // The log holds the migration.
        (None, Some(first)) => first.previous == commit_mark::NONE,
        (Some(file), Some(first)) => {
            let current = file.mark.current;
            let follows = first.previous == current;
            is_as_left(file) && (follows || log.marks.iter().any(|mark| mark.current == current))
        }
    }
}

/// Returns whether the file is as its last commit left it. SQLite's backup API begins the schema cookie of a copy anew.
fn is_as_left(file: FileMark) -> bool {
    let changes = file.cookie.checked_sub(file.marked_cookie);
    file.marked_cookie == 0 || changes.is_some_and(|changes| changes <= MAX_UNMARKED_CHANGES)
}

/// Returns whether `log`, which has no mark, may follow the file at `path`. Other programs write no marks: Litestream, and a
/// SQLite shell. A log of another application differs in the header, or makes a smaller file without a new header.
fn may_follow(path: &Path, log: &Log) -> io::Result<bool> {
    let pages = fs::metadata(path)?.len() / u64::from(log.page_size);
    Ok(file::page_size(path)? == Some(log.page_size)
        && match log.application_id {
            Some(id) => id == schema::APPLICATION_ID,
            None => u64::from(log.pages) >= pages,
        })
}
