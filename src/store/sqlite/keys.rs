//! Reading one key: for a member, for the operator, by its secret.
//!
//! `columns!` and [`api_key`] are the only mapping from a row to a key. Lists of keys are in [`super::key_list`], and keys
//! are created and changed in [`super::key_lifecycle`].

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{key_days, row};
use crate::{
    model::{ApiKey, KeyId, OrganizationRef, RateLimit, SecretHash, Timestamp, UserId},
    store::{AccessError, Error},
};

/// The columns that [`api_key`] reads, of `api_keys AS k`.
macro_rules! columns {
    () => {
        "k.id,
           k.organization_id,
           k.preview,
           k.name,
           k.description,
           k.external_id,
           k.metadata,
           k.scopes,
           k.rate_limit,
           k.rate_window_seconds,
           k.rate_limit_counts_after,
           k.quota_limit,
           k.quota_period,
           k.successful_requests,
           k.rate_limit_hits,
           k.errors,
           k.created_by,
           k.created_at,
           k.last_used_at,
           k.expires_at,
           k.revoked_at,
           k.disabled_at,
           k.newest_month,
           k.newest_month_successes,
           (SELECT valid_until
              FROM retiring_secrets
             WHERE key_id = k.id)"
    };
}

/// The columns for the statements of lists, which are built.
pub(super) const COLUMNS: &str = columns!();

/// Returns one row for a member, with nulls if the organization has no such key, and no row for a non-member. One
/// statement reads membership, key and usage from one snapshot, and costs the same for members and non-members.
pub(super) const KEY: &str = concat!(
    "
    SELECT ",
    columns!(),
    "
      FROM organizations AS o
      JOIN memberships AS m
        ON m.organization_id = o.id
       AND m.user_id = ?3
      LEFT JOIN api_keys AS k
        ON k.id = ?4
       AND k.organization_id = o.id
     WHERE o.id = coalesce(?1, (SELECT id FROM organizations WHERE slug = ?2))"
);

pub(super) const BY_ID: &str = concat!(
    "
    SELECT ",
    columns!(),
    "
      FROM api_keys AS k
     WHERE k.id = ?1"
);

pub(super) const EXISTS: &str = "
    SELECT 1
      FROM api_keys
     WHERE id = ?1";

/// A secret belongs to the key that has it, or that had it before a rotation whose grace period has not ended.
pub(super) const BY_SECRET: &str = concat!(
    "
    SELECT ",
    columns!(),
    "
      FROM api_keys AS k
     WHERE k.id = coalesce(
             (SELECT id
                FROM api_keys
               WHERE secret_hash = ?1),
             (SELECT key_id
                FROM retiring_secrets
               WHERE secret_hash = ?1
                 AND valid_until > ?2))"
);

/// See [`crate::store::Store::key`].
pub(in crate::store) fn key(
    conn: &Connection,
    organization: &OrganizationRef,
    user: &UserId,
    key: KeyId,
    now: Timestamp,
    days: Option<u32>,
) -> Result<ApiKey, AccessError> {
    let (id, slug) = row::id_or_slug(organization);
    let found = conn
        .prepare_cached(KEY)?
        .query_row(params![id, slug, user, key], |row| {
            let has_key = row.get::<_, Option<KeyId>>(0)?.is_some();
            has_key
                .then(|| api_key_with_days(conn, row, now, days))
                .transpose()
        })
        .optional()?;
    found
        .ok_or(AccessError::NotAMember)?
        .ok_or(AccessError::KeyNotFound)
}

/// Returns whether a key has this id.
pub(in crate::store) fn exists(conn: &Connection, key: KeyId) -> Result<bool, Error> {
    Ok(conn.prepare_cached(EXISTS)?.exists([key])?)
}

/// Returns the key with this id, in any organization.
pub(in crate::store) fn by_id(
    conn: &Connection,
    key: KeyId,
    now: Timestamp,
) -> Result<Option<ApiKey>, Error> {
    let mut statement = conn.prepare_cached(BY_ID)?;
    let found = statement.query_row([key], |row| api_key(conn, row, now));
    Ok(found.optional()?)
}

/// See [`crate::store::Store::key_with_secret`].
pub(super) fn by_secret(
    conn: &Connection,
    secret: &SecretHash,
    now: Timestamp,
) -> Result<Option<ApiKey>, Error> {
    let mut statement = conn.prepare_cached(BY_SECRET)?;
    let found = statement.query_row(params![secret.as_bytes(), now], |row| {
        api_key(conn, row, now)
    });
    Ok(found.optional()?)
}

/// Converts a row to a key, with its last `days` days from the snapshot of the row.
pub(super) fn api_key_with_days(
    conn: &Connection,
    row: &Row<'_>,
    now: Timestamp,
    days: Option<u32>,
) -> rusqlite::Result<ApiKey> {
    let key = api_key(conn, row, now)?;
    let daily = days.map(|days| key_days::daily(conn, key.id, now.day(), days));
    Ok(ApiKey {
        daily: daily.transpose()?,
        ..key
    })
}

/// Converts a row to a key. Reads the use of its quota from the snapshot of the row.
fn api_key(conn: &Connection, row: &Row<'_>, now: Timestamp) -> rusqlite::Result<ApiKey> {
    let id = row.get(0)?;
    let (limit, window): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    Ok(ApiKey {
        id,
        organization: row.get(1)?,
        preview: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        external_id: row.get(5)?,
        metadata: row.get(6)?,
        scopes: row.get(7)?,
        rate_limit: limit
            .zip(window)
            .and_then(|(limit, window)| RateLimit::new(limit, window)),
        rate_limit_counts_after: row.get(10)?,
        quota: row::quota(row, 11)?
            .map(|quota| key_days::quota_state(conn, id, quota, row::newest_month(row, 22)?, now))
            .transpose()?,
        usage: row::usage(row, 13)?,
        created_by: row.get(16)?,
        created_at: row.get(17)?,
        last_used_at: row.get(18)?,
        expires_at: row.get(19)?,
        revoked_at: row.get(20)?,
        disabled_at: row.get(21)?,
        grace_end: row.get(24)?,
        daily: None,
    })
}
