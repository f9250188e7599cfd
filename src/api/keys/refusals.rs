//! The errors of each operation on keys besides [`Failure::of_any_operation`], for the document.
//!
//! Called by `openapi::operation` only. If a handler returns a new error, add it here. The fuzzing in CI finds a status
//! that is sent but not documented.

use super::{Limit, body::example_of_problems};
use crate::{
    api::{
        documented_error::DocumentedError,
        error::Failure,
        extract::{CursorParam, body_refusals},
        scalars::PathParam,
    },
    model::Timestamp,
};

pub(in crate::api) fn get() -> Vec<DocumentedError> {
    vec![
        bad_request("malformed-path", PathParam::PROBLEM),
        Failure::NotAMember.into(),
        Failure::KeyNotFound.into(),
    ]
}

pub(in crate::api) fn list() -> Vec<DocumentedError> {
    let mut refusals = of_any_manager();
    refusals.extend([
        bad_request("invalid-limit", &Limit::problem("limit")),
        bad_request("invalid-cursor", CursorParam::PROBLEM),
        bad_request("unknown-parameter", "unknown parameter: colour"),
    ]);
    refusals
}

pub(in crate::api) fn create() -> Vec<DocumentedError> {
    let mut refusals = of_any_manager();
    refusals.extend(body_refusals());
    let problems = example_of_problems();
    refusals.extend(problems.map(|error| DocumentedError::named("invalid-body", error)));
    refusals
}

pub(in crate::api) fn rotate() -> Vec<DocumentedError> {
    let example = "graceSeconds must be a whole number from 0 to 604800";
    let mut refusals = of_any_manager();
    refusals.extend(body_refusals());
    refusals.extend([
        bad_request("invalid-grace-seconds", example),
        Failure::KeyNotFound.into(),
        Failure::KeyRevoked.into(),
        Failure::KeyExpired.into(),
        Failure::RotationInProgress(Timestamp::from_millis(1_767_700_800_000)).into(),
    ]);
    refusals
}

pub(in crate::api) fn revoke() -> Vec<DocumentedError> {
    let mut refusals = of_any_manager();
    refusals.extend([
        bad_request("malformed-path", PathParam::PROBLEM),
        Failure::KeyNotFound.into(),
    ]);
    refusals
}

fn bad_request(name: &'static str, problem: &str) -> DocumentedError {
    DocumentedError::named(name, Failure::BadRequest(problem.to_owned()))
}

fn of_any_manager() -> Vec<DocumentedError> {
    vec![Failure::NotAMember.into(), Failure::RoleTooLow.into()]
}
