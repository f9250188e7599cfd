//! The complete check of a database: damage, references, and sums.
//!
//! Called by [`super::backup`] for the copy, and by [`super::restore`] before a copy replaces the database. A start runs the
//! shorter [`super::integrity`] instead. The sums are computed from scratch with the definitions of the model, in one
//! pass over the keys, so that an error in a statement that keeps them cannot hide itself. Each function reads one snapshot.

mod sums;
#[cfg(test)]
mod tests;

use std::fmt;

use rusqlite::Connection;

pub(super) use self::sums::sums;
use super::integrity;

/// A fault of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// SQLite found damage.
    Damage(String),
    /// A row refers to a row that does not exist.
    Reference {
        /// The table of the row.
        table: String,
        /// The table that it refers to.
        parent: String,
    },
    /// A kept sum differs from the computed one.
    Sum {
        /// The sum, with its organization or key.
        sum: String,
        /// The kept value.
        kept: i64,
        /// The computed value.
        computed: i64,
    },
    /// An organization has no row of totals.
    NoTotals(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(found) => f.write_str(found),
            Self::Reference { table, parent } => {
                write!(f, "a row of {table} refers to a missing row of {parent}")
            }
            Self::Sum {
                sum,
                kept,
                computed,
            } => write!(f, "{sum} is {kept}, but adds up to {computed}"),
            Self::NoTotals(organization) => {
                write!(f, "the organization {organization} has no totals")
            }
        }
    }
}

/// Runs all checks. Returns the first problem.
pub(super) fn verify(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let snapshot = conn.unchecked_transaction()?;
    for check in [damage, references, sums] {
        if let Some(problem) = check(&snapshot)? {
            return Ok(Some(problem));
        }
    }
    Ok(None)
}

/// Returns the first damage that SQLite finds: torn pages, an index that differs from its table, a violated constraint.
pub(super) fn damage(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let found = integrity::damage(integrity::THOROUGH, conn)?;
    Ok(found.map(Problem::Damage))
}

/// Returns the first damage or missing row, which no statement that follows may rely on.
pub(super) fn damage_or_reference(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    match damage(conn)? {
        None => references(conn),
        problem => Ok(problem),
    }
}

/// Returns the first row that refers to a missing one.
pub(super) fn references(conn: &Connection) -> rusqlite::Result<Option<Problem>> {
    let mut statement = conn.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(Problem::Reference {
        table: row.get(0)?,
        parent: row.get(2)?,
    }))
}
