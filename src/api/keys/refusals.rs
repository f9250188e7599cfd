//! What each operation on keys may refuse besides [`Failure::of_any_operation`], for the document.
//!
//! Called by `openapi::operation` alone. A handler that learns to refuse something new gets it added here; the
//! fuzzing in CI finds a status that is sent and not documented.

use super::{Limit, body::example_of_problems};
use crate::{
    api::{
        error::Failure,
        extract::{CursorParam, body_refusals},
        scalars::PathParam,
    },
    model::Timestamp,
};

pub(in crate::api) fn get() -> Vec<Failure> {
    vec![
        bad_request(PathParam::PROBLEM),
        Failure::NotAMember,
        Failure::KeyNotFound,
    ]
}

pub(in crate::api) fn list() -> Vec<Failure> {
    let mut refusals = of_any_manager();
    refusals.extend([
        bad_request(&Limit::problem("limit")),
        bad_request(CursorParam::PROBLEM),
        bad_request("unknown parameter: colour"),
    ]);
    refusals
}

pub(in crate::api) fn create() -> Vec<Failure> {
    let mut refusals = of_any_manager();
    refusals.extend(body_refusals());
    refusals.extend(example_of_problems());
    refusals
}

pub(in crate::api) fn rotate() -> Vec<Failure> {
    let example = "graceSeconds must be a whole number from 0 to 604800";
    let mut refusals = of_any_manager();
    refusals.extend(body_refusals());
    refusals.extend([
        bad_request(example),
        Failure::KeyNotFound,
        Failure::KeyRevoked,
        Failure::KeyExpired,
        Failure::RotationInProgress(Timestamp::from_millis(1_767_700_800_000)),
    ]);
    refusals
}

pub(in crate::api) fn revoke() -> Vec<Failure> {
    let mut refusals = of_any_manager();
    refusals.extend([bad_request(PathParam::PROBLEM), Failure::KeyNotFound]);
    refusals
}

fn bad_request(problem: &str) -> Failure {
    Failure::BadRequest(problem.to_owned())
}

fn of_any_manager() -> Vec<Failure> {
    vec![Failure::NotAMember, Failure::RoleTooLow]
}
