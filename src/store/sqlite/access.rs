//! Permissions: whether an actor may manage the keys of an organization.
//!
//! Checked in the transaction of the operation, so that a removed membership takes effect at once. The two reads that
//! every member may do check the membership in their own statement; see [`super::keys`] and [`super::stats`].

use rusqlite::{Connection, OptionalExtension, params};

use super::row;
use crate::{
    model::{Actor, OrganizationId, OrganizationRef, Role, UserId},
    store::{AccessError, Error},
};

pub(super) const ORGANIZATION_AND_ROLE: &str = "
    SELECT o.id,
           m.role
      FROM organizations AS o
      LEFT JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = ?3
     WHERE o.id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))";

/// Returns the organization's id if `by` may manage its keys; see [`Actor::require_key_manager`].
pub(super) fn require_key_manager(
    conn: &Connection,
    organization: &OrganizationRef,
    by: &Actor,
) -> Result<OrganizationId, AccessError> {
    let user = match by {
        Actor::User(user) => Some(user),
        Actor::Operator => None,
    };
    let found = organization_and_role(conn, organization, user)?;
    let (id, role) = found.ok_or(AccessError::NotAMember)?;
    by.require_key_manager(role)?;
    Ok(id)
}

fn organization_and_role(
    conn: &Connection,
    organization: &OrganizationRef,
    user: Option<&UserId>,
) -> Result<Option<(OrganizationId, Option<Role>)>, Error> {
    let (id, slug) = row::id_or_slug(organization);
    let found = conn
        .prepare_cached(ORGANIZATION_AND_ROLE)?
        .query_row(params![id, slug, user], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found)
}
