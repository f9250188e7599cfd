//! `POST /organizations/{organizationId}/api-keys`
//!
//! [`CreateKeyBody`] is both the parsed and the documented body. Its fields have the types of the model, so that the
//! model's constructors check them; see [`super::settings`].

use poem::{http::Uri, web::Data};
use poem_openapi::{Object, OpenApi, param::Path, types::Example};
use serde::Deserialize;
use serde_json::json;

use super::{
    limits::{QuotaBody, RateLimitBody},
    settings::Expiry,
    wire::KeyWithSecretOut,
};
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{
            self, Body, Caller, Field, OptionalField, PathParam, UnknownFields, body_errors,
        },
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::Created,
    },
    app::App,
    model::{
        Actor, Description, ExternalId, KeySettings, Metadata, Name, NewKey, OrganizationRef,
        Scopes, Secret, Timestamp,
    },
};

pub(in crate::api) struct Create;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_create",
    success: "API key created successfully",
    headers: &[(
        "location",
        "/api/organizations/acme-corp/api-keys/2f1d3c5e-9a7b-4e60-8c2d-1b0a9f8e7d6c",
    )],
    errors: || {
        let mut errors = vec![ApiError::NotAMember.into(), ApiError::RoleTooLow.into()];
        errors.extend(body_errors());
        let invalid = example_of_problems();
        errors.extend(invalid.map(|error| DocumentedError::named("invalid-body", error)));
        errors
    },
    example: None,
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Create {
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
        organization: Path<PathParam<OrganizationRef>>,
        body: Body<CreateKeyBody>,
    ) -> poem::Result<Created<KeyWithSecretOut>> {
        let now = app.clock.now();
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let body = body.parse(&mut problems);
        let settings = body.and_then(|body| body.check(&mut problems, now));
        let (organization, settings) = problems.finish(organization.zip(settings))?;

        let secret = Secret::generate(app.random.bytes().map_err(ApiError::from)?);
        let key = NewKey {
            settings,
            secret: secret.clone(),
            created_by: Some(caller.0.clone()),
            created_at: now,
        };
        let by = Actor::User(caller.0);
        let random = app.random.bytes().map_err(ApiError::from)?;
        let created = app.store.create_key(organization, by, key, random).await;
        let key = created.map_err(ApiError::from)?;
        Ok(Created {
            location: format!("{}/{}", uri.path(), key.id.0),
            body: KeyWithSecretOut::new(key, &secret, now),
        })
    }
}

/// A key to be created.
#[derive(Object, Deserialize)]
#[oai(rename = "CreateApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
struct CreateKeyBody {
    /// 1 to 100 characters, not only white space.
    #[serde(default)]
    name: Field<Name>,
    /// At most 500 characters.
    #[serde(default)]
    description: OptionalField<Description>,
    /// The caller's own id of the key's holder, 1 to 255 characters.
    #[serde(default)]
    external_id: OptionalField<ExternalId>,
    /// The caller's own data: at most 4,096 bytes of JSON.
    #[serde(default)]
    metadata: OptionalField<Metadata>,
    /// The key's permissions. Duplicates are removed.
    #[serde(default)]
    scopes: OptionalField<Scopes>,
    /// How often the key may be used; unlimited if left out.
    #[serde(default)]
    rate_limit: OptionalField<RateLimitBody>,
    /// How often the key may be used in a calendar day or month; unlimited if left out.
    #[serde(default)]
    quota: OptionalField<QuotaBody>,
    /// When the key stops working: an instant in the future.
    #[serde(default)]
    expires_at: OptionalField<Expiry>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl CreateKeyBody {
    /// Checks every field.
    fn check(self, problems: &mut Problems, now: Timestamp) -> Option<KeySettings> {
        let name = self.name.check("name", problems);
        let description = self.description.check("description", problems);
        let external_id = self.external_id.check("externalId", problems);
        let metadata = self.metadata.check("metadata", problems);
        let scopes = self.scopes.check("scopes", problems);
        let rate_limit = self.rate_limit.check("rateLimit", problems);
        let rate_limit = rate_limit.and_then(|rate_limit| rate_limit.check(problems));
        let quota = self.quota.check("quota", problems);
        let quota = quota.and_then(|quota| quota.check(problems));
        let is_future = |Expiry(at): &Expiry| *at > now;
        let expires_at = self.expires_at.check_if("expiresAt", problems, is_future);
        problems.reject_unknown_fields("", &self.unknown);
        Some(KeySettings {
            name: name?,
            description,
            external_id,
            metadata: metadata.unwrap_or_default(),
            scopes: scopes.unwrap_or_default(),
            rate_limit,
            quota,
            expires_at: expires_at.map(|Expiry(at)| at),
        })
    }
}

impl Example for CreateKeyBody {
    fn example() -> Self {
        Self {
            name: json!("Deployment").into(),
            description: json!("Releases of the customer portal").into(),
            external_id: json!("customer-portal").into(),
            metadata: json!({ "environment": "production" }).into(),
            scopes: json!(["releases:write"]).into(),
            rate_limit: json!({ "limit": 100, "windowSeconds": 60 }).into(),
            quota: json!({ "limit": 10_000, "period": "month" }).into(),
            expires_at: json!("2100-01-01T00:00:00.000Z").into(),
            unknown: UnknownFields::default(),
        }
    }
}

/// The error for a body with several problems.
fn example_of_problems() -> Option<ApiError> {
    let body = br#"{ "name": "", "scopes": ["not ok"], "colour": "red" }"#;
    let mut problems = Problems::default();
    let parsed: Option<CreateKeyBody> = extract::parse(body, &mut problems);
    let settings = parsed.and_then(|body| body.check(&mut problems, Timestamp::from_millis(0)));
    problems.finish(settings).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_body_is_valid() {
        let mut problems = Problems::default();
        let settings = CreateKeyBody::example().check(&mut problems, Timestamp::from_millis(0));
        assert!(problems.finish(settings).is_ok());
    }
}
