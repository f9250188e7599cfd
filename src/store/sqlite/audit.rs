//! The audit log: one row per change, written in the transaction of the change by the function that makes it.
//!
//! The log is append-only: no code changes or deletes a row.

use rusqlite::{Connection, Row, Savepoint, named_params, params, types::Type};

use crate::{
    model::{
        Actor, AuditEntry, AuditEvent, AuditParts, AuditedKey, Changes, KeyId, Name,
        OrganizationId, Timestamp,
    },
    store::Error,
};

pub(super) const INSERT: &str = "
    INSERT INTO audit_log (
      organization_id, created_at, actor_id, action, key_id, key_name, member_id, role, changes
    )
    VALUES (
      :organization_id, :created_at, :actor_id, :action, :key_id, :key_name, :member_id, :role, :changes
    )";

pub(super) const SINCE: &str = "
    SELECT created_at,
           actor_id,
           action,
           key_id,
           key_name,
           member_id,
           role,
           changes
      FROM audit_log
     WHERE organization_id = ?1
       AND created_at >= ?2
     ORDER BY created_at, id";

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

/// See [`crate::store::Store::audit_log`].
pub(in crate::store) fn since(
    conn: &Connection,
    organization: OrganizationId,
    since: Timestamp,
) -> Result<Vec<AuditEntry>, Error> {
    let mut statement = conn.prepare_cached(SINCE)?;
    let entries = statement.query_map(params![organization, since], entry)?;
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
