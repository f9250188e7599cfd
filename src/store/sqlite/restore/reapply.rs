//! Applies the revocations since a copy was made to the restored copy.
//!
//! Called by [`super::restore`] in one transaction of the copy, with a connection that reads the current file. Compares the
//! two states of each changed key and member, and takes over only changes that permit less. Each change goes through the
//! function that makes it in the service, so that totals and the audit log are kept. The operator is the actor, at the time
//! of the restore.

use rusqlite::{Connection, OptionalExtension, Savepoint, params};

use super::history::Changed;
use crate::{
    model::{
        Actor, AddMemberOutcome, ApiKey, Edit, KeyEvent, KeyId, KeyUpdate, OrganizationId,
        OrganizationRef, RemoveMemberOutcome, Scopes, Slug, Timestamp, UserId,
    },
    store::{
        AccessError, Error, KeyChange, Reapplied, ReappliedChange,
        sqlite::{key_lifecycle, key_update, keys, members, organizations, row},
    },
};

/// The newest secret of a key, and the previous one with its end.
pub(in crate::store::sqlite) const SECRETS: &str = "
    SELECT k.secret_hash,
           k.preview,
           r.secret_hash,
           r.valid_until
      FROM api_keys AS k
      LEFT JOIN retiring_secrets AS r
        ON r.key_id = k.id
     WHERE k.id = ?1";

pub(in crate::store::sqlite) const RETIRE: &str = "
    INSERT INTO retiring_secrets (key_id, secret_hash, valid_until)
    VALUES (?1, ?2, ?3)";

#[derive(PartialEq, Eq)]
struct Secrets {
    newest: Vec<u8>,
    preview: String,
    previous: Option<(Vec<u8>, Timestamp)>,
}

/// Applies all changes. Returns them, and the organizations that have no owner afterwards.
pub(super) fn all(
    tx: &Savepoint<'_>,
    current: &Connection,
    changed: &Changed,
    now: Timestamp,
) -> Result<(Vec<Reapplied>, Vec<Slug>), AccessError> {
    let mut applied = Vec::new();
    for key in &changed.keys {
        apply_to_key(tx, current, *key, now, &mut applied)?;
    }
    let mut without_owner = Vec::new();
    for (organization, user) in &changed.members {
        let Some(change) = apply_to_member(tx, current, *organization, user, now)? else {
            continue;
        };
        let slug = slug(tx, *organization)?;
        applied.push(Reapplied {
            organization: slug.clone(),
            change,
        });
        if !members::has_owner(tx, *organization)? && !without_owner.contains(&slug) {
            without_owner.push(slug);
        }
    }
    Ok((applied, without_owner))
}

fn apply_to_key(
    tx: &Savepoint<'_>,
    current: &Connection,
    id: KeyId,
    now: Timestamp,
    applied: &mut Vec<Reapplied>,
) -> Result<(), AccessError> {
    // A key that was created since the copy is lost.
    let (Some(copy), Some(current_key)) =
        (keys::by_id(tx, id, now)?, keys::by_id(current, id, now)?)
    else {
        return Ok(());
    };
    if copy.revoked_at.is_some() {
        return Ok(());
    }
    let organization = slug(tx, copy.organization)?;
    let mut report = |change| {
        applied.push(Reapplied {
            organization: organization.clone(),
            change: ReappliedChange::Key(copy.name.clone(), id.0, change),
        });
    };
    if take_over_secrets(tx, current, &copy, now)? {
        report(KeyChange::Rotated);
    }
    let (update, changes) = restriction(&copy, &current_key);
    let of = OrganizationRef::Id(copy.organization);
    key_update::update(tx, &of, &Actor::Operator, id, &update, now)?;
    changes.into_iter().for_each(&mut report);
    if current_key.revoked_at.is_some() {
        key_lifecycle::revoke(tx, &of, &Actor::Operator, id, now)?;
        report(KeyChange::Revoked);
    }
    Ok(())
}

