//! `GET /organizations/{organizationId}/api-keys`
//!
//! The parameters become a query, which the store answers. Pagination is stable: a cursor is a position in the order of
//! the query's list, and is rejected with another query.

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
        extract::{Caller, ChoiceParam, CursorParam, PathParam, TextParam},
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::JsonResponse,
        scalars::IntParam,
    },
    app::App,
    model::{
        Actor, Direction, FilterText, KeyFilter, KeyOrder, KeyPageRequest, KeyQuery, KeySort,
        KeyStatus, KeyUsage, OrganizationRef, UserId,
    },
};

pub(in crate::api) struct List;

/// The parameter `limit`.
type Limit = IntParam<1, 100>;

/// The parameter `expiresWithinDays`.
type ExpiresWithinDays = IntParam<1, 365>;

/// The parameter `days`.
type Days = IntParam<1, 90>;

const DEFAULT_LIMIT: u32 = 50;

/// The names of all parameters of the query.
const PARAMETERS: [&str; 11] = [
    "status",
    "usage",
    "expiresWithinDays",
    "createdBy",
    "externalId",
    "search",
    "sort",
    "order",
    "days",
    "limit",
    "cursor",
];

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_list",
    success: "API keys retrieved successfully",
    headers: &[],
    errors: || {
        let status = ChoiceParam::<KeyStatus>::problem("status");
        let usage = ChoiceParam::<KeyUsage>::problem("usage");
        let sort = ChoiceParam::<KeySort>::problem("sort");
        let order = ChoiceParam::<Direction>::problem("order");
        let search = TextParam::<FilterText>::problem("search");
        let days = ExpiresWithinDays::problem("expiresWithinDays");
        vec![
            ApiError::NotAMember.into(),
            ApiError::RoleTooLow.into(),
            DocumentedError::bad_request("invalid-limit", Limit::problem("limit")),
            DocumentedError::bad_request("invalid-cursor", CursorParam::PROBLEM),
            DocumentedError::bad_request("unknown-parameter", "unknown parameter: colour"),
            DocumentedError::bad_request("invalid-status", status),
            DocumentedError::bad_request("invalid-usage", usage),
            DocumentedError::bad_request("invalid-expires-within-days", days),
            DocumentedError::bad_request("empty-search", search),
            DocumentedError::bad_request("invalid-days", Days::problem("days")),
            DocumentedError::bad_request("invalid-order", format!("{sort}; {order}")),
            DocumentedError::bad_request("cursor-of-another-query", CursorParam::OTHER_QUERY),
        ]
    },
    example: None,
};

/// The parameters that make a query.
struct QueryParams {
    status: Option<ChoiceParam<KeyStatus>>,
    usage: Option<ChoiceParam<KeyUsage>>,
    expires_within_days: Option<ExpiresWithinDays>,
    created_by: Option<TextParam<UserId>>,
    external_id: Option<TextParam<FilterText>>,
    search: Option<TextParam<FilterText>>,
    sort: Option<ChoiceParam<KeySort>>,
    order: Option<ChoiceParam<Direction>>,
}

impl QueryParams {
    /// Returns the query, or its problems.
    fn check(self) -> Result<KeyQuery, Problems> {
        let mut problems = Problems::default();
        let days = self.expires_within_days;
        let filter = KeyFilter {
            status: problems.check_optional(self.status.map(|it| it.get("status"))),
            usage: problems.check_optional(self.usage.map(|it| it.get("usage"))),
            expires_within_days: problems
                .check_optional(days.map(|it| it.get("expiresWithinDays"))),
            created_by: problems.check_optional(self.created_by.map(|it| it.get("createdBy"))),
            external_id: problems.check_optional(self.external_id.map(|it| it.get("externalId"))),
            search: problems.check_optional(self.search.map(|it| it.get("search"))),
        };
        let sort = problems.check_optional(self.sort.map(|it| it.get("sort")));
        let direction = problems.check_optional(self.order.map(|it| it.get("order")));
        let order = KeyOrder {
            sort: sort.unwrap_or_default(),
            direction: direction.unwrap_or_default(),
        };
        problems.or(KeyQuery { filter, order })
    }
}

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl List {
    /// List API keys
    ///
    /// List an organization's API keys: all of them, or those that meet every given condition. Newest first unless
    /// `sort` and `order` say otherwise. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys",
        method = "get",
        operation_id = "ApiKeysController_list"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "poem-openapi documents each parameter by one"
    )]
    async fn list(
        &self,
        caller: Caller,
        app: Data<&App>,
        request: &Request,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// Selects keys with this status.
        status: Query<Option<ChoiceParam<KeyStatus>>>,
        /// `never` selects active keys without any use, `inactive` active keys last used 30 days ago or more,
        /// `afterRevocation` revoked keys that were used after their revocation.
        usage: Query<Option<ChoiceParam<KeyUsage>>>,
        /// Selects active and disabled keys that expire within so many days of 24 hours.
        #[oai(name = "expiresWithinDays")]
        expires_within_days: Query<Option<ExpiresWithinDays>>,
        /// Selects keys created by the user with this id.
        #[oai(name = "createdBy")]
        created_by: Query<Option<TextParam<UserId>>>,
        /// Selects keys with this external id.
        #[oai(name = "externalId")]
        external_id: Query<Option<TextParam<FilterText>>>,
        /// Selects keys whose name or description contains this text, ignoring the case of ASCII letters. No character
        /// is a wildcard.
        search: Query<Option<TextParam<FilterText>>>,
        /// The value to sort by; `createdAt` by default. Keys whose value is null come last in both orders. Keys with the
        /// same value are in the order of their creation, in the direction of `order`.
        sort: Query<Option<ChoiceParam<KeySort>>>,
        /// `asc` begins with the smallest value or the earliest instant, `desc` with the greatest or latest; `desc` by
        /// default.
        order: Query<Option<ChoiceParam<Direction>>>,
        /// Adds `daily` to each key: so many UTC days, today included.
        days: Query<Option<Days>>,
        /// The maximum number of keys to send; 50 by default.
        limit: Query<Option<Limit>>,
        /// The place to continue from: the `nextCursor` of the previous page. The filters, `sort` and `order` must be
        /// the same as for that page.
        cursor: Query<Option<CursorParam>>,
    ) -> poem::Result<JsonResponse<KeyPageOut>> {
        let parameters = QueryParams {
            status: status.0,
            usage: usage.0,
            expires_within_days: expires_within_days.0,
            created_by: created_by.0,
            external_id: external_id.0,
            search: search.0,
            sort: sort.0,
            order: order.0,
        };
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let query = problems.check_all(parameters.check());
        let days = problems.check_optional(days.0.map(|days| days.get("days")));
        let limit = problems.check_optional(limit.0.map(|limit| limit.get("limit")));
        let after = cursor.0.map(|cursor| cursor.get(query.as_ref()));
        let after = problems.check_optional(after);
        problems.reject_unknown_parameters(request, &PARAMETERS);
        let (organization, query) = problems.finish(organization.zip(query))?;
        let asked = KeyPageRequest {
            query,
            after,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            days,
        };

        let (by, now) = (Actor::User(caller.0), app.clock.now());
        let page = app.store.keys(organization, by, asked, now).await;
        let page = page.map_err(ApiError::from)?;
        Ok(JsonResponse(KeyPageOut::new(page, now)))
    }
}
