//! Changes by forms of the dashboard that make a secret: each form is carried out once.
//!
//! A browser sends a form again on "reload" and on a second click. The identity of the form is stored in the transaction
//! of the change.

use super::{AccessError, Store, sqlite};
use crate::model::{
    Actor, ApiKey, FormId, KeyId, KeyIdRandom, NewKey, OrganizationRef, RotateOutcome, Rotation,
    Submission,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Creates a key as [`Store::create_key`] does, unless `form` was submitted before.
    pub async fn create_key_once(
        &self,
        form: FormId,
        organization: OrganizationRef,
        by: Actor,
        key: NewKey,
        random: KeyIdRandom,
    ) -> Result<Submission<ApiKey>, AccessError> {
        let at = key.created_at;
        self.database
            .write(move |tx| {
                sqlite::forms::submit(
                    tx,
                    form,
                    at,
                    || sqlite::key_lifecycle::create(tx, &organization, &by, &key, random),
                    |key| key.id,
                )
            })
            .await
    }

    /// Rotates a key as [`Store::rotate_key`] does, unless `form` was submitted before.
    pub async fn rotate_key_once(
        &self,
        form: FormId,
        organization: OrganizationRef,
        by: Actor,
        key: KeyId,
        rotation: Rotation,
    ) -> Result<Submission<RotateOutcome>, AccessError> {
        let at = rotation.at;
        self.database
            .write(move |tx| {
                sqlite::forms::submit(
                    tx,
                    form,
                    at,
                    || sqlite::key_lifecycle::rotate(tx, &organization, &by, key, &rotation),
                    |outcome| outcome.key.id,
                )
            })
            .await
    }
}
