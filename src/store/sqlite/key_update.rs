//! Changing the settings of a key, disabling and enabling it.
//!
//! [`KeyUpdate::decide`] is the rule. It runs in the savepoint that applies it, with the permission check and the entries
//! in the audit log, so that all of them are of the same key.

use rusqlite::{Savepoint, named_params};

use super::{key_counts, key_lifecycle, keys, rate_slots, row};
use crate::{
    model::{
        Actor, ApiKey, KeyId, KeyState, KeyUpdate, OrganizationRef, Quota, Timestamp, Updated,
    },
    store::{AccessError, Error},
};

pub(super) const UPDATE: &str = "
    UPDATE api_keys
       SET name = :name,
           description = :description,
           external_id = :external_id,
           metadata = :metadata,
           scopes = :scopes,
           quota_limit = :quota_limit,
           quota_period = :quota_period,
           expires_at = :expires_at,
           disabled_at = :disabled_at
     WHERE id = :id";

/// See [`crate::store::Store::update_key`].
pub(in crate::store) fn update(
    tx: &Savepoint<'_>,
    organization: &OrganizationRef,
    by: &Actor,
    key: KeyId,
    update: &KeyUpdate,
    at: Timestamp,
) -> Result<ApiKey, AccessError> {
    let key = key_lifecycle::key_to_manage(tx, organization, by, key, at)?;
    let updated = update.decide(&key, at)?;
    let events = updated.events();
    if events.is_empty() {
        return Ok(key);
    }
    rate_slots::change_limit(tx, &key, updated.settings.rate_limit, at)?;
    apply(tx, key.id, &updated)?;
    for event in events {
        key_lifecycle::audit_key(tx, &key, by, at, event)?;
    }
    let updated = keys::by_id(tx, key.id, at)?.ok_or(Error::UnknownKey(key.id))?;
    let before = KeyState::from(&key);
    key_counts::moved(tx, key.organization, Some(before), (&updated).into())?;
    Ok(updated)
}

/// Stores everything but the rate limit.
fn apply(tx: &Savepoint<'_>, key: KeyId, updated: &Updated) -> Result<(), Error> {
    let settings = &updated.settings;
    let changed = tx.prepare_cached(UPDATE)?.execute(named_params! {
        ":id": key,
        ":name": settings.name,
        ":description": settings.description,
        ":external_id": settings.external_id,
        ":metadata": settings.metadata,
        ":scopes": settings.scopes,
        ":quota_limit": settings.quota.map(Quota::limit),
        ":quota_period": settings.quota.map(Quota::period),
        ":expires_at": settings.expires_at,
        ":disabled_at": updated.disabled_at,
    })?;
    row::expect_one_row(changed)
}
