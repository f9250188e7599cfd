//! `GET /organizations/{organizationId}/api-keys`
//!
//! Pagination is stable: a cursor is a position in the order of creation.

use poem::{Request, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::wire::KeyPageOut;
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{Caller, CursorParam, PathParam},
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::JsonResponse,
        scalars::IntParam,
    },
    app::App,
    model::{Actor, OrganizationRef},
};

pub(in crate::api) struct List;

/// The parameter `limit`.
type Limit = IntParam<1, 100>;

const DEFAULT_LIMIT: u32 = 50;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_list",
    success: "API keys retrieved successfully",
    headers: &[],
    errors: || {
        vec![
            ApiError::NotAMember.into(),
            ApiError::RoleTooLow.into(),
            DocumentedError::bad_request("invalid-limit", Limit::problem("limit")),
            DocumentedError::bad_request("invalid-cursor", CursorParam::PROBLEM),
            DocumentedError::bad_request("unknown-parameter", "unknown parameter: colour"),
        ]
    },
    example: None,
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl List {
    /// List API keys
    ///
    /// List an organization's API keys, newest first. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys",
        method = "get",
        operation_id = "ApiKeysController_list"
    )]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        request: &Request,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// How many keys to send at most; 50 if left out.
        limit: Query<Option<Limit>>,
        /// Where to go on: the `nextCursor` of an earlier answer.
        cursor: Query<Option<CursorParam>>,
    ) -> poem::Result<JsonResponse<KeyPageOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let limit = problems.check_optional(limit.0.map(|limit| limit.get("limit")));
        let after = problems.check_optional(cursor.0.map(|cursor| cursor.get()));
        problems.reject_unknown_parameters(request, &["limit", "cursor"]);
        let organization = problems.finish(organization)?;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);

        let (by, now) = (Actor::User(caller.0), app.clock.now());
        let page = app.store.keys(organization, by, after, limit, now).await;
        let page = page.map_err(ApiError::from)?;
        Ok(JsonResponse(KeyPageOut::new(page, now)))
    }
}
