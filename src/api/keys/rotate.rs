//! `POST /organizations/{organizationId}/api-keys/{id}/rotate`
//!
//! [`RotateKeyBody`] is both the parsed and the documented body. The store decides whether the key's state permits a
//! rotation.

use std::time::Duration;

use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::Path,
    types::{Example, ToJSON},
};
use serde::Deserialize;
use serde_json::json;

use super::wire::KeyWithSecretOut;
use crate::{
    api::{
        documented_error::DocumentedError,
        error::ApiError,
        extract::{
            Body, Caller, Field, FieldValue, OptionalField, PathParam, UnknownFields, WholeNumber,
            body_errors,
        },
        operations::{ApiTag, OperationDoc},
        problems::Problems,
        response::JsonResponse,
    },
    app::App,
    model::{Actor, KeyId, OrganizationRef, Rotation, Secret, Timestamp},
};

pub(in crate::api) struct Rotate;

pub(in crate::api) const DOC: OperationDoc = OperationDoc {
    id: "ApiKeysController_rotate",
    success: "API key rotated successfully",
    headers: &[],
    errors: || {
        let invalid_grace = format!("graceSeconds {}", GraceSeconds::rule());
        let mut errors = vec![ApiError::NotAMember.into(), ApiError::RoleTooLow.into()];
        errors.extend(body_errors());
        errors.extend([
            DocumentedError::bad_request("invalid-grace-seconds", invalid_grace),
            ApiError::KeyNotFound.into(),
            ApiError::KeyRevoked.into(),
            ApiError::KeyExpired.into(),
            ApiError::RotationInProgress(Timestamp::from_millis(1_767_700_800_000)).into(),
        ]);
        errors
    },
    example: Some(|| {
        let ends_at = Timestamp::from_millis(1_767_700_800_000);
        let key = KeyWithSecretOut::example();
        key.with_previous_secret_until(ends_at).to_json()
    }),
};

#[OpenApi(tag = "ApiTag::ApiKeys")]
impl Rotate {
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
        organization: Path<PathParam<OrganizationRef>>,
        /// The key's id.
        id: Path<PathParam<KeyId>>,
        body: Body<RotateKeyBody>,
    ) -> poem::Result<JsonResponse<KeyWithSecretOut>> {
        let mut problems = Problems::default();
        let organization = problems.check(organization.0.get());
        let id = problems.check(id.0.get());
        let body = body.parse(&mut problems);
        let checked = body.and_then(|body| body.check(&mut problems));
        let parsed = problems.finish(organization.zip(id).zip(checked))?;
        let ((organization, id), (grace, replace_new)) = parsed;

        let secret = Secret::generate(app.random.bytes().map_err(ApiError::from)?);
        let now = app.clock.now();
        let rotation = Rotation {
            grace,
            replace_new,
            secret: secret.clone(),
            at: now,
        };
        let by = Actor::User(caller.0);
        let rotated = app.store.rotate_key(organization, by, id, rotation).await;
        let key = rotated.map_err(ApiError::from)?.key;
        Ok(JsonResponse(KeyWithSecretOut::new(key, &secret, now)))
    }
}

type GraceSeconds = WholeNumber<0, { Rotation::MAX_GRACE.as_secs().cast_signed() }>;

/// A new secret to be given to a key.
#[derive(Object, Deserialize)]
#[oai(rename = "RotateApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
struct RotateKeyBody {
    /// How long the previous secret works beside the new one, in seconds, at most a week. 0 ends all older secrets at
    /// once.
    #[serde(default)]
    grace_seconds: Field<GraceSeconds>,
    /// During the grace period of an earlier rotation, replace the newest secret; the previous one keeps its end. For
    /// a client that lost the response with the newest secret. No effect outside a grace period, or with
    /// `graceSeconds` 0.
    #[serde(default)]
    replace_new: OptionalField<bool>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl RotateKeyBody {
    /// Checks every field. Returns the grace period and `replaceNew`.
    fn check(self, problems: &mut Problems) -> Option<(Duration, bool)> {
        let grace = self.grace_seconds.check("graceSeconds", problems);
        let replace_new = self.replace_new.check("replaceNew", problems);
        problems.reject_unknown_fields("", &self.unknown);
        let grace = Duration::from_secs(grace?.0.cast_unsigned());
        Some((grace, replace_new.unwrap_or(false)))
    }
}

impl Example for RotateKeyBody {
    fn example() -> Self {
        Self {
            grace_seconds: json!(86_400).into(),
            replace_new: json!(false).into(),
            unknown: UnknownFields::default(),
        }
    }
}
