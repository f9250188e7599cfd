//! Keys, one at a time: reading one for a member, storing a new one.
//!
//! Reading is one statement: membership, key and usage come from one snapshot, and a stranger's request costs
//! what a member's costs.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::row;
use crate::{
    model::{Access, ApiKey, KeyId, NewKey, OrganizationRef, RateLimit, UserId},
    store::Error,
};

/// One row for a member, with nulls where the key is not the organization's; no row for anybody else.
pub(super) const KEY: &str = "
    SELECT o.id,
           k.id,
           k.preview,
           k.name,
           k.description,
           k.scopes,
           k.rate_limit,
           k.rate_window_seconds,
           k.successful_requests,
           k.rate_limit_hits,
           k.errors,
           k.created_by,
           k.created_at,
           k.last_used_at,
           k.expires_at,
           k.revoked_at
      FROM organizations AS o
      JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = ?3
      LEFT JOIN api_keys AS k
        ON k.id = ?4
       AND k.organization_id = o.id
     WHERE o.id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))";

pub(super) const INSERT: &str = "
    INSERT INTO api_keys (
      id, organization_id, secret_hash, preview, name, description, scopes,
      rate_limit, rate_window_seconds, created_by, created_at, expires_at, revoked_at
    )
    VALUES (
      :id, :organization_id, :secret_hash, :preview, :name, :description, :scopes,
      :rate_limit, :rate_window_seconds, :created_by, :created_at, :expires_at, :revoked_at
    )";

pub(super) const COUNT_INSERTED: &str = "
    UPDATE organization_totals
       SET total_keys = total_keys + 1,
           revoked_keys = revoked_keys + ?2
     WHERE organization_id = ?1";

/// The key for `user`; see [`crate::store::Store::key`].
pub(in crate::store) fn key(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    key: Option<KeyId>,
) -> Result<Access<Option<ApiKey>>, Error> {
    let (id, slug) = row::id_or_slug(organization);
    let found = conn
        .prepare_cached(KEY)?
        .query_row(params![id, slug, user, key], api_key)
        .optional()?;
    Ok(found.map_or(Access::Denied, Access::Granted))
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<Option<ApiKey>> {
    let Some(id) = row.get(1)? else {
        return Ok(None);
    };
    let limit: Option<i64> = row.get(6)?;
    let window: Option<i64> = row.get(7)?;
    Ok(Some(ApiKey {
        id,
        organization: row.get(0)?,
        preview: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        scopes: row.get(5)?,
        rate_limit: limit.zip(window).map(|(limit, window_seconds)| RateLimit {
            limit,
            window_seconds,
        }),
        usage: row::usage(row, 8)?,
        created_by: row.get(11)?,
        created_at: row.get(12)?,
        last_used_at: row.get(13)?,
        expires_at: row.get(14)?,
        revoked_at: row.get(15)?,
    }))
}

/// Stores a key, without any use, and counts it. Its secret is hashed here and goes no further.
pub(super) fn insert(tx: &Transaction<'_>, key: &NewKey) -> Result<(), Error> {
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":id": key.id,
        ":organization_id": key.organization,
        ":secret_hash": key.secret.hash().as_bytes(),
        ":preview": key.secret.preview(),
        ":name": key.name,
        ":description": key.description,
        ":scopes": key.scopes,
        ":rate_limit": key.rate_limit.map(|rate| rate.limit),
        ":rate_window_seconds": key.rate_limit.map(|rate| rate.window_seconds),
        ":created_by": key.created_by,
        ":created_at": key.created_at,
        ":expires_at": key.expires_at,
        ":revoked_at": key.revoked_at,
    })?;
    tx.prepare_cached(COUNT_INSERTED)?
        .execute(params![key.organization, key.revoked_at.is_some()])?;
    Ok(())
}
