//! A key's life: created, rotated, revoked.
//!
//! Each is one act in the savepoint of its caller: whether `by` may, the key itself, the organization's totals and
//! the line in the audit log come together or not at all. Reading keys is in [`super::keys`], using them in
//! [`super::usage`].

use rusqlite::{Savepoint, named_params, params};

use super::{access, audit, keys, row};
use crate::{
    model::{
        Access, Act, Actor, ApiKey, KeyId, KeyIdRandom, NewKey, OlderSecrets, OrganizationId,
        OrganizationRef, RateLimit, Rotated, Rotation, Timestamp,
    },
    store::Error,
};

pub(super) const INSERT: &str = "
    INSERT INTO api_keys (
      id, organization_id, secret_hash, preview, name, description, scopes,
      rate_limit, rate_window_seconds, created_by, created_at, expires_at, revoked_at
    )
    VALUES (
      :id, :organization_id, :secret_hash, :preview, :name, :description, :scopes,
      :rate_limit, :rate_window_seconds, :created_by, :created_at, :expires_at, :revoked_at
    )";

pub(super) const NEWEST_ID: &str = "
    SELECT newest
      FROM key_id_generator
     WHERE id = 1";

pub(super) const SET_NEWEST_ID: &str = "
    UPDATE key_id_generator
       SET newest = ?1
     WHERE id = 1";

pub(super) const COUNT_INSERTED: &str = "
    UPDATE organization_totals
       SET total_keys = total_keys + 1,
           revoked_keys = revoked_keys + ?2
     WHERE organization_id = ?1";

/// Makes the newest secret the previous one. A row of an earlier rotation is of a secret that no longer works.
pub(super) const RETIRE_SECRET: &str = "
    INSERT INTO retiring_secrets (key_id, secret_hash, valid_until)
    SELECT id,
           secret_hash,
           ?2
      FROM api_keys
     WHERE id = ?1
        ON CONFLICT (key_id) DO UPDATE
       SET secret_hash = excluded.secret_hash,
           valid_until = excluded.valid_until";

pub(super) const END_PREVIOUS_SECRET: &str = "
    DELETE FROM retiring_secrets
     WHERE key_id = ?1";

pub(super) const REPLACE_SECRET: &str = "
    UPDATE api_keys
       SET secret_hash = ?2,
           preview = ?3
     WHERE id = ?1";

pub(super) const REVOKE: &str = "
    UPDATE api_keys
       SET revoked_at = ?2
     WHERE id = ?1
       AND revoked_at IS NULL";

pub(super) const COUNT_REVOKED: &str = "
    UPDATE organization_totals
       SET revoked_keys = revoked_keys + 1
     WHERE organization_id = ?1";

/// Creates a key; see [`crate::store::Store::create_key`].
pub(in crate::store) fn create(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: &NewKey,
    random: KeyIdRandom,
) -> Result<Access<ApiKey>, Error> {
    access::manager(tx, organization, by)?.try_map(|organization| {
        let id = next_id(tx, key.created_at, random)?;
        insert(tx, organization, id, key, None)?;
        audit::insert(tx, organization, key.created_at, by, &Act::KeyCreated(id))?;
        keys::by_id(tx, id)?.ok_or(Error::UnknownKey(id))
    })
}

/// Generates the id of a new key. It is greater than every id that was generated in this database before, since the
/// newest one is read and replaced in the transaction that creates the key.
fn next_id(tx: &Savepoint<'_>, now: Timestamp, random: KeyIdRandom) -> Result<KeyId, Error> {
    let mut newest = tx.prepare_cached(NEWEST_ID)?;
    let newest = newest.query_row([], |row| row.get(0))?;
    let id = KeyId::next(newest, now, random);
    row::one(tx.prepare_cached(SET_NEWEST_ID)?.execute([id])?)?;
    Ok(id)
}

