//! An error as the OpenAPI document shows it: an example with a name.
//!
//! The documentation of an operation lists them. `openapi` writes them into the document, and the sandbox sends them on
//! request, so that both have the same names and bodies.

use std::collections::BTreeMap;

use poem::{error::ResponseError, http::StatusCode};

use super::error::ApiError;

/// An error, and its name among the examples of one status of an operation.
#[derive(Debug, Clone)]
pub(super) struct DocumentedError {
    /// In kebab case, and unique within the status.
    pub(super) name: &'static str,
    pub(super) error: ApiError,
}

impl DocumentedError {
    /// An error with a name of its own, for a 400, whose type does not tell the problem.
    pub(super) const fn named(name: &'static str, error: ApiError) -> Self {
        Self { name, error }
    }

    /// A 400 with this problem.
    pub(super) fn bad_request(name: &'static str, problem: impl Into<String>) -> Self {
        Self::named(name, ApiError::BadRequest(problem.into()))
    }
}

impl From<ApiError> for DocumentedError {
    fn from(error: ApiError) -> Self {
        let name = error.example_name();
        Self { name, error }
    }
}

/// The errors of an operation, by status.
pub(super) type ErrorsByStatus = BTreeMap<StatusCode, Vec<DocumentedError>>;

/// Appends errors to those of their status. Skips an error whose name is present.
pub(super) fn add(errors: &mut ErrorsByStatus, added: impl IntoIterator<Item = DocumentedError>) {
    for error in added {
        let others = errors.entry(error.error.status()).or_default();
        if others.iter().all(|other| other.name != error.name) {
            others.push(error);
        }
    }
}
