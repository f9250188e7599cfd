//! Organizations: created, renamed, looked up, listed; and the seed of an empty database.
//!
//! An organization and its row of totals are stored together. Organizations are never removed.

use rusqlite::{Connection, OptionalExtension, Row, Savepoint, params};

use super::{audit, key_lifecycle, members, row, usage};
use crate::{
    model::{
        Actor, AuditEvent, Name, Organization, OrganizationId, OrganizationRef, RenameOutcome,
        Seed, SeedKey, Slug, Timestamp,
    },
    store::Error,
};

pub(super) const ANY: &str = "
    SELECT 1
      FROM organizations
     LIMIT 1";

pub(super) const INSERT: &str = "
    INSERT INTO organizations (id, slug, name, created_at)
    VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (slug) DO NOTHING";

pub(super) const INSERT_TOTALS: &str = "
    INSERT INTO organization_totals (organization_id, counted_at)
    VALUES (?1, ?2)";

pub(super) const ORGANIZATION: &str = "
    SELECT id,
           slug,
           name,
           created_at
      FROM organizations
     WHERE id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))";

pub(super) const ORGANIZATIONS: &str = "
    SELECT id,
           slug,
           name,
           created_at
      FROM organizations
     ORDER BY slug";

/// Changes nothing if another organization has the slug.
pub(super) const RENAME: &str = "
    UPDATE organizations
       SET slug = ?2,
           name = ?3
     WHERE id = ?1
       AND NOT EXISTS (SELECT 1
                         FROM organizations
                        WHERE slug = ?2
                          AND id <> ?1)";

/// See [`crate::store::Store::seed_if_empty`].
pub(in crate::store) fn seed_if_empty(tx: &Savepoint<'_>, seed: &Seed) -> Result<bool, Error> {
    if tx.prepare_cached(ANY)?.exists([])? {
        return Ok(false);
    }
    for organization in &seed.organizations {
        insert(tx, organization)?;
    }
    for (organization, member) in &seed.members {
        members::insert(tx, *organization, member)?;
    }
    for seeded in &seed.keys {
        let SeedKey {
            id,
            organization,
            ref key,
            state,
        } = *seeded;
        key_lifecycle::insert(tx, organization, id, key, state)?;
    }
    usage::count_events(tx, seed.uses.iter().copied())?;
    usage::count_metered(tx, &seed.metered_uses)?;
    for (organization, entry) in &seed.audit {
        audit::insert(tx, *organization, entry.at, &entry.actor, &entry.event)?;
    }
    Ok(true)
}

/// See [`crate::store::Store::create_organization`].
pub(in crate::store) fn create(
    tx: &Savepoint<'_>,
    organization: &Organization,
) -> Result<bool, Error> {
    if !insert(tx, organization)? {
        return Ok(false);
    }
    let Organization { id, created_at, .. } = *organization;
    audit::insert(
        tx,
        id,
        created_at,
        &Actor::Operator,
        &AuditEvent::OrganizationCreated,
    )?;
    Ok(true)
}

/// Inserts an organization with totals of zero, which are as of its creation. Returns `false` if the slug is taken.
fn insert(tx: &Savepoint<'_>, organization: &Organization) -> Result<bool, Error> {
    let inserted = tx.prepare_cached(INSERT)?.execute(params![
        organization.id,
        organization.slug,
        organization.name,
        organization.created_at,
    ])?;
    if inserted == 0 {
        return Ok(false);
    }
    tx.prepare_cached(INSERT_TOTALS)?
        .execute(params![organization.id, organization.created_at])?;
    Ok(true)
}

/// See [`crate::store::Store::rename_organization`].
pub(in crate::store) fn rename(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    name: Option<Name>,
    slug: Option<Slug>,
    at: Timestamp,
) -> Result<RenameOutcome, Error> {
    let stored = find(tx, &OrganizationRef::Id(organization))?;
    let stored = stored.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let (renamed, changes) = stored.renamed(name, slug);
    if changes.is_empty() {
        return Ok(RenameOutcome::Unchanged(stored));
    }
    let mut rename = tx.prepare_cached(RENAME)?;
    if rename.execute(params![renamed.id, renamed.slug, renamed.name])? == 0 {
        return Ok(RenameOutcome::SlugTaken(renamed.slug));
    }
    let event = AuditEvent::OrganizationRenamed(changes);
    audit::insert(tx, organization, at, &Actor::Operator, &event)?;
    Ok(RenameOutcome::Renamed(renamed))
}

/// See [`crate::store::Store::organization`].
pub(in crate::store) fn find(
    conn: &Connection,
    organization: &OrganizationRef,
) -> Result<Option<Organization>, Error> {
    let (id, slug) = row::id_or_slug(organization);
    let mut statement = conn.prepare_cached(ORGANIZATION)?;
    let found = statement.query_row(params![id, slug], self::organization);
    Ok(found.optional()?)
}

/// See [`crate::store::Store::organizations`].
pub(in crate::store) fn list(conn: &Connection) -> Result<Vec<Organization>, Error> {
    let mut statement = conn.prepare_cached(ORGANIZATIONS)?;
    let organizations = statement.query_map([], organization)?;
    Ok(organizations.collect::<Result<_, _>>()?)
}

fn organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        created_at: row.get(3)?,
    })
}
