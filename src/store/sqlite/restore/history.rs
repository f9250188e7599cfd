//! Compares the history of a copy with that of the current file.
//!
//! Called by [`super::restore`]. The audit log has an entry for every change and is append-only. The current file is therefore
//! a later state of the copy exactly if it has the same signing secret and its log begins with the copy's log. The rest of
//! its log names the changes since the copy.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use crate::{
    model::{KeyId, OrganizationId, UserId},
    store::{CurrentFile, Error, Lost, sqlite::schema},
};

/// The columns that every version of the log has had.
const ENTRIES: &str = "
    SELECT id,
           organization_id,
           created_at,
           actor_id,
           action,
           key_id,
           member_id
      FROM audit_log
     ORDER BY id";

pub(in crate::store::sqlite) const ENTRIES_AFTER: &str = "
    SELECT count(*)
      FROM audit_log
     WHERE id > ?1";

pub(in crate::store::sqlite) const CHANGED_KEYS: &str = "
    SELECT key_id
      FROM audit_log
     WHERE id > ?1
       AND key_id IS NOT NULL
     ORDER BY id";

pub(in crate::store::sqlite) const CHANGED_MEMBERS: &str = "
    SELECT organization_id,
           member_id
      FROM audit_log
     WHERE id > ?1
       AND member_id IS NOT NULL
     ORDER BY id";

const SUMS: &str = "
    SELECT count(*),
           coalesce(sum(total_keys), 0),
           coalesce(sum(successful_requests + rate_limit_hits + errors), 0)
      FROM organization_totals";

/// The keys and members that were changed since the copy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) keys: BTreeSet<KeyId>,
    pub(super) members: BTreeSet<(OrganizationId, UserId)>,
}

#[derive(PartialEq)]
struct Entry {
    id: i64,
    organization: String,
    at: i64,
    actor: Option<String>,
    action: String,
    key: Option<String>,
    member: Option<String>,
}

impl Entry {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            organization: row.get(1)?,
            at: row.get(2)?,
            actor: row.get(3)?,
            action: row.get(4)?,
            key: row.get(5)?,
            member: row.get(6)?,
        })
    }
}

/// Returns the relation of the current file to the copy, and the id of the last entry that both logs have.
pub(super) fn compare(
    copy: &Connection,
    current: &Connection,
) -> Result<(CurrentFile, i64), Error> {
    if schema::signing_secret(copy)? != schema::signing_secret(current)? {
        return Ok((CurrentFile::Other, 0));
    }
    let mut of_copy = copy.prepare(ENTRIES)?;
    let mut of_copy = of_copy.query_map([], Entry::read)?;
    let mut of_current = current.prepare(ENTRIES)?;
    let mut of_current = of_current.query_map([], Entry::read)?;
    let mut common = 0;
    loop {
        let entries = (of_copy.next().transpose()?, of_current.next().transpose()?);
        let relation = match entries {
            (Some(copy), Some(current)) if copy == current => {
                common = copy.id;
                continue;
            }
            (None, _) => CurrentFile::Later(lost(copy, current, common)?),
            (Some(_), None) => CurrentFile::Earlier,
            (Some(_), Some(_)) => CurrentFile::Branch,
        };
        return Ok((relation, common));
    }
}

/// Returns the keys and members that entries after `last` are about.
pub(super) fn changed_since(current: &Connection, last: i64) -> Result<Changed, Error> {
    let mut changed = Changed::default();
    let mut statement = current.prepare(CHANGED_KEYS)?;
    for key in statement.query_map([last], |row| row.get(0))? {
        changed.keys.insert(key?);
    }
    let mut statement = current.prepare(CHANGED_MEMBERS)?;
    for member in statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))? {
        changed.members.insert(member?);
    }
    Ok(changed)
}

fn lost(copy: &Connection, current: &Connection, last: i64) -> Result<Lost, Error> {
    let sums = |conn: &Connection| {
        conn.query_row(SUMS, [], |row| {
            Ok::<[i64; 3], _>([row.get(0)?, row.get(1)?, row.get(2)?])
        })
    };
    let (before, after) = (sums(copy)?, sums(current)?);
    Ok(Lost {
        audit_entries: current.query_row(ENTRIES_AFTER, [last], |row| row.get(0))?,
        organizations: after[0] - before[0],
        keys: after[1] - before[1],
        uses: after[2] - before[2],
    })
}
