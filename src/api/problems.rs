//! The problems of one request's parameters and body, for one 400 that names them all.
//!
//! A parameter's type accepts any text, and a body is received before it is parsed, so that nothing is rejected before
//! the handler runs. The handler checks the parameters in the order of the document, then the body, and each check
//! records its problem here. [`Problems::finish`] comes before the store is asked.

use std::collections::HashSet;

use poem::Request;

use super::{error::ApiError, extract::UnknownFields};

/// The length of the longest name that a message quotes, in characters.
const MAX_QUOTED_NAME: usize = 64;

/// The problems found so far, in order.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// Records a problem. Two parameters of a path share one.
    pub(super) fn add(&mut self, problem: String) {
        if self.0.last() != Some(&problem) {
            self.0.push(problem);
        }
    }

    /// Returns the parsed value, or records its problem.
    pub(super) fn check<T>(&mut self, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|problem| self.add(problem)).ok()
    }

    /// Returns the parsed value of an optional parameter, or records its problem.
    pub(super) fn check_optional<T>(&mut self, parsed: Option<Result<T, String>>) -> Option<T> {
        parsed.and_then(|parsed| self.check(parsed))
    }

    /// Returns `value` if no problem was recorded, and these problems otherwise, for [`Problems::check_all`].
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// Returns the value, or records all of its problems.
    pub(super) fn check_all<T>(&mut self, checked: Result<T, Self>) -> Option<T> {
        checked
            .map_err(|problems| problems.0.into_iter().for_each(|problem| self.add(problem)))
            .ok()
    }

    /// Records every query parameter that is not one of `known`.
    pub(super) fn reject_unknown_parameters(&mut self, request: &Request, known: &[&str]) {
        // The parser replaces what is not UTF-8 and never fails.
        let parameters: Vec<(String, String)> = request.params().unwrap_or_default();
        let mut seen: HashSet<&str> = known.iter().copied().collect();
        for (name, _) in &parameters {
            if seen.insert(name) {
                self.add(format!("unknown parameter: {}", quoted_name(name)));
            }
        }
    }

    /// Records every unknown field of the object at `path`: empty, or like `rateLimit.`
    pub(super) fn reject_unknown_fields(&mut self, path: &str, unknown: &UnknownFields) {
        for name in unknown.keys() {
            self.add(format!("unknown field: {path}{}", quoted_name(name)));
        }
    }

    /// Returns `value` if no problem was recorded.
    ///
    /// # Errors
    /// A 400 that names every problem.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ApiError::BadRequest(self.0.join("; "))),
        }
    }
}

/// Shortens a name that a client sent, for a message.
pub(super) fn quoted_name(name: &str) -> String {
    name.chars().take(MAX_QUOTED_NAME).collect()
}
