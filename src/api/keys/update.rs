//! `PATCH /organizations/{organizationId}/api-keys/{id}`
//!
//! [`UpdateKeyBody`] is both the parsed and the documented body: a JSON merge patch (RFC 7396) of the key's settings. The
//! store decides whether the key's state permits the change, and what it changes.

use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::Path,
    types::{Example, ToJSON},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limits::{QuotaBody, RateLimitBody},
    settings::Expiry,
    wire::KeyOut,
};
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{
            self, Body, Caller, PatchField, PathParam, RemovableField, UnknownFields, body_errors,
        },
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::JsonResponse,
    },
    app::App,
    model::{
        Actor, Description, ExternalId, KeyId, KeyUpdate, Metadata, Name, OrganizationRef, Scopes,
        Timestamp,
    },
};

pub(in crate::api) struct Update;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_update",
    success: "API key updated successfully",
    headers: &[],
    errors: || {
        let mut errors = vec![ApiError::NotAMember.into(), ApiError::RoleTooLow.into()];
        errors.extend(body_errors());
        let invalid = example_of_problems();
        errors.extend(invalid.map(|error| DocumentedError::named("invalid-body", error)));
        errors.extend([ApiError::KeyNotFound.into(), ApiError::KeyRevoked.into()]);
        errors
    },
    example: Some(|| KeyOut::example().updated().to_json()),
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Update {
    /// Update an API key
    ///
    /// Change the settings of an API key, or disable or enable it. Only the fields that are sent are changed. Null
    /// removes a description, an external id, metadata, a rate limit, a quota or an expiry. A new expiry revives an
    /// expired key; a revoked key cannot be changed. Requires the owner or admin role.
    #[oai(
        path = "/organizations/:organizationId/api-keys/:id",
        method = "patch",
        operation_id = "ApiKeysController_update"
    )]
    async fn update(
        &self,
        caller: Caller,
        app: Data<&App>,
        /// The organization's id or slug.
        #[oai(name = "organizationId")]
        organization: Path<PathParam<OrganizationRef>>,
        /// The key's id.
        id: Path<PathParam<KeyId>>,
        body: Body<UpdateKeyBody>,
    ) -> poem::Result<JsonResponse<KeyOut>> {
        let now = app.clock.now();
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let id = problems.check(id.0.get());
        let body = body.parse(&mut problems);
        let update = body.map(|body| body.check(&mut problems, now));
        let ((organization, id), update) = problems.finish(organization.zip(id).zip(update))?;

        let by = Actor::User(caller.0);
        let updated = app
            .store
            .update_key(organization, by, id, update, now)
            .await;
        let key = updated.map_err(ApiError::from)?;
        Ok(JsonResponse(KeyOut::new(key, now)))
    }
}

/// The settings of a key to be changed. A field that is left out is not changed.
#[derive(Default, Object, Deserialize)]
#[oai(rename = "UpdateApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", default)]
struct UpdateKeyBody {
    /// 1 to 100 characters, not only white space.
    name: PatchField<Name>,
    /// At most 500 characters. Null removes it.
    description: RemovableField<Description>,
    /// The caller's own id of the key's holder, 1 to 255 characters. Null removes it.
    external_id: RemovableField<ExternalId>,
    /// The caller's own data: at most 4,096 bytes of JSON, replaced as a whole. Null removes it.
    metadata: RemovableField<Metadata>,
    /// The key's permissions, replaced as a whole. Duplicates are removed.
    scopes: PatchField<Scopes>,
    /// How often the key may be used. Null removes the limit.
    rate_limit: RemovableField<RateLimitBody>,
    /// How often the key may be used in a calendar day or month. Null removes the quota.
    quota: RemovableField<QuotaBody>,
    /// When the key stops working: an instant in the future. Null removes the expiry.
    expires_at: RemovableField<Expiry>,
    /// False disables the key until it is enabled again; true enables it.
    enabled: PatchField<bool>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl UpdateKeyBody {
    /// Checks every field.
    fn check(self, problems: &mut Problems, now: Timestamp) -> KeyUpdate {
        let name = self.name.check("name", problems);
        let description = self.description.check("description", problems);
        let external_id = self.external_id.check("externalId", problems);
        let metadata = self.metadata.check("metadata", problems);
        let scopes = self.scopes.check("scopes", problems);
        let rate_limit = self.rate_limit.check("rateLimit", problems);
        let rate_limit = rate_limit.filter_map(|rate_limit| rate_limit.check(problems));
        let quota = self.quota.check("quota", problems);
        let quota = quota.filter_map(|quota| quota.check(problems));
        let is_future = |Expiry(at): &Expiry| *at > now;
        let expires_at = self.expires_at.check_if("expiresAt", problems, is_future);
        let enabled = self.enabled.check("enabled", problems);
        problems.reject_unknown_fields("", &self.unknown);
        KeyUpdate {
            name,
            description,
            external_id,
            metadata,
            scopes,
            rate_limit,
            quota,
            expires_at: expires_at.filter_map(|Expiry(at)| Some(at)),
            enabled,
        }
    }
}

impl Example for UpdateKeyBody {
    fn example() -> Self {
        Self {
            scopes: json!(["invoices:read"]).into(),
            rate_limit: json!({ "limit": 500, "windowSeconds": 60 }).into(),
            quota: Value::Null.into(),
            enabled: json!(true).into(),
            ..Self::default()
        }
    }
}

/// The error for a body with several problems.
fn example_of_problems() -> Option<ApiError> {
    let body = br#"{ "name": null, "scopes": ["not ok"], "colour": "red" }"#;
    let mut problems = Problems::default();
    let parsed: Option<UpdateKeyBody> = extract::parse(body, &mut problems);
    let update = parsed.map(|body| body.check(&mut problems, Timestamp::from_millis(0)));
    problems.finish(update).err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Edit, RateLimit};

    #[test]
    fn example_body_is_valid() {
        let mut problems = Problems::default();
        let update = UpdateKeyBody::example().check(&mut problems, Timestamp::from_millis(0));
        let update = problems.finish(Some(update)).unwrap();
        let expected = KeyUpdate {
            scopes: Scopes::new(&["invoices:read"]),
            rate_limit: RateLimit::new(500, 60).map_or(Edit::Keep, Edit::Set),
            quota: Edit::Remove,
            enabled: Some(true),
            ..KeyUpdate::default()
        };
        assert_eq!(update, expected);
    }
}
