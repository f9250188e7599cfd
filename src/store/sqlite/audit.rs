//! The audit log: one row per change, written in the transaction of the change by the function that makes it.
//!
//! The log is append-only: no code changes or deletes a row.

use rusqlite::{Connection, Row, Savepoint, named_params, params, types::Type};
use serde_json::Value;

use crate::{
    model::{Actor, AuditEntry, AuditEvent, OrganizationId, Timestamp},
    store::Error,
};

pub(super) const INSERT: &str = "
    INSERT INTO audit_log (
      organization_id, created_at, actor_id, action, key_id, member_id, role, changes
    )
    VALUES (
      :organization_id, :created_at, :actor_id, :action, :key_id, :member_id, :role, :changes
    )";

pub(super) const SINCE: &str = "
    SELECT created_at,
           actor_id,
           action,
           key_id,
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
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":organization_id": organization,
        ":created_at": at,
        ":actor_id": user,
        ":action": event.name(),
        ":key_id": event.key(),
        ":member_id": event.member(),
        ":role": event.role(),
        ":changes": event.changes().map(|changes| changes.to_string()),
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
    let changes = changes(row)?;
    let event = AuditEvent::from_parts(
        &name,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        changes.as_ref(),
    );
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

fn changes(row: &Row<'_>) -> rusqlite::Result<Option<Value>> {
    let text: Option<String> = row.get(6)?;
    let parse = |text: String| serde_json::from_str(&text);
    text.map(parse)
        .transpose()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, Type::Text, error.into()))
}
