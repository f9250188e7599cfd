//! The schema's versions: how a file gets from the one it has to the one this program knows.
//!
//! The statements are in `schema.sql`, one section a version. The sections that a file lacks and the version number
//! that they lead to are committed together: whoever looks sees the file before or after, never between.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::{Error, OpenError};

const SCHEMA: &str = include_str!("../../../schema.sql");

/// "llav": the mark of our files, in their header.
pub(super) const APPLICATION_ID: u32 = 0x6c6c_6176;

pub(super) const SIGNING_SECRET: &str = "
    SELECT secret
      FROM signing_secret
     WHERE id = 1";

/// Brings a new or older file up to date. Two processes that start at once take turns: the version is read
/// inside the transaction.
pub(super) fn bring_up_to_date(
    conn: &mut Connection,
    path: &Path,
    new_signing_secret: &[u8; 32],
) -> Result<(), OpenError> {
    let failed = |source| OpenError::sqlite(path, source);
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let found = version(&tx).map_err(failed)?;
    check_version(path, found)?;
    for (section, version) in sections().iter().zip(1..).skip(found as usize) {
        apply(&tx, version, section, new_signing_secret).map_err(failed)?;
    }
    tx.commit().map_err(failed)
}

fn apply(
    tx: &Transaction<'_>,
    version: u32,
    section: &str,
    new_signing_secret: &[u8; 32],
) -> rusqlite::Result<()> {
    tx.execute_batch(section)?;
    if version == 1 {
        tx.execute(
            "INSERT INTO signing_secret (id, secret) VALUES (1, ?1)",
            [new_signing_secret],
        )?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    tx.pragma_update(None, "user_version", version)
}

/// The file's version; 0 for a new one.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<u32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Refuses a file that is not yet at the last section, for a caller that must not change it.
pub(super) fn require_current(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(conn).map_err(|source| OpenError::sqlite(path, source))?;
    match found as usize {
        0 => Err(OpenError::Missing(path.to_owned())),
        found if found < sections().len() => Err(OpenError::Older(path.to_owned())),
        _ => Ok(()),
    }
}

/// Refuses a version that is newer than the last section.
pub(super) fn check_version(path: &Path, found: u32) -> Result<(), OpenError> {
    let known = u32::try_from(sections().len()).unwrap_or(u32::MAX);
    if found <= known {
        return Ok(());
    }
    Err(OpenError::Newer {
        path: path.to_owned(),
        found,
        known,
    })
}

/// The HS256 secret the file was created with.
pub(in crate::store) fn signing_secret(conn: &Connection) -> Result<[u8; 32], Error> {
    let mut statement = conn.prepare_cached(SIGNING_SECRET)?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// What follows each `-- v N` line of the schema, in order.
fn sections() -> Vec<&'static str> {
    SCHEMA
        .split("\n-- v ")
        .skip(1)
        .map(after_first_line)
        .collect()
}

fn after_first_line(text: &'static str) -> &'static str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_of_the_schema_are_numbered_from_one() {
        let numbers: Vec<&str> = SCHEMA
            .split("\n-- v ")
            .skip(1)
            .filter_map(|section| section.lines().next())
            .collect();
        let expected: Vec<String> = (1..=numbers.len()).map(|n| n.to_string()).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn every_table_is_strict() {
        let conn = crate::store::sqlite::plans::in_memory();
        let loose: Vec<String> = conn
            .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(loose, Vec::<String>::new());
    }
}
