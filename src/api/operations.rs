//! All operations of the API, with their documentation.
//!
//! To add an operation, add its struct to [`Operations`] and its `DOC` to [`DOCS`]. The route table, the OpenAPI document
//! and the sandbox use these lists; none of them names an operation.

use poem_openapi::{OpenApi, Tags, registry::MetaPath};
use serde_json::Value;

use super::{
    audit,
    documented_error::{self, DocumentedError, ErrorsByStatus},
    error::ApiError,
    keys, stats, validate,
};

/// The operations, in the order of the document.
pub(super) type Operations = (
    keys::List,
    keys::Create,
    keys::Get,
    keys::Update,
    keys::Rotate,
    keys::Revoke,
    stats::GetStats,
    audit::Audit,
    validate::ForGateway,
    validate::Validate,
);

pub(super) const OPERATIONS: Operations = (
    keys::List,
    keys::Create,
    keys::Get,
    keys::Update,
    keys::Rotate,
    keys::Revoke,
    stats::GetStats,
    audit::Audit,
    validate::ForGateway,
    validate::Validate,
);

/// The documentation of each operation.
const DOCS: [&OperationDoc; 10] = [
    &keys::LIST_DOC,
    &keys::CREATE_DOC,
    &keys::GET_DOC,
    &keys::UPDATE_DOC,
    &keys::ROTATE_DOC,
    &keys::REVOKE_DOC,
    &stats::DOC,
    &audit::DOC,
    &validate::FOR_GATEWAY_DOC,
    &validate::DOC,
];

/// The part of an operation's documentation that poem-openapi cannot derive from its annotations.
pub(super) struct OperationDoc {
    /// The `operation_id` of the annotations.
    pub(super) id: &'static str,
    /// The description of the success response.
    pub(super) success: &'static str,
    /// The headers of the success response, in lower case, each with an example.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// The operation's errors besides [`ApiError::common_errors`] and the 401 for a bearer token.
    pub(super) errors: fn() -> Vec<DocumentedError>,
    /// The example of the success response. `None` for the example of its type.
    pub(super) example: Option<fn() -> Option<Value>>,
}

impl OperationDoc {
    /// Returns all errors of the operation, by status.
    fn all_errors(&self, requires_bearer: bool) -> ErrorsByStatus {
        let unauthenticated = requires_bearer.then_some(ApiError::Unauthenticated(None));
        let common = unauthenticated.into_iter().chain(ApiError::common_errors());
        let mut errors = ErrorsByStatus::new();
        documented_error::add(&mut errors, (self.errors)());
        documented_error::add(&mut errors, common.map(Into::into));
        errors
    }
}

/// The tag of the operations.
#[derive(Tags)]
pub(super) enum ApiTag {
    /// API Keys management and validation
    #[oai(rename = "api-keys")]
    ApiKeys,
}

/// Returns the documentation of an operation.
pub(super) fn doc(operation_id: &str) -> Option<&'static OperationDoc> {
    DOCS.into_iter().find(|doc| doc.id == operation_id)
}

/// Returns all errors of an operation, by status. Empty for an unknown operation.
pub(super) fn documented_errors(operation_id: &str, requires_bearer: bool) -> ErrorsByStatus {
    doc(operation_id).map_or_else(ErrorsByStatus::new, |doc| doc.all_errors(requires_bearer))
}

/// Returns the paths of the operations, each with all of its methods.
pub(super) fn paths() -> Vec<MetaPath> {
    let mut paths: Vec<MetaPath> = Vec::new();
    for path in Operations::meta().into_iter().flat_map(|api| api.paths) {
        match paths.iter_mut().find(|known| known.path == path.path) {
            Some(known) => known.operations.extend(path.operations),
            None => paths.push(path),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_documented_exactly_once() {
        let operations = paths().into_iter().flat_map(|path| path.operations);
        let mut ids: Vec<_> = operations.filter_map(|op| op.operation_id).collect();
        let mut documented = DOCS.map(|doc| doc.id);
        ids.sort_unstable();
        documented.sort_unstable();
        assert_eq!(documented[..], ids);
    }
}
