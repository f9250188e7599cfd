//! The keys of an organization: one, for any member; and for owners and admins the list, and a key's life.
//!
//! A handler says who asks and what, has the store do it, and gives the answer its form. Who may do what is
//! decided by the store, in the transaction that acts. What is sent is in [`wire`], what bodies may say in
//! [`body`], what is refused in [`refusals`].

mod body;
pub(super) mod refusals;
mod wire;

use poem::{Request, http::Uri, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

pub(super) use self::wire::StatusOut;
pub use self::wire::{KeyOut, KeyWithSecretOut};
use self::{
    body::{CreateKeyIn, RotateKeyIn},
    wire::KeyPageOut,
};
use super::{
    ApiTag,
    error::Failure,
    extract::{Body, Caller, CursorParam},
    problems::Problems,
    response::{Created, Reply},
    scalars::{Bounded, PathParam},
};
use crate::{
    app::App,
    model::{Actor, KeyId, NewKey, OrganizationRef, Rotation, Secret},
};

/// The operations on keys.
pub(super) struct KeysApi;

/// How many keys may be asked for at once.
type Limit = Bounded<1, 100>;

/// How many are sent if nobody says how many.
const DEFAULT_LIMIT: u32 = 50;

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl KeysApi {
    /// List API keys
    ///
    /// List an organization's API keys, newest first. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys",
        method = "get",
        operation_id = "ApiKeysController_list"
    )]
    async fn keys(
        &self,
        caller: Caller,
        app: Data<&App>,
        request: &Request,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam>,
        /// How many keys to send at most; 50 if left out.
        limit: Query<Option<Limit>>,
        /// Where to go on: the `nextCursor` of an earlier answer.
        cursor: Query<Option<CursorParam>>,
    ) -> poem::Result<Reply<KeyPageOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.get());
        let limit = problems.check(limit.0.map(|limit| limit.get("limit")).transpose());
        let after = problems.check(cursor.0.map(|cursor| cursor.get()).transpose());
        problems.reject_unknown_parameters(request, &["limit", "cursor"]);
        let organization = OrganizationRef::parse(problems.finish(organization)?);
        let limit = limit.flatten().unwrap_or(DEFAULT_LIMIT);
        let after = after.flatten();
        let App { store, clock, .. } = app.0;
        let by = Actor::User(caller.0);
        let page = store.keys(organization, by, after, limit).await;
        let page = page.map_err(Failure::from)?;
        Ok(Reply(KeyPageOut::new(page, clock.now())))
    }

    /// Create an API key
    ///
    /// Create an API key. Its secret is in this answer and is never shown again. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys",
        method = "post",
        operation_id = "ApiKeysController_create"
    )]
    async fn create(
        &self,
        caller: Caller,
        app: Data<&App>,
        uri: &Uri,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam>,
        body: Body<CreateKeyIn>,
    ) -> poem::Result<Created<KeyWithSecretOut>> {
        let App {
            store,
            clock,
            random,
            ..
        } = app.0;
        let now = clock.now();
        let mut problems = Problems::default();
        let organization = problems.check(organization.get());
        let settings = body.read(&mut problems, |fields| body::settings(fields, now));
        let (organization, settings) = problems.finish(organization.zip(settings))?;
        let key = NewKey {
            settings,
            secret: Secret::generate(random.bytes().map_err(Failure::from)?),
            created_by: Some(caller.0.clone()),
            created_at: now,
        };
        let secret = key.secret.clone();
        let organization = OrganizationRef::parse(organization);
        let by = Actor::User(caller.0);
        let random = random.bytes().map_err(Failure::from)?;
        let created = store.create_key(organization, by, key, random).await;
        let key = created.map_err(Failure::from)?;
        Ok(Created {
            location: format!("{}/{}", uri.path(), key.id.0),
            body: KeyWithSecretOut::new(key, &secret, now),
        })
    }

    /// Get API key by ID
    ///
    /// Retrieve details of a specific API key
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id",
        method = "get",
        operation_id = "ApiKeysController_getById"
    )]
    async fn key(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam>,
        /// The key's id.
        id: Path<PathParam>,
    ) -> poem::Result<Reply<KeyOut>> {
        let App { store, clock, .. } = app.0;
        let (organization, id) = key_path(&organization, &id)?;
        let found = store.key(organization, caller.0, id).await;
        let key = found.map_err(Failure::from)?;
        Ok(Reply(KeyOut::new(key, clock.now())))
    }

    /// Rotate an API key
    ///
    /// Give an API key a new secret, which is in this answer and is never shown again. The key keeps its id, its
    /// settings and its statistics. Its previous secret works until the grace period ends. During a grace period, a
    /// further rotation is a 409, unless `graceSeconds` is 0, which ends all older secrets, or `replaceNew` is true,
    /// which replaces the newest one. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id/rotate",
        method = "post",
        operation_id = "ApiKeysController_rotate"
    )]
    async fn rotate(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam>,
        /// The key's id.
        id: Path<PathParam>,
        body: Body<RotateKeyIn>,
    ) -> poem::Result<Reply<KeyWithSecretOut>> {
        let App {
            store,
            clock,
            random,
            ..
        } = app.0;
        let mut problems = Problems::default();
        let organization = problems.check(organization.get());
        let id = problems.check(id.get());
        let rotation = body.read(&mut problems, body::rotation);
        let parsed = problems.finish(organization.zip(id).zip(rotation))?;
        let ((organization, id), (grace, replace_new)) = parsed;
        let rotation = Rotation {
            grace,
            replace_new,
            secret: Secret::generate(random.bytes().map_err(Failure::from)?),
            at: clock.now(),
        };
        let (secret, now) = (rotation.secret.clone(), rotation.at);
        let organization = OrganizationRef::parse(organization);
        let (by, id) = (Actor::User(caller.0), KeyId::parse_or_nil(id));
        let rotated = store.rotate_key(organization, by, id, rotation).await;
        let key = rotated.map_err(Failure::from)?.key;
        Ok(Reply(KeyWithSecretOut::new(key, &secret, now)))
    }

    /// Revoke an API key
    ///
    /// Revoke an API key for good. Its statistics stay; a key that is revoked already stays as it is. Requires the
    /// owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id",
        method = "delete",
        operation_id = "ApiKeysController_revoke"
    )]
    async fn revoke(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam>,
        /// The key's id.
        id: Path<PathParam>,
    ) -> poem::Result<Reply<KeyOut>> {
        let App { store, clock, .. } = app.0;
        let now = clock.now();
        let (organization, id) = key_path(&organization, &id)?;
        let by = Actor::User(caller.0);
        let revoked = store.revoke_key(organization, by, id, now).await;
        let key = revoked.map_err(Failure::from)?;
        Ok(Reply(KeyOut::new(key, now)))
    }
}

/// Reads the parameters of a path to one key. A segment that is not an id gets the answer of an unknown key, because no
/// key has the nil id.
fn key_path(organization: &PathParam, id: &PathParam) -> Result<(OrganizationRef, KeyId), Failure> {
    let mut problems = Problems::default();
    let organization = problems.check(organization.get());
    let id = problems.check(id.get());
    let (organization, id) = problems.finish(organization.zip(id))?;
    Ok((
        OrganizationRef::parse(organization),
        KeyId::parse_or_nil(id),
    ))
}
