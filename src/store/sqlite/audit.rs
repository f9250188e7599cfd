//! The audit log: one row an act, written in the act's own transaction by whichever function does it.
//!
//! Rows are only ever added; nothing here, and nothing else, changes or removes one.

use rusqlite::{Connection, Row, Savepoint, named_params, params, types::Type};

use crate::{
    model::{Act, Actor, AuditEntry, OrganizationId, Timestamp},
    store::Error,
};

pub(super) const INSERT: &str = "
    INSERT INTO audit_log (organization_id, created_at, actor_id, action, key_id, member_id, role)
    VALUES (:organization_id, :created_at, :actor_id, :action, :key_id, :member_id, :role)";

pub(super) const SINCE: &str = "
    SELECT created_at,
           actor_id,
           action,
           key_id,
           member_id,
           role
      FROM audit_log
     WHERE organization_id = ?1
       AND created_at >= ?2
     ORDER BY created_at, id";

/// Notes down an act.
pub(super) fn insert(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    at: Timestamp,
    actor: &Actor,
    act: &Act,
) -> Result<(), Error> {
    let user = match actor {
        Actor::User(user) => Some(user),
        Actor::Operator => None,
    };
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":organization_id": organization,
        ":created_at": at,
        ":actor_id": user,
        ":action": act.name(),
        ":key_id": act.key(),
        ":member_id": act.member(),
        ":role": act.role(),
    })?;
    Ok(())
}

/// What was done in the organization from `since` on, oldest first.
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
    let act = Act::from_parts(&name, row.get(3)?, row.get(4)?, row.get(5)?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(2, Type::Text, format!("no act: {name}").into())
    })?;
    Ok(AuditEntry {
        at: row.get(0)?,
        actor: row
            .get::<_, Option<_>>(1)?
            .map_or(Actor::Operator, Actor::User),
        act,
    })
}
