//! The response of a validation: the key's settings in the body, and in headers for gateways.
//!
//! Errors are in [`crate::api::error`].

use poem::{
    IntoResponse, Response,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaResponses, Registry},
    types::Example,
};
use serde::Serialize;
use uuid::{Uuid, uuid};

use crate::{
    api::{
        error::limit_headers,
        middleware::LoggedValidation,
        response::JsonResponse,
        scalars::{DateTime, MetadataOut},
    },
    model::{ApiKey, LimitStates, Timestamp},
};

/// The response for a valid key: its body, and the headers that a gateway passes on.
pub(super) struct ValidKeyResponse {
    pub(super) key: Box<ApiKey>,
    /// The states of its limits after the use.
    pub(super) limits: LimitStates,
    /// For the log.
    pub(super) logged: LoggedValidation,
}

impl ValidKeyResponse {
    fn headers(&self) -> HeaderMap {
        let scopes: Vec<&str> = self.key.scopes.iter().collect();
        let about = [
            ("x-key-id", self.key.id.0.to_string()),
            ("x-organization-id", self.key.organization.0.to_string()),
            ("x-key-scopes", scopes.join(" ")),
        ];
        let about = about.map(|(name, value)| (HeaderName::from_static(name), value));
        let headers = about.into_iter().chain(limit_headers(&self.limits));
        headers
            .filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?)))
            .collect()
    }
}

impl IntoResponse for ValidKeyResponse {
    fn into_response(self) -> Response {
        let headers = self.headers();
        let mut response = JsonResponse(ValidKeyOut::from(*self.key)).into_response();
        response.headers_mut().extend(headers);
        response.set_data(self.logged);
        response
    }
}

impl ApiResponse for ValidKeyResponse {
    fn meta() -> MetaResponses {
        JsonResponse::<ValidKeyOut>::meta()
    }

    fn register(registry: &mut Registry) {
        JsonResponse::<ValidKeyOut>::register(registry);
    }
}

/// A key that may pass.
#[derive(Object, Serialize)]
#[oai(rename = "ValidApiKey", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
struct ValidKeyOut {
    /// Always true: a key that may not pass is an error.
    valid: bool,
    /// The key's id.
    key_id: Uuid,
    /// The key's name.
    name: String,
    /// The organization that owns the key.
    organization_id: Uuid,
    /// In alphabetical order, without duplicates.
    scopes: Vec<String>,
    /// When the key stops working.
    #[oai(nullable)]
    expires_at: Option<DateTime>,
    /// Always true, likewise.
    active: bool,
    /// The caller's own id of the key's holder.
    #[oai(nullable)]
    external_id: Option<String>,
    /// The caller's own data of the key.
    metadata: MetadataOut,
}

impl From<ApiKey> for ValidKeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            valid: true,
            key_id: key.id.0,
            name: key.name.into(),
            organization_id: key.organization.0,
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            expires_at: key.expires_at.map(DateTime),
            active: true,
            external_id: key.external_id.map(Into::into),
            metadata: MetadataOut(key.metadata),
        }
    }
}

/// The demo fixtures' busiest key.
impl Example for ValidKeyOut {
    fn example() -> Self {
        Self {
            valid: true,
            key_id: uuid!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"),
            name: "Production server".to_owned(),
            organization_id: uuid!("550e8400-e29b-41d4-a716-446655440000"),
            scopes: vec!["invoices:read".to_owned(), "invoices:write".to_owned()],
            expires_at: Some(DateTime(Timestamp::from_millis(4_102_444_800_000))),
            active: true,
            external_id: Some("customer-portal".to_owned()),
            metadata: MetadataOut::example(),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn response_is_serialized_as_documented() {
        let key = ValidKeyOut::example();
        assert_eq!(serde_json::to_value(&key).ok(), key.to_json());
    }
}
