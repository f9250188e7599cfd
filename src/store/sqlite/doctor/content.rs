//! Checks of the content: pages, references, sums and dates.
//!
//! Called by [`super::examine`]. [`Access`] tells how the content can be read without changing a byte.

use std::{fs, path::Path, time::SystemTime};

use rusqlite::{Connection, ErrorCode};

use crate::{
    model::Timestamp,
    store::{
        OpenError,
        doctor::{Check, Examination, Finding, Level},
        sqlite::{connection, error, file, integrity, schema, server_lock::ServerLock, verify},
    },
};

/// Clocks of machines differ by some seconds. A later date is an error of a clock.
const MAX_CLOCK_ERROR_MILLIS: i64 = 5 * 60 * 1000;

/// How often a file is read again that has changed meanwhile.
const ATTEMPTS: u32 = 5;

/// The latest date of each organization: of its audit log and of the use of its keys.
pub(in crate::store::sqlite) const LATEST: &str = "
    SELECT max(max(coalesce((SELECT max(created_at)
                               FROM audit_log
                              WHERE organization_id = o.id), 0),
                   coalesce((SELECT max(last_used_at)
                               FROM api_keys
                              WHERE organization_id = o.id), 0)))
      FROM organizations AS o";

/// How the content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Through the log and the shared memory, as any reader: the file is in use.
    Shared,
    /// Alone: the log holds nothing, or is not the file's. Opening the file otherwise would roll a left-over journal back.
    WithoutLog,
    /// With a lock that keeps others out and needs no shared memory: a killed process has left the log.
    Exclusive,
}

/// Checks the content. A file that changes while it is read without locks is read again.
pub(super) fn examine(path: &Path, is_foreign: bool, examination: Examination) -> Vec<Finding> {
    for _ in 0..ATTEMPTS {
        let (access, conn) = match open(path, is_foreign) {
            Ok(opened) => opened,
            Err(error) => return vec![unreadable(&error)],
        };
        let before = state(path);
        let findings =
            check(&conn, path, examination).unwrap_or_else(|error| vec![unreadable(&error)]);
        if access != Access::WithoutLog || state(path) == before {
            return findings;
        }
    }
    vec![Check::Content.warn(
        "the file was changed by other processes while it was read",
        "try again",
    )]
}

fn unreadable(error: &rusqlite::Error) -> Finding {
    if error::is_damage(error) {
        return Check::Integrity.fail(format!("the file is damaged: {error}"), RESTORE);
    }
    Check::Content.fail(
        format!("the content cannot be read: {error}"),
        "try again; check the disk, and the permissions of the file and its directory",
    )
}

const RESTORE: &str = "restore a backup: `llavero restore`";

fn open(path: &Path, is_foreign: bool) -> rusqlite::Result<(Access, Connection)> {
    let [journal, log, shared_memory] =
        file::side_files(path).map(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0));
    if ServerLock::is_held(path) {
        Ok((Access::Shared, connection::open_reader(path)?))
    } else if is_foreign || !log || journal {
        Ok((Access::WithoutLog, connection::open_without_log(path)?))
    } else {
        match connection::open_exclusive_reader(path) {
            Ok(conn) => Ok((Access::Exclusive, conn)),
            // A command or another program has it open. Without shared memory, it keeps others out.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && shared_memory =>
            {
                Ok((Access::Shared, connection::open_reader(path)?))
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns the sizes and modification times of the file and its log, to detect a change.
fn state(path: &Path) -> [Option<(u64, SystemTime)>; 2] {
    [path.to_owned(), file::wal_path(path)].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

fn check(
    conn: &Connection,
    path: &Path,
    examination: Examination,
) -> rusqlite::Result<Vec<Finding>> {
    let snapshot = conn.unchecked_transaction()?;
    let mut findings = vec![Check::Content.ok("the content can be read")];
    let integrity = integrity(&snapshot, path, examination.is_deep);
    let is_whole = integrity.level == Level::Ok;
    findings.push(integrity);
    if !is_whole {
        return Ok(findings);
    }
    if examination.is_deep {
        findings.push(match verify::references(&snapshot)? {
            Some(problem) => Check::References.fail(problem.to_string(), RESTORE),
            None => Check::References.ok("each row that another one refers to exists"),
        });
        findings.push(match verify::sums(&snapshot)? {
            Some(problem) => Check::Sums.fail(problem.to_string(), RESTORE),
            None => Check::Sums.ok("the kept totals are the sums"),
        });
    }
    if schema::version(&snapshot)? == schema::known_version() {
        findings.push(clock(&snapshot, examination.now)?);
    }
    Ok(findings)
}

fn integrity(conn: &Connection, path: &Path, is_deep: bool) -> Finding {
    let check = if is_deep {
        integrity::THOROUGH
    } else {
        integrity::QUICK
    };
    match integrity::run(check, conn, path) {
        Ok(()) if is_deep => {
            Check::Integrity.ok("the pages of the file are whole, and the indexes match the tables")
        }
        Ok(()) => Check::Integrity.ok("the pages of the file are whole"),
        Err(OpenError::Damaged { found, .. }) => {
            Check::Integrity.fail(format!("the file is damaged: {found}"), RESTORE)
        }
        Err(error) => Check::Integrity.fail(error.to_string(), "check the disk and try again"),
    }
}

fn clock(conn: &Connection, now: Timestamp) -> rusqlite::Result<Finding> {
    let latest: Option<Timestamp> = conn.query_row(LATEST, [], |row| row.get(0))?;
    let limit = now.as_millis().saturating_add(MAX_CLOCK_ERROR_MILLIS);
    Ok(match latest {
        Some(latest) if latest.as_millis() > limit => Check::Clock.warn(
            format!("the newest entry of the database is dated {latest}, in the future"),
            "check the clock of this machine; entries that were dated wrongly keep their dates",
        ),
        _ => Check::Clock.ok("no entry of the database is dated in the future"),
    })
}
