//! The problems of one request's parameters and body, for one 400 that names them all.
//!
//! A parameter's type accepts any text, and a body is received before it is parsed, so that nothing is rejected before
//! the handler runs. The handler checks the parameters in the order of the document, then the body, and each check
//! records its problem here. [`Problems::finish`] comes before the store is asked.

use std::collections::HashSet;

use poem::Request;

use super::error::Failure;

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

    /// Returns the parsed value, or records why there is none.
    pub(super) fn check<T>(&mut self, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|problem| self.add(problem)).ok()
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

    /// Returns `value` if no problem was recorded.
    ///
    /// # Errors
    /// A 400 that names every problem.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Failure::BadRequest(self.0.join("; "))),
        }
    }
}

/// A caller's own name for something, shortened for a message.
pub(super) fn quoted_name(name: &str) -> String {
    name.chars().take(MAX_QUOTED_NAME).collect()
}
