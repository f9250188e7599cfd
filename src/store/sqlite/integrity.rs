//! The check for damage when a file is opened.
//!
//! Run by [`super::open`] before anything in the file is trusted. `integrity_check` also compares each index with its
//! table, which finds the damage that would otherwise be served as a wrong answer; it takes about 10 ms a MiB, two to
//! three times as long as `quick_check`. Both read the whole file, so the size decides which one a start can afford.

use std::{fs, path::Path};

use rusqlite::{Connection, ffi};

use crate::store::OpenError;

/// The largest file that is checked completely at every start, in about 160 ms.
const MAX_INTEGRITY_CHECK: u64 = 16 << 20;

/// The largest file that is checked at every start at all, in about a second.
const MAX_QUICK_CHECK: u64 = 256 << 20;

pub(super) const THOROUGH: &str = "PRAGMA integrity_check(1)";
pub(super) const QUICK: &str = "PRAGMA quick_check(1)";

/// Runs the most thorough check that a start can afford.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let metadata = fs::metadata(path).map_err(|source| OpenError::io(path, source))?;
    let Some(check) = check_for(metadata.len()) else {
        return Ok(());
    };
    run(check, conn, path)
}

/// Runs [`THOROUGH`] or [`QUICK`].
pub(super) fn run(check: &str, conn: &Connection, path: &Path) -> Result<(), OpenError> {
    match damage(check, conn) {
        Ok(None) => Ok(()),
        Ok(Some(found)) => Err(classify(path, found)),
        Err(source) => Err(OpenError::sqlite(path, source)),
    }
}

/// Runs [`THOROUGH`] or [`QUICK`]. Returns the first damage that SQLite finds.
pub(super) fn damage(check: &str, conn: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = conn.query_row(check, [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

fn check_for(bytes: u64) -> Option<&'static str> {
    if bytes <= MAX_INTEGRITY_CHECK {
        Some(THOROUGH)
    } else if bytes <= MAX_QUICK_CHECK {
        Some(QUICK)
    } else {
        None
    }
}

/// Tells damage from a page that could not be read. SQLite reports both as a finding of the check.
fn classify(path: &Path, found: String) -> OpenError {
    let damaged = [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB];
    match result_code(&found) {
        Some(code) if !damaged.contains(&(code & 0xff)) => {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            OpenError::sqlite(path, error)
        }
        _ => OpenError::Damaged {
            path: path.to_owned(),
            found,
        },
    }
}

/// Returns the result code in a finding such as `Tree 18 page 18: unable to get the page. error code=266`. It
/// appears nowhere else: the statement itself succeeds.
fn result_code(found: &str) -> Option<i32> {
    let (_, rest) = found.split_once("error code=")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_for_a_larger_file_is_less_thorough() {
        let mib = |n: u64| n << 20;
        for (bytes, check) in [
            (0, Some("PRAGMA integrity_check(1)")),
            (mib(16), Some("PRAGMA integrity_check(1)")),
            (mib(16) + 1, Some("PRAGMA quick_check(1)")),
            (mib(256), Some("PRAGMA quick_check(1)")),
            (mib(256) + 1, None),
        ] {
            assert_eq!(check_for(bytes), check, "{bytes} bytes");
        }
    }

    #[test]
    fn classify_reports_a_page_that_could_not_be_read_as_an_error_of_the_disk() {
        let page = "*** in database main ***\nTree 18 page 18: unable to get the page. error code=";
        for code in ["10", "266", "8458"] {
            let error = classify("x.db".as_ref(), format!("{page}{code}"));
            assert!(matches!(error, OpenError::DiskFailed { .. }), "{error}");
        }
        for found in [
            format!("{page}11"),
            format!("{page}26"),
            "Page 3: never used".to_owned(),
        ] {
            let error = classify("x.db".as_ref(), found);
            assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        }
    }
}
