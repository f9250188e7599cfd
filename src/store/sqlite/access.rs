//! Who may act in an organization: the one question before every change and every list.
//!
//! Asked in the transaction of the act itself, so that a removed membership counts at once. The two reads that
//! every member may do have the question in their own statement; see [`super::keys`] and [`super::stats`].

use rusqlite::{Connection, OptionalExtension, params};

use super::row;
use crate::{
    model::{Access, Actor, OrganizationId, OrganizationRef, Role, UserId},
    store::Error,
};

pub(super) const ORGANIZATION_AND_ROLE: &str = "
    SELECT o.id,
           m.role
      FROM organizations AS o
      LEFT JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = ?3
     WHERE o.id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))";

/// The organization, if `by` may manage its keys. The operator may, wherever there is one.
pub(super) fn manager(
    conn: &Connection,
    organization: &OrganizationRef,
    by: &Actor,
) -> Result<Access<OrganizationId>, Error> {
    Ok(match by {
        Actor::Operator => {
            self::organization(conn, organization)?.map_or(Access::Denied, Access::Granted)
        }
        Actor::User(user) => match organization_and_role(conn, organization, Some(user))? {
            Some((id, Some(role))) if role.manages_keys() => Access::Granted(id),
            Some((_, Some(_))) => Access::RoleTooLow,
            Some((_, None)) | None => Access::Denied,
        },
    })
}

/// The id of the organization that is named, if there is one.
pub(super) fn organization(
    conn: &Connection,
    organization: &OrganizationRef,
) -> Result<Option<OrganizationId>, Error> {
    let found = organization_and_role(conn, organization, None)?;
    Ok(found.map(|(id, _)| id))
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
