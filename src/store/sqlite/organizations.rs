//! Organizations and their members: how they get into the file. Reading asks for membership itself.

use rusqlite::{Transaction, params};

use super::{keys, usage};
use crate::{
    model::{NewMember, Organization, Seed},
    store::Error,
};

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
