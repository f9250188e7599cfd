//! The operations and what is documented of each, for whoever prefers an answer, and for the guide.
//!
//! Made once, at start, of the annotations and of the sandbox's document.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use poem::{
    error::ResponseError,
    http::{Method, StatusCode},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaOperation, MetaOperationParam, MetaParamIn, MetaPath},
};
use serde_json::Value;

use super::answers::Answers;
use crate::{
    api::{error::Failure, openapi, routes::Apis},
    key_validation::Quota,
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
    for failure in of_the_sandbox(writes(operation)) {
        let others = refusals.entry(failure.status());
        others.or_insert_with(|| vec![failure]);
    }
    refusals
}

/// What an operation refuses here and not elsewhere: a 429, as whatever stands in front of the real API may answer to
/// any request; and a change for which there is no room.
pub(super) fn of_the_sandbox(writes: bool) -> Vec<Failure> {
    let rate_limited = Failure::RateLimited(Quota {
        limit: 1000,
        remaining: 0,
        reset: Duration::from_secs(7),
    });
    let full = writes.then_some(Failure::CopyFull);
    full.into_iter().chain([rate_limited]).collect()
}

/// Whether an operation may change something; the use of a key does, since it is counted.
pub(super) fn writes(operation: &MetaOperation) -> bool {
    operation.method != Method::GET || takes(operation, "apiKey")
}

/// How many parameters the path of an operation has.
pub(super) fn path_parameters(operation: &MetaOperation) -> usize {
    let is_in_path = |parameter: &&MetaOperationParam| parameter.in_type == MetaParamIn::Path;
    operation.params.iter().filter(is_in_path).count()
}

/// Whether an operation asks for credentials of that kind.
pub(super) fn takes(operation: &MetaOperation, scheme: &str) -> bool {
    operation
        .security
        .iter()
        .any(|scheme_of| scheme_of.contains_key(scheme))
}
