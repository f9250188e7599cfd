//! Migration of a file to the current schema version.
//!
//! The statements are in `schema.sql`, one section per version. The sections that a file lacks and the new version number
//! are committed in one transaction.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::{Error, OpenError};

const SCHEMA: &str = include_str!("../../../schema.sql");

/// "llav": identifies the files of llavero, in their header.
pub(super) const APPLICATION_ID: u32 = 0x6c6c_6176;

pub(super) const SIGNING_SECRET: &str = "
    SELECT secret
      FROM signing_secret
     WHERE id = 1";

/// Migrates a new or older file to the current version. Two processes that start at the same time take turns, because the
/// version is read inside the transaction.
pub(super) fn migrate(
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

/// Returns the version of the file; 0 for a new one.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<u32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Fails if the file is not at the current version, for a caller that must not migrate it.
pub(super) fn require_current(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(conn).map_err(|source| OpenError::sqlite(path, source))?;
    match found as usize {
        0 => Err(OpenError::Missing(path.to_owned())),
        found if found < sections().len() => Err(OpenError::Older(path.to_owned())),
        _ => Ok(()),
    }
}

/// Returns the current version.
pub(super) fn known_version() -> u32 {
    u32::try_from(sections().len()).unwrap_or(u32::MAX)
}

/// Fails if the version is newer than the current one.
pub(super) fn check_version(path: &Path, found: u32) -> Result<(), OpenError> {
    let known = known_version();
    if found <= known {
        return Ok(());
    }
    Err(OpenError::Newer {
        path: path.to_owned(),
        found,
        known,
    })
}

/// See [`crate::store::Store::signing_secret`].
pub(in crate::store) fn signing_secret(conn: &Connection) -> Result<[u8; 32], Error> {
    let mut statement = conn.prepare_cached(SIGNING_SECRET)?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Returns the statements after each `-- v N` line of the schema, in order.
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
    fn sections_of_the_schema_are_numbered_from_one() {
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
        let conn = crate::store::sqlite::query_plan_tests::in_memory();
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
