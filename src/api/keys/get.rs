//! `GET /organizations/{organizationId}/api-keys/{id}`
//!
//! Every member may read a key.

use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
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
        scalars::IntParam,
    },
    app::App,
    model::{KeyId, OrganizationRef},
};

pub(in crate::api) struct Get;

/// The parameter `days`.
type Days = IntParam<1, 90>;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_getById",
    success: "API key retrieved successfully",
    headers: &[],
    errors: || {
        vec![
            DocumentedError::bad_request("malformed-path", MALFORMED_PATH),
            DocumentedError::bad_request("invalid-days", Days::problem("days")),
            ApiError::NotAMember.into(),
            ApiError::KeyNotFound.into(),
        ]
    },
    example: None,
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Get {
    /// Get API key by ID
    ///
    /// Retrieve details of a specific API key
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id",
        method = "get",
        operation_id = "ApiKeysController_getById"
    )]
    async fn get(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// The key's id.
        id: Path<PathParam<KeyId>>,
        /// Adds `daily`: so many UTC days, today included.
        days: Query<Option<Days>>,
    ) -> poem::Result<JsonResponse<KeyOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let id = problems.check(id.0.get());
        let days = problems.check_optional(days.0.map(|days| days.get("days")));
        let (organization, id) = problems.finish(organization.zip(id))?;

        let now = app.clock.now();
        let found = app.store.key(organization, caller.0, id, now, days).await;
        let key = found.map_err(ApiError::from)?;
        Ok(JsonResponse(KeyOut::new(key, now)))
    }
}
