//! `GET /organizations/{organizationId}/api-keys/audit`: an organization's audit log, for owners and admins.
//!
//! Pagination is stable: a [`cursor`] is a position in the log, which is only appended to. The response is in [`wire`];
//! `llavero audit` prints the same entries.

mod cursor;
mod params;
mod wire;

use poem::{Request, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

pub use self::wire::AuditEntryOut;
use self::{
    cursor::AuditCursorParam,
    params::{DateTimeParam, KeyIdParam},
    wire::AuditPageOut,
};
use super::{
    documented_error::DocumentedError,
    error::ApiError,
    extract::{Caller, PathParam},
    operations::{ApiTag, OperationDoc},
    problems::Problems,
    response::JsonResponse,
    scalars::IntParam,
};
use crate::{
    app::App,
    model::{Actor, AuditFilter, OrganizationRef},
};

pub(super) struct Audit;

/// The parameter `limit`.
type Limit = IntParam<1, 100>;

const DEFAULT_LIMIT: u32 = 50;

pub(super) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_audit",
    success: "Audit log retrieved successfully",
    headers: &[],
    errors: || {
        vec![
            ApiError::NotAMember.into(),
            ApiError::RoleTooLow.into(),
            DocumentedError::bad_request("invalid-key-id", KeyIdParam::PROBLEM),
            DocumentedError::bad_request("invalid-since", DateTimeParam::problem("since")),
            DocumentedError::bad_request("invalid-limit", Limit::problem("limit")),
            DocumentedError::bad_request("invalid-cursor", AuditCursorParam::PROBLEM),
            DocumentedError::bad_request("cursor-of-another-query", cursor::OTHER_FILTER),
            DocumentedError::bad_request("unknown-parameter", "unknown parameter: colour"),
        ]
    },
    example: None,
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Audit {
    /// Get the audit log
    ///
    /// Get the changes of an organization, its members and its API keys, newest first. Requires the owner or admin role.
    #[expect(clippy::too_many_arguments, reason = "one for each parameter")]
    #[oai(
        path = "/organizations/:organizationId/api-keys/audit",
        method = "get",
        operation_id = "ApiKeysController_audit"
    )]
    async fn audit(
        &self,
        caller: Caller,
        app: Data<&App>,
        request: &Request,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// Selects the changes of this key.
        #[oai(name = "keyId")]
        key: Query<Option<KeyIdParam>>,
        /// Selects the changes from this instant on.
        since: Query<Option<DateTimeParam>>,
        /// The maximum number of entries; 50 if left out.
        limit: Query<Option<Limit>>,
        /// The `nextCursor` of an earlier response with the same `keyId` and `since`.
        cursor: Query<Option<AuditCursorParam>>,
    ) -> poem::Result<JsonResponse<AuditPageOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let key = key.0.map(|key| key.get());
        let since = since.0.map(|since| since.get("since"));
        let is_valid = !matches!((&key, &since), (Some(Err(_)), _) | (_, Some(Err(_))));
        let filter = AuditFilter {
            key: problems.check_optional(key),
            since: problems.check_optional(since),
        };
        let limit = problems.check_optional(limit.0.map(|limit| limit.get("limit")));
        let cursor = cursor.0;
        let after = cursor.map(|cursor| cursor.get(is_valid.then_some(&filter)));
        let after = problems.check_optional(after);
        let known = ["keyId", "since", "limit", "cursor"];
        problems.reject_unknown_parameters(request, &known);
        let organization = problems.finish(organization)?;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);

        let by = Actor::User(caller.0);
        let page = app.store.audit_page(organization, by, filter, after, limit);
        let page = page.await.map_err(ApiError::from)?;
        Ok(JsonResponse(AuditPageOut::new(page, &filter)))
    }
}
