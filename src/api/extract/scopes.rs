//! The scopes that a validation requires of a key.
//!
//! Called by [`crate::api::validate`]. A request that may misspell a requirement (`?scopes=admin`, an empty `scope`, a body
//! with scopes) is rejected: ignoring it would let a key without the scope pass.

use poem::Request;
use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};

use crate::api::{error::ApiError, problems::Problems, scalars::scalar};

/// The problem with a POST that has a body, which could name scopes.
pub(crate) const BODY_PROBLEM: &str =
    "The body must be empty: name scopes in the query, as in ?scope=a&scope=b";

/// One value of the parameter `scope`. [`required_scopes`] rejects the empty text; every other text is a scope, which the
/// key has or lacks.
pub(crate) struct ScopeParam(String);

scalar!(
    ScopeParam,
    [],
    "scope",
    MetaSchema {
        min_length: Some(1),
        ..MetaSchema::new("string")
    }
);

impl ScopeParam {
    /// The problem with an empty value.
    pub(crate) const PROBLEM: &str = "scope must not be empty";
}

impl ParseFromParameter for ScopeParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(text.to_owned()))
    }
}

/// Reads the required scopes. Fails closed: a request that may misspell a requirement is rejected.
pub(crate) fn required_scopes(
    request: &Request,
    scopes: Option<&[ScopeParam]>,
    has_body: bool,
) -> Result<Vec<String>, ApiError> {
    let mut problems = Problems::default();
    let scopes: Vec<String> = scopes
        .unwrap_or_default()
        .iter()
        .map(|scope| scope.0.clone())
        .collect();
    if scopes.iter().any(String::is_empty) {
        problems.add(ScopeParam::PROBLEM.to_owned());
    }
    problems.reject_unknown_parameters(request, &["scope"]);
    if has_body {
        problems.add(BODY_PROBLEM.to_owned());
    }
    problems.finish(Some(scopes))
}
