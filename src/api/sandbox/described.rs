//! The operations and what is documented of each, for whoever prefers an answer, and for the guide.
//!
//! Made once, at start, of the annotations and of the sandbox's document.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use poem::http::StatusCode;
use poem_openapi::{
    OpenApi,
    registry::{MetaOperation, MetaPath},
};
use serde_json::Value;

use super::answers::Answers;
use crate::{
    api::{error::Failure, openapi, routes::Apis},
    validation::Quota,
};

/// An operation and its documented answers.
pub(super) struct Described {
    pub(super) id: &'static str,
    pub(super) method: String,
    /// Its path in the document.
    pub(super) path: String,
    pub(super) answers: Arc<Answers>,
}

/// All operations, in the order of the document.
pub(super) fn all(document: &Value) -> Vec<Described> {
    let paths = Apis::meta().into_iter().flat_map(|api| api.paths);
    paths.flat_map(|path| of_path(&path, document)).collect()
}

fn of_path(path: &MetaPath, document: &Value) -> Vec<Described> {
    let of = |operation: &MetaOperation| {
        let method = operation.method.as_str();
        let documented = &document["paths"][&path.path][method.to_lowercase()];
        let id = operation.operation_id?;
        Some(Described {
            id,
            method: method.to_owned(),
            path: path.path.clone(),
            answers: Arc::new(Answers::new(documented, &refusals(id, operation))),
        })
    };
    path.operations.iter().filter_map(of).collect()
}

fn refusals(id: &str, operation: &MetaOperation) -> BTreeMap<StatusCode, Vec<Failure>> {
    let mut refusals = openapi::refusals_of(id, takes(operation, "bearer"));
    refusals
        .entry(StatusCode::TOO_MANY_REQUESTS)
        .or_insert_with(|| vec![rate_limited()]);
    refusals
}

/// Whether an operation asks for credentials of that kind.
pub(super) fn takes(operation: &MetaOperation, scheme: &str) -> bool {
    operation
        .security
        .iter()
        .any(|scheme_of| scheme_of.contains_key(scheme))
}

/// What whatever stands in front of the real API may answer to any request.
pub(super) fn rate_limited() -> Failure {
    Failure::RateLimited(Quota {
        limit: 1000,
        remaining: 0,
        reset: Duration::from_secs(7),
    })
}
