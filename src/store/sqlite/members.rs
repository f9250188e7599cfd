//! Who belongs to an organization: added, listed, removed.
//!
//! Whoever calls has found the organization before; organizations never go away. What a member may do is decided
//! in [`super::access`], and where every member may read.

use rusqlite::{Connection, OptionalExtension, Row, Savepoint, params};

use super::audit;
use crate::{
    model::{Act, Actor, Member, MemberAdded, OrganizationId, Role, Timestamp, UserId},
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

/// Stores a member, and notes nothing down: for a whole world at once.
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

/// Makes a user a member, or gives a member another role; see [`crate::store::Store::add_member`].
pub(in crate::store) fn add(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Option<Role>,
    at: Timestamp,
) -> Result<MemberAdded, Error> {
    let found = tx
        .prepare_cached(MEMBER)?
        .query_row(params![organization, user], member)
        .optional()?;
    let Some(found) = found else {
        let member = Member {
            user,
            role: role.unwrap_or(Role::Member),
            created_at: at,
        };
        insert(tx, organization, &member)?;
        let act = Act::MemberAdded(member.user.clone(), member.role);
        audit::insert(tx, organization, at, &Actor::Operator, &act)?;
        return Ok(MemberAdded::Added(member));
    };
    let Some(role) = role.filter(|role| *role != found.role) else {
        return Ok(MemberAdded::Unchanged(found));
    };
    tx.prepare_cached(CHANGE_ROLE)?
        .execute(params![organization, user, role])?;
    let act = Act::MemberChanged(user, role);
    audit::insert(tx, organization, at, &Actor::Operator, &act)?;
    Ok(MemberAdded::RoleChanged {
        from: found.role,
        member: Member { role, ..found },
    })
}

/// Removes a member, who is returned.
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
        let act = Act::MemberRemoved(user.clone(), Some(removed.role));
        audit::insert(tx, organization, at, &Actor::Operator, &act)?;
    }
    Ok(removed)
}

/// The members, in the order of their ids.
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
