//! Creating, rotating and revoking keys.
//!
//! Each function runs in the savepoint of its caller, so the permission check, the change of the key, the organization's
//! totals and the entry in the audit log are atomic. Keys are read in [`super::keys`], changed in [`super::key_update`],
//! and counted in [`super::usage`].

use rusqlite::{Savepoint, named_params, params};

use super::{access, audit, key_counts, keys, row};
use crate::{
    model::{
        Actor, ApiKey, AuditEvent, AuditedKey, KeyDates, KeyEvent, KeyId, KeyIdRandom, KeyState,
        NewKey, OlderSecrets, OrganizationId, OrganizationRef, Quota, RateLimit, RotateOutcome,
        Rotation, SeedState, Timestamp,
    },
    store::{AccessError, Error},
};

pub(super) const INSERT: &str = "
    INSERT INTO api_keys (
      id, organization_id, secret_hash, preview, name, description, external_id, metadata, scopes,
      rate_limit, rate_window_seconds, quota_limit, quota_period,
      created_by, created_at, expires_at, revoked_at, disabled_at
    )
    VALUES (
      :id, :organization_id, :secret_hash, :preview, :name, :description, :external_id, :metadata, :scopes,
      :rate_limit, :rate_window_seconds, :quota_limit, :quota_period,
      :created_by, :created_at, :expires_at, :revoked_at, :disabled_at
    )";

pub(super) const NEWEST_ID: &str = "
    SELECT newest
      FROM key_id_generator
     WHERE id = 1";

pub(super) const SET_NEWEST_ID: &str = "
    UPDATE key_id_generator
       SET newest = ?1
     WHERE id = 1";

/// Makes the newest secret the previous one. Replaces the row of an earlier rotation, whose grace period has ended.
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

/// See [`crate::store::Store::create_key`].
pub(in crate::store) fn create(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: &NewKey,
    random: KeyIdRandom,
) -> Result<ApiKey, AccessError> {
    let organization = access::require_key_manager(tx, organization, by)?;
    let id = next_id(tx, key.created_at, random)?;
    insert(tx, organization, id, key, SeedState::default())?;
    let at = key.created_at;
    let key = keys::by_id(tx, id, at)?.ok_or(Error::UnknownKey(id))?;
    audit_key(tx, &key, by, at, KeyEvent::Created)?;
    Ok(key)
}

/// Generates the id of a new key. It is greater than every id that was generated in this database before, since the
/// newest one is read and replaced in the transaction that creates the key.
fn next_id(tx: &Savepoint<'_>, now: Timestamp, random: KeyIdRandom) -> Result<KeyId, Error> {
    let mut newest = tx.prepare_cached(NEWEST_ID)?;
    let newest = newest.query_row([], |row| row.get(0))?;
    let id = KeyId::next(newest, now, random);
    row::expect_one_row(tx.prepare_cached(SET_NEWEST_ID)?.execute([id])?)?;
    Ok(id)
}

/// Inserts a key without usage and adds it to the organization's totals. The secret is hashed here.
pub(super) fn insert(
    tx: &Savepoint<'_>,
    organization: OrganizationId,
    id: KeyId,
    key: &NewKey,
    state: SeedState,
) -> Result<(), Error> {
    tx.prepare_cached(INSERT)?.execute(named_params! {
        ":id": id,
        ":organization_id": organization,
        ":secret_hash": key.secret.hash().as_bytes(),
        ":preview": key.secret.preview(),
        ":name": key.settings.name,
        ":description": key.settings.description,
        ":external_id": key.settings.external_id,
        ":metadata": key.settings.metadata,
        ":scopes": key.settings.scopes,
        ":rate_limit": key.settings.rate_limit.map(RateLimit::limit),
        ":rate_window_seconds": key.settings.rate_limit.map(RateLimit::window_seconds),
        ":quota_limit": key.settings.quota.map(Quota::limit),
        ":quota_period": key.settings.quota.map(Quota::period),
        ":created_by": key.created_by,
        ":created_at": key.created_at,
        ":expires_at": key.settings.expires_at,
        ":revoked_at": state.revoked_at,
        ":disabled_at": state.disabled_at,
    })?;
    let dates = KeyDates {
        revoked_at: state.revoked_at,
        expires_at: key.settings.expires_at,
        disabled_at: state.disabled_at,
    };
    let created = KeyState {
        dates,
        last_used_at: None,
    };
    key_counts::moved(tx, organization, None, created)
}

/// See [`crate::store::Store::rotate_key`].
pub(in crate::store) fn rotate(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: KeyId,
    rotation: &Rotation,
) -> Result<RotateOutcome, AccessError> {
    let key = key_to_manage(tx, organization, by, key, rotation.at)?;
    let older_secrets = rotation.decide(&key, key.grace_end)?;
    replace_secret(tx, key.id, rotation, older_secrets)?;
    audit_key(tx, &key, by, rotation.at, KeyEvent::Rotated)?;
    let key = ApiKey {
        preview: rotation.secret.preview(),
        grace_end: older_secrets.grace_end(),
        ..key
    };
    Ok(RotateOutcome { key, older_secrets })
}

/// Stores the new secret of a key, and ends or keeps its older ones.
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
            row::expect_one_row(retire.execute(params![key, grace_end])?)?;
        }
        OlderSecrets::KeepPrevious { .. } => {}
    }
    row::expect_one_row(tx.prepare_cached(REPLACE_SECRET)?.execute(params![
        key,
        rotation.secret.hash().as_bytes(),
        rotation.secret.preview(),
    ])?)
}

/// See [`crate::store::Store::revoke_key`].
pub(in crate::store) fn revoke(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: KeyId,
    at: Timestamp,
) -> Result<ApiKey, AccessError> {
    let key = key_to_manage(tx, organization, by, key, at)?;
    let Some(revoked) = key.revoke(at) else {
        return Ok(key);
    };
    row::expect_one_row(tx.prepare_cached(REVOKE)?.execute(params![key.id, at])?)?;
    let before = KeyState::from(&key);
    key_counts::moved(tx, key.organization, Some(before), (&revoked).into())?;
    audit_key(tx, &key, by, at, KeyEvent::Revoked)?;
    Ok(revoked)
}

/// Appends a change of `key`, which is as it was before the change, to the audit log.
pub(super) fn audit_key(
    tx: &Savepoint<'_>,
    key: &ApiKey,
    by: &Actor,
    at: Timestamp,
    event: KeyEvent,
) -> Result<(), Error> {
    let audited = AuditedKey {
        id: key.id,
        name: key.name.clone(),
    };
    let event = AuditEvent::Key(audited, event);
    audit::insert(tx, key.organization, at, by, &event)
}

/// Returns a key of the organization if `by` may manage it.
pub(super) fn key_to_manage(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: KeyId,
    now: Timestamp,
) -> Result<ApiKey, AccessError> {
    let organization = access::require_key_manager(tx, organization, by)?;
    keys::by_id(tx, key, now)?
        .filter(|key| key.organization == organization)
        .ok_or(AccessError::KeyNotFound)
}
