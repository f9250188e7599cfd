//! Members of an organization: added, listed, removed.
//!
//! Callers have looked the organization up, and organizations are never removed. Permissions of members are checked in
//! [`super::access`], and in the statements of reads that every member may do.

use rusqlite::{Connection, OptionalExtension, Row, Savepoint, params};

use super::{audit, row, sessions};
use crate::{
    model::{
        Actor, AddMemberOutcome, AuditEvent, Member, MemberEvent, Organization, OrganizationId,
        OwnerLoss, RemoveMemberOutcome, Role, Timestamp, UserId,
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

pub(super) const MEMBERSHIPS: &str = "
    SELECT m.user_id,
           m.role,
           m.created_at,
           o.id,
           o.slug,
           o.name,
           o.created_at
      FROM memberships AS m
      JOIN organizations AS o
        ON o.id = m.organization_id
     WHERE m.user_id = ?1";

pub(super) const CHANGE_ROLE: &str = "
    UPDATE memberships
       SET role = ?3
     WHERE organization_id = ?1
       AND user_id = ?2";

pub(super) const DELETE: &str = "
    DELETE FROM memberships
     WHERE organization_id = ?1
       AND user_id = ?2";

pub(super) const OTHER_OWNER: &str = "
    SELECT 1
      FROM memberships
     WHERE organization_id = ?1
       AND user_id <> ?2
       AND role = 'owner'
     LIMIT 1";

pub(super) const ACTIVE_KEYS_CREATED_BY: &str = "
    SELECT count(*)
      FROM api_keys
     WHERE organization_id = ?1
       AND created_by = ?2
       AND revoked_at IS NULL
       AND disabled_at IS NULL
       AND (expires_at IS NULL OR expires_at > ?3)";

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
    force: bool,
) -> Result<AddMemberOutcome, Error> {
    let stored = find(tx, organization, &user)?;
    let owner_loss = owner_loss(tx, organization, &user, force)?;
    let outcome = AddMemberOutcome::decide(stored, user, role, at, owner_loss);
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
        AddMemberOutcome::Unchanged(_) | AddMemberOutcome::LastOwner(_) => return Ok(outcome),
    };
    audit::insert(tx, organization, at, &Actor::Operator, &event)?;
    Ok(outcome)
}

/// Returns the membership of a user.
pub(super) fn find(
    conn: &Connection,
    organization: OrganizationId,
    user: &UserId,
) -> Result<Option<Member>, Error> {
    let mut statement = conn.prepare_cached(MEMBER)?;
    let found = statement.query_row(params![organization, user], member);
    Ok(found.optional()?)
}

/// Returns whether the organization has an owner.
pub(super) fn has_owner(conn: &Connection, organization: OrganizationId) -> Result<bool, Error> {
    // No user has an empty id.
    let mut owner = conn.prepare_cached(OTHER_OWNER)?;
    Ok(owner.exists(params![organization, ""])?)
}

/// Reads whether the organization has an owner other than `user`.
fn owner_loss(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: &UserId,
    force: bool,
) -> Result<OwnerLoss, Error> {
    let mut other_owner = tx.prepare_cached(OTHER_OWNER)?;
    Ok(OwnerLoss {
        has_other_owner: other_owner.exists(params![organization, user])?,
        force,
    })
}

/// Removes a member; see [`crate::store::Store::remove_member`]. Ends the user's sessions with
/// the last membership.
pub(in crate::store) fn remove(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: &UserId,
    at: Timestamp,
    force: bool,
) -> Result<RemoveMemberOutcome, Error> {
    let stored = find(tx, organization, user)?;
    let owner_loss = owner_loss(tx, organization, user, force)?;
    let outcome = RemoveMemberOutcome::decide(stored, owner_loss);
    if let RemoveMemberOutcome::Removed(member) = &outcome {
        let mut delete = tx.prepare_cached(DELETE)?;
        row::expect_one_row(delete.execute(params![organization, user])?)?;
        let event = AuditEvent::Member(user.clone(), MemberEvent::Removed(Some(member.role)));
        audit::insert(tx, organization, at, &Actor::Operator, &event)?;
        sessions::end_without_membership(tx, user)?;
    }
    Ok(outcome)
}

/// See [`crate::store::Store::active_keys_created_by`].
pub(in crate::store) fn active_keys_created_by(
    conn: &Connection,
    organization: OrganizationId,
    user: &UserId,
    now: Timestamp,
) -> Result<i64, Error> {
    let mut statement = conn.prepare_cached(ACTIVE_KEYS_CREATED_BY)?;
    Ok(statement.query_row(params![organization, user, now], |row| row.get(0))?)
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

/// See [`crate::store::Store::memberships`].
pub(in crate::store) fn memberships(
    conn: &Connection,
    user: &UserId,
) -> Result<Vec<(Organization, Member)>, Error> {
    let mut statement = conn.prepare_cached(MEMBERSHIPS)?;
    let memberships = statement.query_map([user], |row| {
        let organization = Organization {
            id: row.get(3)?,
            slug: row.get(4)?,
            name: row.get(5)?,
            created_at: row.get(6)?,
        };
        Ok((organization, member(row)?))
    })?;
    let mut memberships = memberships.collect::<Result<Vec<_>, _>>()?;
    memberships.sort_by_cached_key(|(organization, _)| organization.slug.as_str().to_owned());
    Ok(memberships)
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        user: row.get(0)?,
        role: row.get(1)?,
        created_at: row.get(2)?,
    })
}
