//! Submitted forms, so that each is carried out once.
//!
//! Called in the transactions that create or rotate a key. A form is remembered for 30 days, longer than a
//! session; forgotten ones are deleted when a new one is stored.

use rusqlite::{OptionalExtension, Savepoint, params};

use crate::{
    model::{FORM_MEMORY, FormId, KeyId, Submission, Timestamp},
    store::{AccessError, Error},
};

/// The maximum number of forgotten forms that a submission deletes.
const PORTION: i64 = 100;

pub(super) const FIND: &str = "
    SELECT key_id
      FROM submitted_forms
     WHERE form_hash = ?1";

pub(super) const INSERT: &str = "
    INSERT INTO submitted_forms (form_hash, key_id, forget_at)
    VALUES (?1, ?2, ?3)";

pub(super) const DELETE_FORGOTTEN: &str = "
    DELETE FROM submitted_forms
     WHERE form_hash IN (SELECT form_hash
                           FROM submitted_forms
                          WHERE forget_at <= ?1
                          ORDER BY forget_at
                          LIMIT ?2)";

/// Calls `change` unless `form` was submitted before, and remembers the key that it has changed.
pub(in crate::store) fn submit<T>(
    tx: &Savepoint<'_>,
    form: FormId,
    at: Timestamp,
    change: impl FnOnce() -> Result<T, AccessError>,
    key_of: impl FnOnce(&T) -> KeyId,
) -> Result<Submission<T>, AccessError> {
    if let Some(key) = find(tx, form)? {
        return Ok(Submission::Repeated(key));
    }
    let changed = change()?;
    insert(tx, form, key_of(&changed), at)?;
    Ok(Submission::First(changed))
}

fn find(tx: &Savepoint<'_>, FormId(hash): FormId) -> Result<Option<KeyId>, Error> {
    let mut statement = tx.prepare_cached(FIND)?;
    let found = statement.query_row([hash.as_bytes()], |row| row.get(0));
    Ok(found.optional()?)
}

fn insert(
    tx: &Savepoint<'_>,
    FormId(hash): FormId,
    key: KeyId,
    at: Timestamp,
) -> Result<(), Error> {
    tx.prepare_cached(DELETE_FORGOTTEN)?
        .execute(params![at, PORTION])?;
    tx.prepare_cached(INSERT)?
        .execute(params![hash.as_bytes(), key, at.after(FORM_MEMORY)])?;
    Ok(())
}
