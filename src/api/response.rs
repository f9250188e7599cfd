//! A success: an annotated struct, written as JSON.
//!
//! poem-openapi's own `Json` builds a tree of values first, which costs more than reading the database does.
//! [`Reply`] has the struct documented by poem-openapi and written by serde; a test holds the two together.

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

use super::error::Failure;

/// A 200 with a JSON body.
pub(super) struct Reply<T>(pub(super) T);

impl<T: ToJSON> ApiResponse for Reply<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

/// A 201 with a JSON body, and where what was made is to be found.
pub(super) struct Created<T> {
    pub(super) body: T,
    /// A path, for the header `Location`.
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

impl<T: Serialize + Send> IntoResponse for Reply<T> {
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
        Err(error) => Failure::Internal {
            cause: error.to_string(),
        }
        .as_response(),
    }
}
