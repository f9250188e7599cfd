//! The API's operations with their documented responses, and what the annotations say about each operation.
//!
//! Collected once, at start, from the annotations and from the sandbox's document. Used by the middleware, by the
//! document and by the guide.

use std::{sync::Arc, time::Duration};

use poem::http::Method;
use poem_openapi::registry::{MetaOperation, MetaPath};
use serde_json::Value;

use super::{example_responses::ExampleResponses, header::invalid_delay};
use crate::{
    api::{
        documented_error::{self, DocumentedError, ErrorsByStatus},
        error::ApiError,
        operations,
        sandbox::session::{SESSION_FULL, invalid_session},
    },
    model::{LimitState, LimitStates},
};

/// An operation and its documented responses.
pub(in crate::api::sandbox) struct DocumentedOperation {
    pub(in crate::api::sandbox) id: &'static str,
    pub(in crate::api::sandbox) method: String,
    /// The path template in the document.
    pub(in crate::api::sandbox) path: String,
    pub(in crate::api::sandbox) responses: Arc<ExampleResponses>,
}

/// Returns all operations, in the order of the document.
pub(in crate::api::sandbox) fn documented_operations(document: &Value) -> Vec<DocumentedOperation> {
    let paths = operations::paths().into_iter();
    paths.flat_map(|path| of_path(&path, document)).collect()
}

fn of_path(path: &MetaPath, document: &Value) -> Vec<DocumentedOperation> {
    let of = |operation: &MetaOperation| {
        let method = operation.method.as_str();
        let documented = &document["paths"][&path.path][method.to_lowercase()];
        let id = operation.operation_id?;
        Some(DocumentedOperation {
            id,
            method: method.to_owned(),
            path: path.path.clone(),
            responses: Arc::new(ExampleResponses::new(documented, &errors(id, operation))),
        })
    };
    path.operations.iter().filter_map(of).collect()
}

/// Returns all errors of an operation in the sandbox.
pub(in crate::api::sandbox) fn errors(id: &str, operation: &MetaOperation) -> ErrorsByStatus {
    let mut errors = operations::documented_errors(id, requires(operation, "bearer"));
    documented_error::add(&mut errors, errors_of_the_sandbox(operation));
    errors
}

/// Returns the errors that an operation has only in the sandbox: a 400 for an invalid session or delay, a 429, because a
/// gateway in front of the real API may respond with one to any request, and a 507 for a write when the session's copy
/// is full.
pub(in crate::api::sandbox) fn errors_of_the_sandbox(
    operation: &MetaOperation,
) -> Vec<DocumentedError> {
    let rate_limited = ApiError::RateLimited(LimitStates {
        rate_limit: Some(LimitState {
            limit: 1000,
            remaining: 0,
            reset: Duration::from_secs(7),
        }),
        quota: None,
    });
    let mut errors = vec![
        DocumentedError::named("invalid-session", invalid_session()),
        DocumentedError::named("invalid-delay", invalid_delay()),
        rate_limited.into(),
    ];
    errors.extend(writes(operation).then(|| SESSION_FULL.into()));
    errors
}

/// Returns whether an operation may write. Validating a key does, because the use is counted.
pub(in crate::api::sandbox) fn writes(operation: &MetaOperation) -> bool {
    operation.method != Method::GET || requires(operation, "apiKey")
}

/// The treatment of a request body by an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api::sandbox) enum ExpectedBody {
    /// Parses it.
    Json,
    /// Rejects it.
    Empty,
    /// Does not look at it.
    Ignored,
}

/// Returns how an operation treats a body. The POST without a documented one, validation, rejects it.
pub(in crate::api::sandbox) fn expected_body(operation: &MetaOperation) -> ExpectedBody {
    match (&operation.request, &operation.method) {
        (Some(_), _) => ExpectedBody::Json,
        (None, &Method::POST) => ExpectedBody::Empty,
        (None, _) => ExpectedBody::Ignored,
    }
}

/// Returns whether an operation requires credentials of a security scheme.
pub(in crate::api::sandbox) fn requires(operation: &MetaOperation, scheme: &str) -> bool {
    operation
        .security
        .iter()
        .any(|scheme_of| scheme_of.contains_key(scheme))
}
