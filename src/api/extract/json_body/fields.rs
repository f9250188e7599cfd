//! The members of a JSON object, asked for one by one; what is wrong with them adds up.
//!
//! So that a caller learns every problem of a body at once: parsers stop at the first. What was never asked for
//! is a problem, too.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::unique::Unique;
use crate::api::error::Failure;

/// How much of an unknown name is repeated, in characters.
const LONGEST_NAME: usize = 64;

/// The members that nobody has asked for yet, and the problems so far.
pub(crate) struct Fields {
    members: Map<String, Value>,
    /// Where the object stands in the body: empty, or `rateLimit.`
    path: String,
    problems: Vec<String>,
}

impl Fields {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(body).map(|Unique(value)| value) {
            Ok(Value::Object(members)) => Ok(Self::new(members, String::new())),
            Ok(_) => Err(Failure::BadRequest(
                "The body must be a JSON object".to_owned(),
            )),
            Err(error) => Err(Failure::BadRequest(format!(
                "The body is not valid JSON: {error}"
            ))),
        }
    }

    fn new(members: Map<String, Value>, path: String) -> Self {
        Self {
            members,
            path,
            problems: Vec::new(),
        }
    }

    /// A member that must be there; `rule` says what it must be, and `read` returns `None` when it is not.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        rule: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.members.shift_remove(name) else {
            self.problem(name, "is missing");
            return None;
        };
        self.judge(name, rule, read(&value))
    }

    /// A member that may be left out, or be null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        rule: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.members.shift_remove(name);
        let value = value.filter(|value| !value.is_null())?;
        self.judge(name, rule, read(&value))
    }

    /// A whole number that must be there. `60.0` is one, as in JSON Schema.
    pub(crate) fn whole_number(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let rule = format!(
            "must be a whole number from {} to {}",
            range.start(),
            range.end()
        );
        self.required(name, &rule, |value| {
            whole(value).filter(|number| range.contains(number))
        })
    }

    /// Reads an optional boolean. Null means absent.
    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.optional(name, "must be true or false", Value::as_bool)
    }

    /// An object that may be left out, or be null; `read` asks for its members.
    pub(crate) fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        match self.members.shift_remove(name)? {
            Value::Null => None,
            Value::Object(members) => {
                let mut inner = Self::new(members, format!("{}{name}.", self.path));
                let value = read(&mut inner);
                inner.refuse_the_rest();
                self.problems.append(&mut inner.problems);
                value
            }
            _ => self.judge(name, "must be an object", None),
        }
    }

    /// `value`, if there was no problem with anything; otherwise all problems.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Failure> {
        self.refuse_the_rest();
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Failure::BadRequest(self.problems.join("; "))),
        }
    }

    fn refuse_the_rest(&mut self) {
        for (name, _) in std::mem::take(&mut self.members) {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            self.problem(&name, "is not known here");
        }
    }

    fn judge<T>(&mut self, name: &str, rule: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.problem(name, rule);
        }
        read
    }

    fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{}{name} {what}", self.path));
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        let exact = number.fract() == 0.0 && number.abs() < 9e15;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it has no fraction and is small"
        )]
        exact.then_some(number as i64)
    })
}
