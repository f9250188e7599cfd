//! A success: an annotated struct, written as JSON.
//!
//! poem-openapi's own `Json` builds a tree of values first, which costs more than reading the database does.
//! [`Reply`] has the struct documented by poem-openapi and written by serde; a test holds the two together.

use poem::{IntoResponse, Response, error::ResponseError};
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

impl<T: Serialize + Send> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::builder()
                .content_type("application/json; charset=utf-8")
                .body(body),
            Err(error) => Failure::Internal {
                cause: error.to_string(),
            }
            .as_response(),
        }
    }
}
