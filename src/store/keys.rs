//! Keys: read, created, changed, rotated and revoked.
//!
//! Called by the API and by `llavero key`. Every member may read a key; owners, admins and the operator manage keys. The
//! organization comes first in each method that acts for an actor, and the permission is checked in the same transaction.

use super::{AccessError, Error, Store, sqlite};
use crate::model::{
    Actor, ApiKey, KeyId, KeyIdRandom, KeyPage, KeyPageRequest, KeyUpdate, NewKey, OrganizationRef,
    RotateOutcome, Rotation, SecretHash, Timestamp, UserId,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Returns one key of an organization for `user`, a member with any role, with its last `days` UTC days if requested.
    /// Three lookups by primary key, and one for each day.
    ///
    /// # Errors
    /// [`AccessError::KeyNotFound`] if the organization has no such key, whether or not another one has it.
    pub async fn key(
        &self,
        organization: OrganizationRef,
        user: UserId,
        key: KeyId,
        now: Timestamp,
        days: Option<u32>,
    ) -> Result<ApiKey, AccessError> {
        self.database
            .readers
            .read(move |conn| sqlite::keys::key(conn, &organization, &user, key, now, days))
            .await
    }

    /// Returns the key with this id in any organization, for the operator.
    pub async fn key_by_id(&self, key: KeyId, now: Timestamp) -> Result<Option<ApiKey>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::keys::by_id(conn, key, now))
            .await
    }

    /// Returns whether a key has this id. One lookup in an index.
    pub async fn key_exists(&self, key: KeyId) -> Result<bool, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::keys::exists(conn, key))
            .await
    }

    /// Returns the key whose newest secret this is, or whose previous secret it is and whose grace period has not ended
    /// at `now`. The key may be revoked or expired. Two or three lookups in indexes.
    ///
    /// # Errors
    /// [`Error::FileMoved`] if no key is found and the path names another file, which may hold the key. For a key that is
    /// found, counting its use checks that.
    pub async fn key_with_secret(
        &self,
        secret: SecretHash,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, Error> {
        self.database.key_with_secret(secret, now).await
    }

    /// Returns a page of the keys that `request` asks for. Pagination is stable: following [`KeyPage::next`] to the end
    /// yields every key that the filter selects throughout, and whose value in the order does not change meanwhile,
    /// exactly once, even if other keys are created and used. Reads no keys of other organizations.
    ///
    /// Without a filter, in an order that has an index, the cost depends only on the limit. Every other list may read all
    /// keys of the organization, and days are one lookup each, so these run in the background, where they delay no other
    /// read.
    ///
    /// # Errors
    /// [`AccessError::RoleTooLow`] if the role may not list keys.
    pub async fn keys(
        &self,
        organization: OrganizationRef,
        by: Actor,
        request: KeyPageRequest,
        now: Timestamp,
    ) -> Result<KeyPage, AccessError> {
        let readers = &self.database.readers;
        let is_long = request.query.may_read_all_keys() || request.days.is_some();
        let read = move |conn: &_| sqlite::key_list::page(conn, &organization, &by, &request, now);
        if is_long {
            readers.read_in_background(read).await
        } else {
            readers.read(read).await
        }
    }

    /// Creates a key and returns it. Its id is a UUIDv7 with these `random` bits, greater than every id that was
    /// generated in this database before: see [`KeyId::next`].
    ///
    /// # Errors
    /// [`AccessError::RoleTooLow`] if the role may not manage keys.
    pub async fn create_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: NewKey,
        random: KeyIdRandom,
    ) -> Result<ApiKey, AccessError> {
        self.database
            .write(move |tx| sqlite::key_lifecycle::create(tx, &organization, &by, &key, random))
            .await
    }

    /// Changes a key's settings, disables or enables it, and returns it. [`KeyUpdate::decide`] is the rule. An update that
    /// changes nothing writes nothing.
    ///
    /// # Errors
    /// [`AccessError::RoleTooLow`] if the role may not manage keys, [`AccessError::KeyNotFound`],
    /// [`AccessError::KeyRevoked`].
    pub async fn update_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: KeyId,
        update: KeyUpdate,
        at: Timestamp,
    ) -> Result<ApiKey, AccessError> {
        self.database
            .write(move |tx| sqlite::key_update::update(tx, &organization, &by, key, &update, at))
            .await
    }

    /// Gives a key a new secret. [`Rotation::decide`] is the rule. Everything else about the key stays the same.
    ///
    /// # Errors
    /// Every [`AccessError`].
    pub async fn rotate_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: KeyId,
        rotation: Rotation,
    ) -> Result<RotateOutcome, AccessError> {
        self.database
            .write(move |tx| sqlite::key_lifecycle::rotate(tx, &organization, &by, key, &rotation))
            .await
    }

    /// Revokes a key permanently and returns it. Idempotent: see [`ApiKey::revoke`].
    ///
    /// # Errors
    /// [`AccessError::RoleTooLow`] if the role may not manage keys, [`AccessError::KeyNotFound`].
    pub async fn revoke_key(
        &self,
        organization: OrganizationRef,
        by: Actor,
        key: KeyId,
        at: Timestamp,
    ) -> Result<ApiKey, AccessError> {
        self.database
            .write(move |tx| sqlite::key_lifecycle::revoke(tx, &organization, &by, key, at))
            .await
    }
}
