//! `DELETE /organizations/{organizationId}/api-keys/{id}`
//!
//! Idempotent: a revoked key keeps the instant of its first revocation.

use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::Path,
    types::{Example, ToJSON},
};

use super::wire::KeyOut;
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{Caller, MALFORMED_PATH, PathParam},
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::JsonResponse,
    },
    app::App,
    model::{Actor, KeyId, OrganizationRef, Timestamp},
};

pub(in crate::api) struct Revoke;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_revoke",
    success: "API key revoked successfully",
    headers: &[],
    errors: || {
        vec![
            ApiError::NotAMember.into(),
            ApiError::RoleTooLow.into(),
            DocumentedError::bad_request("malformed-path", MALFORMED_PATH),
            ApiError::KeyNotFound.into(),
        ]
    },
    example: Some(|| {
        let revoked_at = Timestamp::from_millis(1_767_700_800_000);
        KeyOut::example().revoked(revoked_at).to_json()
    }),
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Revoke {
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
        organization: Path<PathParam<OrganizationRef>>,
        /// The key's id.
        id: Path<PathParam<KeyId>>,
    ) -> poem::Result<JsonResponse<KeyOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let id = problems.check(id.0.get());
        let (organization, id) = problems.finish(organization.zip(id))?;

        let (by, now) = (Actor::User(caller.0), app.clock.now());
        let revoked = app.store.revoke_key(organization, by, id, now).await;
        let key = revoked.map_err(ApiError::from)?;
        Ok(JsonResponse(KeyOut::new(key, now)))
    }
}
