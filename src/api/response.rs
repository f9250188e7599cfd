//! Success responses: an annotated struct, serialized as JSON.
//!
//! poem-openapi documents the struct and serde serializes it, because poem-openapi's own `Json` builds a tree of values
//! first, which costs more than the read of the database. The tests of each struct compare the two.

use poem::{
    IntoResponse, Response, ResponseBuilder,
    error::ResponseError,
    http::{StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    payload::Json,
    registry::{MetaResponses, Registry},
    types::ToJSON,
};
use serde::Serialize;

use super::error::ApiError;

/// A 200 with a JSON body.
pub(super) struct JsonResponse<T>(pub(super) T);

impl<T: ToJSON> ApiResponse for JsonResponse<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

/// A 201 with a JSON body and the path of the created resource.
pub(super) struct Created<T> {
    pub(super) body: T,
    /// The path for the header `Location`.
    pub(super) location: String,
}

impl<T: ToJSON> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let mut meta = Json::<T>::meta();
        for response in &mut meta.responses {
            response.status = Some(StatusCode::CREATED.as_u16());
        }
        meta
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for JsonResponse<T> {
    fn into_response(self) -> Response {
        json(Response::builder(), &self.0)
    }
}

impl<T: Serialize + Send> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let response = Response::builder()
            .status(StatusCode::CREATED)
            .header(header::LOCATION, self.location);
        json(response, &self.body)
    }
}

fn json<T: Serialize>(response: ResponseBuilder, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => response
            .content_type("application/json; charset=utf-8")
            .body(body),
        Err(error) => ApiError::Internal {
            cause: error.to_string(),
        }
        .as_response(),
    }
}
