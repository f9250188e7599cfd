//! The audit log: one row per change, written in the transaction of the change by the function that makes it.
//!
//! The log is append-only: no code changes or deletes a row.

use rusqlite::{Connection, Row, Savepoint, ToSql, named_params, types::Type};

use super::access;
use crate::{
    model::{
        Actor, AuditCursor, AuditEntry, AuditEvent, AuditFilter, AuditPage, AuditParts, AuditedKey,
        Changes, KeyId, Name, OrganizationId, OrganizationRef, Timestamp,
    },
    store::{AccessError, Error},
};

pub(super) const INSERT: &str = "
    INSERT INTO audit_log (
      organization_id, created_at, actor_id, action, key_id, key_name, member_id, role, changes
    )
    VALUES (
      :organization_id, :created_at, :actor_id, :action, :key_id, :key_name, :member_id, :role, :changes
    )";

/// SQLite returns all rows for a negative limit.
const NO_LIMIT: i64 = -1;

/// The columns that [`entry`] reads, and the id of the entry.
macro_rules! columns {
    () => {
        "created_at,
           actor_id,
           action,
           key_id,
           key_name,
           member_id,
           role,
           changes,
           id"
    };
}

/// Entries newest first, before a position. The bounds of `created_at` are a range of the index; the second one skips
/// the entries of one millisecond that come before the position.
pub(super) const PAGE: &str = concat!(
    "
    SELECT ",
    columns!(),
    "
      FROM audit_log
     WHERE organization_id = :organization_id
       AND created_at >= :since
       AND (created_at, id) < (:at, :id)
     ORDER BY created_at DESC, id DESC
     LIMIT :limit"
);

/// The same for one key. The subquery has no result for a key that the organization does not own, and then no entry
/// matches.
pub(super) const PAGE_OF_KEY: &str = concat!(
    "
    SELECT ",
    columns!(),
    "
      FROM audit_log
     WHERE key_id = (SELECT id
                       FROM api_keys
                      WHERE id = :key_id
                        AND organization_id = :organization_id)
       AND created_at >= :since
       AND (created_at, id) < (:at, :id)
     ORDER BY created_at DESC, id DESC
     LIMIT :limit"
);

/// Appends an entry.
pub(super) fn insert(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    at: Timestamp,
    actor: &Actor,
    event: &AuditEvent,
) -> Result<(), Error> {
    let user = match actor {
        Actor::User(user) => Some(user),
        Actor::Operator => None,
    };
    let parts = event.parts();
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":organization_id": organization,
        ":created_at": at,
        ":actor_id": user,
        ":action": event.name(),
        ":key_id": parts.key.as_ref().map(|key| key.id),
        ":key_name": parts.key.as_ref().map(|key| &key.name),
        ":member_id": parts.member,
        ":role": parts.role,
        ":changes": parts.changes.map(|changes| changes.to_json().to_string()),
    })?;
    Ok(())
}

/// See [`crate::store::Store::audit_page`].
pub(in crate::store) fn page(
    conn: &Connection,
    organization: &OrganizationRef,
    by: &Actor,
    filter: &AuditFilter,
    after: Option<AuditCursor>,
    limit: u32,
) -> Result<AuditPage, AccessError> {
    // One snapshot for the permission and the page.
    let snapshot = conn.unchecked_transaction()?;
    let organization = access::require_key_manager(&snapshot, organization, by)?;
    let more = i64::from(limit) + 1;
    let mut entries = newest_first(&snapshot, organization, filter, after, more)?;
    let is_last = entries.len() <= limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| !is_last);
    let next = next.map(|(id, last)| AuditCursor {
        at: last.at,
        id: *id,
    });
    Ok(AuditPage {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        next,
    })
}

/// See [`crate::store::Store::audit_log`].
pub(in crate::store) fn log(
    conn: &Connection,
    organization: OrganizationId,
    filter: &AuditFilter,
) -> Result<Vec<AuditEntry>, Error> {
    let entries = newest_first(conn, organization, filter, None, NO_LIMIT)?;
    Ok(entries.into_iter().rev().map(|(_, entry)| entry).collect())
}

/// Returns entries with their ids, newest first.
fn newest_first(
    conn: &Connection,
    organization: OrganizationId,
    filter: &AuditFilter,
    after: Option<AuditCursor>,
    limit: i64,
) -> Result<Vec<(i64, AuditEntry)>, Error> {
    // The first page starts before every entry.
    let (at, id) = after.map_or((i64::MAX, i64::MAX), |after| {
        (after.at.as_millis(), after.id)
    });
    let since = filter.since.map_or(0, Timestamp::as_millis);
    let mut position = vec![
        (":organization_id", &organization as &dyn ToSql),
        (":since", &since),
        (":at", &at),
        (":id", &id),
        (":limit", &limit),
    ];
    let statement = match &filter.key {
        Some(key) => {
            position.push((":key_id", key));
            PAGE_OF_KEY
        }
        None => PAGE,
    };
    let mut statement = conn.prepare_cached(statement)?;
    let entries = statement.query_map(&*position, |row| Ok((row.get(8)?, entry(row)?)))?;
    Ok(entries.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let name: String = row.get(2)?;
    let event = AuditEvent::from_parts(&name, parts(row)?);
    let unknown = || {
        let problem = format!("unknown action: {name}").into();
        rusqlite::Error::FromSqlConversionFailure(2, Type::Text, problem)
    };
    Ok(AuditEntry {
        at: row.get(0)?,
        actor: row
            .get::<_, Option<_>>(1)?
            .map_or(Actor::Operator, Actor::User),
        event: event.ok_or_else(unknown)?,
    })
}

fn parts(row: &Row<'_>) -> rusqlite::Result<AuditParts> {
    let key: Option<KeyId> = row.get(3)?;
    let name: Option<Name> = row.get(4)?;
    Ok(AuditParts {
        key: key.zip(name).map(|(id, name)| AuditedKey { id, name }),
        member: row.get(5)?,
        role: row.get(6)?,
        changes: changes(row, 7)?,
    })
}

fn changes(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Changes>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    let invalid = |problem: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, problem)
    };
    let object = serde_json::from_str(&text).map_err(|error| invalid(error.into()))?;
    let changes = Changes::from_json(object).ok_or_else(|| invalid("not changes".into()))?;
    Ok(Some(changes))
}