/// Returns the update that lets the copy of a key permit no more than the current key does, and the changes to report.
fn restriction(copy: &ApiKey, current: &ApiKey) -> (KeyUpdate, Vec<KeyChange>) {
    let mut update = KeyUpdate::default();
    let mut changes = Vec::new();
    let (kept, removed): (Vec<&str>, Vec<&str>) = copy
        .scopes
        .iter()
        .partition(|scope| current.scopes.contains(scope));
    if !removed.is_empty() {
        update.scopes = Scopes::new(&kept);
        let removed = removed.into_iter().map(str::to_owned).collect();
        changes.push(KeyChange::ScopesRemoved(removed));
    }
    if let Some(expiry) = current.expires_at
        && copy.expires_at.is_none_or(|later| expiry < later)
    {
        update.expires_at = Edit::Set(expiry);
        changes.push(KeyChange::ExpiresEarlier(expiry));
    }
    if current.disabled_at.is_some() && copy.disabled_at.is_none() {
        update.enabled = Some(false);
        changes.push(KeyChange::Disabled);
    }
    (update, changes)
}

/// Gives the copy of a key the secrets of the current key. Returns whether they differ: a rotation makes a new secret.
fn take_over_secrets(
    tx: &Savepoint<'_>,
    current: &Connection,
    copy: &ApiKey,
    now: Timestamp,
) -> Result<bool, Error> {
    let (before, after) = (secrets(tx, copy.id)?, secrets(current, copy.id)?);
    if before == after {
        return Ok(false);
    }
    let mut end = tx.prepare_cached(key_lifecycle::END_PREVIOUS_SECRET)?;
    end.execute([copy.id])?;
    if let Some((hash, valid_until)) = after.previous {
        tx.prepare_cached(RETIRE)?
            .execute(params![copy.id, hash, valid_until])?;
    }
    let mut replace = tx.prepare_cached(key_lifecycle::REPLACE_SECRET)?;
    row::expect_one_row(replace.execute(params![copy.id, after.newest, after.preview])?)?;
    key_lifecycle::audit_key(tx, copy, &Actor::Operator, now, KeyEvent::Rotated)?;
    Ok(true)
}

fn secrets(conn: &Connection, key: KeyId) -> Result<Secrets, Error> {
    let mut statement = conn.prepare_cached(SECRETS)?;
    let found = statement.query_row([key], |row| {
        let previous: (Option<Vec<u8>>, Option<Timestamp>) = (row.get(2)?, row.get(3)?);
        Ok(Secrets {
            newest: row.get(0)?,
            preview: row.get(1)?,
            previous: previous.0.zip(previous.1),
        })
    });
    found.optional()?.ok_or(Error::UnknownKey(key))
}

fn apply_to_member(
    tx: &Savepoint<'_>,
    current: &Connection,
    organization: OrganizationId,
    user: &UserId,
    now: Timestamp,
) -> Result<Option<ReappliedChange>, Error> {
    // The copy lacks members that were added later.
    let Some(copy) = members::find(tx, organization, user)? else {
        return Ok(None);
    };
    let change = match members::find(current, organization, user)? {
        None => {
            let removed = members::remove(tx, organization, user, now, true)?;
            matches!(removed, RemoveMemberOutcome::Removed(_))
                .then(|| ReappliedChange::MemberRemoved(user.clone()))
        }
        Some(member) if member.role.permits_less_than(copy.role) => {
            let role = member.role;
            let added = members::add(tx, organization, user.clone(), Some(role), now, true)?;
            matches!(added, AddMemberOutcome::RoleChanged { .. })
                .then(|| ReappliedChange::RoleLowered(user.clone(), role))
        }
        Some(_) => None,
    };
    Ok(change)
}

fn slug(conn: &Connection, organization: OrganizationId) -> Result<Slug, AccessError> {
    let found = organizations::find(conn, &OrganizationRef::Id(organization))?;
    Ok(found.ok_or(AccessError::NotAMember)?.slug)
}
