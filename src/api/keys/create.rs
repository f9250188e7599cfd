//! `POST /organizations/{organizationId}/api-keys`
//!
//! [`CreateKeyBody`] is both the parsed and the documented body. Its fields have the types of the model, so that the
//! model's constructors check them; this file adds their schemas.

use std::borrow::Cow;

use poem::{http::Uri, web::Data};
use poem_openapi::{
    Object, OpenApi,
    param::Path,
    registry::{MetaSchema, MetaSchemaRef},
    types::Example,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::KeyWithSecretOut;
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{
            self, Body, Caller, Field, FieldValue, PathParam, UnknownFields, WholeNumber,
            body_errors,
        },
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::Created,
        scalars::scalar,
    },
    app::App,
    model::{
        Actor, Description, KeySettings, Metadata, Name, NewKey, OrganizationRef, RateLimit,
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
    description: Option<Field<Description>>,
    /// The key's permissions. Duplicates are removed.
    scopes: Option<Field<Scopes>>,
    /// How often the key may be used; unlimited if left out.
    rate_limit: Option<Field<RateLimitBody>>,
    /// When the key stops working: an instant in the future.
    expires_at: Option<Field<Expiry>>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl CreateKeyBody {
    /// Checks every field.
    fn check(self, problems: &mut Problems, now: Timestamp) -> Option<KeySettings> {
        let name = self.name.check("name", problems);
        let description = self
            .description
            .and_then(|field| field.check("description", problems));
        let scopes = self
            .scopes
            .and_then(|field| field.check("scopes", problems));
        let rate_limit = self
            .rate_limit
            .and_then(|field| field.check("rateLimit", problems))
            .and_then(|rate_limit| rate_limit.check(problems));
        let expires_at = self
            .expires_at
            .and_then(|field| field.check_if("expiresAt", problems, |Expiry(at)| *at > now));
        problems.reject_unknown_fields("", &self.unknown);
        Some(KeySettings {
            external_id: None,
            metadata: Metadata::default(),
            quota: None,
            name: name?,
            description,
            scopes: scopes.unwrap_or_default(),
            rate_limit,
            expires_at: expires_at.map(|Expiry(at)| at),
        })
    }
}

/// At most `limit` successful requests in any `windowSeconds` seconds.
#[derive(Object, Deserialize)]
#[oai(rename = "NewRateLimit", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct RateLimitBody {
    /// Requests.
    #[serde(default)]
    limit: Field<WholeNumber<{ *RateLimit::LIMITS.start() }, { *RateLimit::LIMITS.end() }>>,
    /// Seconds, at most 31 days.
    #[serde(default)]
    window_seconds:
        Field<WholeNumber<{ *RateLimit::WINDOWS.start() }, { *RateLimit::WINDOWS.end() }>>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl RateLimitBody {
    fn check(self, problems: &mut Problems) -> Option<RateLimit> {
        let limit = self.limit.check("rateLimit.limit", problems);
        let window = self
            .window_seconds
            .check("rateLimit.windowSeconds", problems);
        problems.reject_unknown_fields("rateLimit.", &self.unknown);
        RateLimit::new(limit?.0, window?.0)
    }
}

impl FieldValue for RateLimitBody {
    fn rule() -> Cow<'static, str> {
        "must be an object".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let object = json.as_object()?;
        Self::deserialize(object).ok()
    }
}

scalar!(
    Name,
    [],
    "string",
    MetaSchema {
        min_length: Some(1),
        max_length: Some(100),
        // At least one character outside Unicode's White_Space; `\s` differs between regular-expression engines.
        pattern: Some(
            r"^[^\x00]*[^\x00\x09-\x0d\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00]*$".to_owned()
        ),
        ..MetaSchema::new("string")
    }
);

impl FieldValue for Name {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_str()?)
    }
}

scalar!(
    Description,
    [],
    "string",
    MetaSchema {
        max_length: Some(500),
        pattern: Some(r"^[^\x00]*$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl FieldValue for Description {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_str()?)
    }
}

scalar!(
    Scopes,
    [],
    "array",
    MetaSchema {
        max_items: Some(50),
        items: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_length: Some(64),
            pattern: Some("^[A-Za-z0-9:._*-]{1,64}$".to_owned()),
            ..MetaSchema::new("string")
        })))),
        ..MetaSchema::new("array")
    }
);

impl FieldValue for Scopes {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let scopes = json.as_array()?.iter().map(Value::as_str);
        Self::new(&scopes.collect::<Option<Vec<&str>>>()?)
    }
}

/// The instant when a key stops working.
struct Expiry(Timestamp);

scalar!(
    Expiry,
    [],
    "date-time",
    MetaSchema::new_with_format("string", "date-time")
);

impl FieldValue for Expiry {
    fn rule() -> Cow<'static, str> {
        "must be a date-time in the future, like 2030-01-31T12:00:00Z".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Timestamp::parse(json.as_str()?).map(Self)
    }
}

impl Example for CreateKeyBody {
    fn example() -> Self {
        let limit = json!({ "limit": 100, "windowSeconds": 60 });
        Self {
            name: json!("Deployment").into(),
            description: Some(json!("Releases of the customer portal").into()),
            scopes: Some(json!(["releases:write"]).into()),
            rate_limit: Some(limit.into()),
            expires_at: Some(json!("2100-01-01T00:00:00.000Z").into()),
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
    use poem_openapi::types::Type;

    use super::*;

    fn schema<T: Type>() -> MetaSchema {
        match T::schema_ref() {
            MetaSchemaRef::Inline(schema) => *schema,
            MetaSchemaRef::Reference(name) => panic!("a reference to {name}"),
        }
    }

    #[test]
    fn fields_accept_the_maximum_of_their_schema_and_no_more() {
        let name = schema::<Name>().max_length.unwrap();
        let description = schema::<Description>().max_length.unwrap();
        let text = |length| json!("x".repeat(length));
        assert!(Name::parse(&text(name)).is_some());
        assert!(Name::parse(&text(name + 1)).is_none());
        assert!(Description::parse(&text(description)).is_some());
        assert!(Description::parse(&text(description + 1)).is_none());

        let scopes = schema::<Scopes>();
        let MetaSchemaRef::Inline(scope) = *scopes.items.unwrap() else {
            panic!("a reference");
        };
        let (items, length) = (scopes.max_items.unwrap(), scope.max_length.unwrap());
        let scopes = |items, length| json!(vec!["x".repeat(length); items]);
        assert!(Scopes::parse(&scopes(items, length)).is_some());
        assert!(Scopes::parse(&scopes(items + 1, length)).is_none());
        assert!(Scopes::parse(&scopes(items, length + 1)).is_none());
    }

    #[test]
    fn example_body_is_valid() {
        let mut problems = Problems::default();
        let settings = CreateKeyBody::example().check(&mut problems, Timestamp::from_millis(0));
        assert!(problems.finish(settings).is_ok());
    }
}
