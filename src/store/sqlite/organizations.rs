//! Organizations and their members: who may read, and how they get into the file.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{keys, row, usage};
use crate::{
    model::{Access, NewMember, Organization, OrganizationRef, Seed, UserId},
    store::Error,
};

pub(super) const ACCESS: &str = "
    SELECT 1
      FROM organizations AS o
      JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = ?3
     WHERE o.id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))";

pub(super) const ANY: &str = "
    SELECT 1
      FROM organizations
     LIMIT 1";

pub(super) const INSERT: &str = "
    INSERT INTO organizations (id, slug, name, created_at)
    VALUES (?1, ?2, ?3, ?4)";

pub(super) const INSERT_TOTALS: &str = "
    INSERT INTO organization_totals (organization_id)
    VALUES (?1)";

pub(super) const INSERT_MEMBER: &str = "
    INSERT INTO memberships (organization_id, user_id, role, created_at)
    VALUES (?1, ?2, ?3, ?4)";

/// Whether `user` is a member; see [`crate::store::Store::access`].
pub(in crate::store) fn access(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
) -> Result<Access<()>, Error> {
    let (id, slug) = row::id_or_slug(organization);
    let found = conn
        .prepare_cached(ACCESS)?
        .query_row(params![id, slug, user], |_| Ok(()))
        .optional()?;
    Ok(found.map_or(Access::Denied, Access::Granted))
}

/// Stores the seed unless there is an organization already; see [`crate::store::Store::seed_if_empty`].
pub(in crate::store) fn seed_if_empty(tx: &Transaction<'_>, seed: &Seed) -> Result<bool, Error> {
    if tx.prepare_cached(ANY)?.exists([])? {
        return Ok(false);
    }
    for organization in &seed.organizations {
        insert(tx, organization)?;
    }
    for member in &seed.members {
        insert_member(tx, member)?;
    }
    for key in &seed.keys {
        keys::insert(tx, key)?;
    }
    usage::record(tx, &seed.uses)?;
    Ok(true)
}

/// Stores an organization, with totals of zero.
fn insert(tx: &Transaction<'_>, organization: &Organization) -> Result<(), Error> {
    tx.prepare_cached(INSERT)?.execute(params![
        organization.id,
        organization.slug,
        organization.name,
        organization.created_at,
    ])?;
    tx.prepare_cached(INSERT_TOTALS)?
        .execute([organization.id])?;
    Ok(())
}

fn insert_member(tx: &Transaction<'_>, member: &NewMember) -> Result<(), Error> {
    tx.prepare_cached(INSERT_MEMBER)?.execute(params![
        member.organization,
        member.user,
        member.role.as_str(),
        member.created_at,
    ])?;
    Ok(())
}
