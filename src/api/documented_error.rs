//! An error as the OpenAPI document shows it: an example with a name.
//!
//! The functions that list the errors of an operation return these. `openapi` writes them into the document, and the
//! sandbox sends them on request, so that both have the same names and bodies.

use std::collections::BTreeMap;

use poem::{error::ResponseError, http::StatusCode};

use super::error::Failure;

/// An error, and its name among the examples of one status of an operation.
#[derive(Debug, Clone)]
pub(super) struct DocumentedError {
    /// In kebab case, and unique within the status.
    pub(super) name: &'static str,
    pub(super) error: Failure,
}

impl DocumentedError {
    /// An error under a name of its own, for a 400: its text says what is wrong, its type does not.
    pub(super) const fn named(name: &'static str, error: Failure) -> Self {
        Self { name, error }
    }
}

impl From<Failure> for DocumentedError {
    fn from(error: Failure) -> Self {
        let name = error.name();
        Self { name, error }
    }
}

/// The errors of an operation, by status.
pub(super) type ErrorsByStatus = BTreeMap<StatusCode, Vec<DocumentedError>>;

/// Adds errors behind the others of their status. Skips an error whose name is there already.
pub(super) fn add(errors: &mut ErrorsByStatus, added: impl IntoIterator<Item = DocumentedError>) {
    for error in added {
        let others = errors.entry(error.error.status()).or_default();
        if others.iter().all(|other| other.name != error.name) {
            others.push(error);
        }
    }
}
