//! The examination of a database file for `llavero doctor`.
//!
//! Called by [`crate::store::Store::examine`]. A check that cannot run because of an earlier finding is left out: a missing
//! file has one finding. Invariant: nothing is created, changed or removed, neither the file nor a file beside it. The
//! exception is the `-shm` file of a database that is in use, in which SQLite notes the locks of every reader.

mod content;
mod on_disk;
mod space;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::{file, file::Preflight, foreign_log};
use crate::store::{
    OpenError,
    doctor::{Check, Examination, Finding, Level},
};

/// Examines the file at `path`.
pub(in crate::store) fn examine(path: &Path, examination: Examination) -> Vec<Finding> {
    let path = &match file::resolve(path) {
        Ok(path) => path,
        Err(error) => return vec![refusal(error)],
    };
    let mut findings = Vec::new();
    match Preflight::of(path) {
        Ok(_) => {
            findings.push(Check::File.ok(format!("{} can be read", path.display())));
            findings.push(Check::Restore.ok("no restore was interrupted"));
            findings.extend(on_disk::format_and_version(path));
        }
        Err(error) => findings.push(refusal(error)),
    }
    let is_refused = |finding: &Finding| finding.level == Level::Fail;
    if findings.iter().any(is_refused) {
        return findings;
    }
    findings.extend(on_disk::surroundings(path));
    let log = log(path);
    let is_foreign = log.level == Level::Fail;
    findings.push(log);
    findings.extend(on_disk::log(path));
    findings.extend(content::examine(path, is_foreign, examination));
    findings
}

/// Returns the finding for a file that a server would refuse.
fn refusal(error: OpenError) -> Finding {
    match error {
        OpenError::Missing(path) => Check::File.fail(
            format!("there is no database at {}", path.display()),
            "create it with `llavero serve` or `llavero org create`, or name another one with --database",
        ),
        OpenError::SymbolicLink(path) => Check::File.fail(
            format!("{} is a symbolic link", path.display()),
            "name the file itself with --database",
        ),
        OpenError::NotAFile(path) => Check::File.fail(
            format!("{} is not a regular file", path.display()),
            "name another file with --database",
        ),
        OpenError::UnfinishedRestore(path) => Check::Restore.fail(
            format!("a restore of {} was interrupted", path.display()),
            "run `llavero restore` again, which ends or undoes it first",
        ),
        OpenError::NotLlavero(path) => Check::Format.fail(
            format!("{} is not a llavero database", path.display()),
            "name another file with --database",
        ),
        OpenError::Newer { found, known, .. } => Check::Version.fail(
            format!("the file has schema version {found}, this llavero knows versions up to {known}"),
            "use a newer llavero",
        ),
        OpenError::Io { path, source } => Check::File.fail(
            format!("{} cannot be read: {source}", path.display()),
            "check the path and its permissions",
        ),
        error => Check::File.fail(error.to_string(), "see the message"),
    }
}

/// Tells whether the write-ahead log belongs to the file.
fn log(path: &Path) -> Finding {
    let log = file::wal_path(path);
    match foreign_log::check(path) {
        Ok(()) => Check::Wal.ok("the write-ahead log belongs to the file, or is empty"),
        Err(OpenError::ForeignLog { .. }) => Check::Wal.fail(
            format!("{} is not the write-ahead log of the file, and would overwrite it", log.display()),
            format!(
                "if the file was restored from a copy, move {} to another directory; if the copy is there by mistake, put the original file back",
                log.display()
            ),
        ),
        Err(error) => Check::Wal.fail(
            format!("the write-ahead log cannot be read: {error}"),
            "check its permissions",
        ),
    }
}
