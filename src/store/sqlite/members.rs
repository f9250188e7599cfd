//! Members of an organization: added, listed, removed.
//!
//! Callers have looked the organization up, and organizations are never removed. Permissions of members are checked in
//! [`super::access`], and in the statements of reads that every member may do.

use rusqlite::{Connection, OptionalExtension, Row, Savepoint, params};

use super::audit;
use crate::{
    model::{
        Actor, AddMemberOutcome, AuditEvent, Member, MemberEvent, OrganizationId, Role, Timestamp,
        UserId,
    },
    store::Error,
};

pub(super) const INSERT: &str = "
    INSERT INTO memberships (organization_id, user_id, role, created_at)
    VALUES (?1, ?2, ?3, ?4)";

pub(super) const MEMBER: &str = "
    SELECT user_id,
           role,
           created_at
      FROM memberships
     WHERE organization_id = ?1
       AND user_id = ?2";

pub(super) const MEMBERS: &str = "
    SELECT user_id,
           role,
           created_at
      FROM memberships
     WHERE organization_id = ?1
     ORDER BY user_id";

pub(super) const CHANGE_ROLE: &str = "
    UPDATE memberships
       SET role = ?3
     WHERE organization_id = ?1
       AND user_id = ?2";

pub(super) const DELETE: &str = "
    DELETE FROM memberships
     WHERE organization_id = ?1
       AND user_id = ?2
    RETURNING user_id,
              role,
              created_at";

/// Inserts a member, without an audit entry.
pub(super) fn insert(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    member: &Member,
) -> Result<(), Error> {
    tx.prepare_cached(INSERT)?.execute(params![
        organization,
        member.user,
        member.role,
        member.created_at,
    ])?;
    Ok(())
}

/// Adds a member or changes the role of one; see [`crate::store::Store::add_member`].
pub(in crate::store) fn add(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Option<Role>,
    at: Timestamp,
) -> Result<AddMemberOutcome, Error> {
    let stored = find(tx, organization, &user)?;
    let outcome = AddMemberOutcome::decide(stored, user, role, at);
    let event = match &outcome {
        AddMemberOutcome::Added(member) => {
            insert(tx, organization, member)?;
            AuditEvent::Member(member.user.clone(), MemberEvent::Added(member.role))
        }
        AddMemberOutcome::RoleChanged { member, .. } => {
            tx.prepare_cached(CHANGE_ROLE)?.execute(params![
                organization,
                member.user,
                member.role
            ])?;
            AuditEvent::Member(member.user.clone(), MemberEvent::Changed(member.role))
        }
        AddMemberOutcome::Unchanged(_) => return Ok(outcome),
    };
    audit::insert(tx, organization, at, &Actor::Operator, &event)?;
    Ok(outcome)
}

fn find(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: &UserId,
) -> Result<Option<Member>, Error> {
    let mut statement = tx.prepare_cached(MEMBER)?;
    let found = statement.query_row(params![organization, user], member);
    Ok(found.optional()?)
}

/// Removes a member and returns it.
pub(in crate::store) fn remove(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: &UserId,
    at: Timestamp,
) -> Result<Option<Member>, Error> {
    let removed = tx
        .prepare_cached(DELETE)?
        .query_row(params![organization, user], member)
        .optional()?;
    if let Some(removed) = &removed {
        let event = AuditEvent::Member(user.clone(), MemberEvent::Removed(Some(removed.role)));
        audit::insert(tx, organization, at, &Actor::Operator, &event)?;
    }
    Ok(removed)
}

/// Returns the members, in the order of their ids.
pub(in crate::store) fn list(
    conn: &Connection,
    organization: OrganizationId,
) -> Result<Vec<Member>, Error> {
    let mut statement = conn.prepare_cached(MEMBERS)?;
    let members = statement.query_map([organization], member)?;
    Ok(members.collect::<Result<_, _>>()?)
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        user: row.get(0)?,
        role: row.get(1)?,
        created_at: row.get(2)?,
    })
}