/// Inserts a key without usage and adds it to the organization's totals. The secret is hashed here.
pub(super) fn insert(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    id: KeyId,
    key: &NewKey,
    revoked_at: Option<Timestamp>,
) -> Result<(), Error> {
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":id": id,
        ":organization_id": organization,
        ":secret_hash": key.secret.hash().as_bytes(),
        ":preview": key.secret.preview(),
        ":name": key.settings.name,
        ":description": key.settings.description,
        ":scopes": key.settings.scopes,
        ":rate_limit": key.settings.rate_limit.map(RateLimit::limit),
        ":rate_window_seconds": key.settings.rate_limit.map(RateLimit::window_seconds),
        ":created_by": key.created_by,
        ":created_at": key.created_at,
        ":expires_at": key.settings.expires_at,
        ":revoked_at": revoked_at,
    })?;
    let mut count = tx.prepare_cached(COUNT_INSERTED)?;
    row::one(count.execute(params![organization, revoked_at.is_some()])?)
}

/// Rotates a key; see [`crate::store::Store::rotate_key`].
pub(in crate::store) fn rotate(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: Option<KeyId>,
    rotation: &Rotation,
) -> Result<Access<Option<Rotated>>, Error> {
    change(tx, organization, by, key, |key| {
        let older = match rotation.decide(&key, key.grace_end) {
            Ok(older) => older,
            Err(refused) => return Ok(Rotated::Refused(refused)),
        };
        replace_secret(tx, key.id, rotation, older)?;
        let act = Act::KeyRotated(key.id);
        audit::insert(tx, key.organization, rotation.at, by, &act)?;
        let key = ApiKey {
            preview: rotation.secret.preview(),
            grace_end: older.grace_end(),
            ..key
        };
        Ok(Rotated::Done(Box::new(key), older))
    })
}

/// Stores the new secret of a key, and what becomes of its older ones.
fn replace_secret(
    tx: &Savepoint<'_>,
    key: KeyId,
    rotation: &Rotation,
    older: OlderSecrets,
) -> Result<(), Error> {
    match older {
        OlderSecrets::End => {
            tx.prepare_cached(END_PREVIOUS_SECRET)?.execute([key])?;
        }
        OlderSecrets::KeepNewest { grace_end } => {
            let mut retire = tx.prepare_cached(RETIRE_SECRET)?;
            row::one(retire.execute(params![key, grace_end])?)?;
        }
        OlderSecrets::KeepPrevious { .. } => {}
    }
    row::one(tx.prepare_cached(REPLACE_SECRET)?.execute(params![
        key,
        rotation.secret.hash().as_bytes(),
        rotation.secret.preview(),
    ])?)
}

/// Revokes a key; see [`crate::store::Store::revoke_key`].
pub(in crate::store) fn revoke(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: Option<KeyId>,
    at: Timestamp,
) -> Result<Access<Option<ApiKey>>, Error> {
    change(tx, organization, by, key, |key| {
        if key.revoked_at.is_some() {
            return Ok(key);
        }
        row::one(tx.prepare_cached(REVOKE)?.execute(params![key.id, at])?)?;
        let mut count = tx.prepare_cached(COUNT_REVOKED)?;
        row::one(count.execute([key.organization])?)?;
        audit::insert(tx, key.organization, at, by, &Act::KeyRevoked(key.id))?;
        Ok(ApiKey {
            revoked_at: Some(at),
            ..key
        })
    })
}

/// Changes a key of the organization, if `by` may and if it has the key.
fn change<T>(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: Option<KeyId>,
    change: impl FnOnce(ApiKey) -> Result<T, Error>,
) -> Result<Access<Option<T>>, Error> {
    access::manager(tx, organization, by)?.try_map(|organization| {
        let found = key.map(|key| keys::by_id(tx, key)).transpose()?.flatten();
        found
            .filter(|key| key.organization == organization)
            .map(change)
            .transpose()
    })
}
