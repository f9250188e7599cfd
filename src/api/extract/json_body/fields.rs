//! Reads a JSON object field by field and records every problem.
//!
//! A parser stops at the first problem. Here a caller learns all of them at once: wrong values in the order in which
//! the fields are read, then the fields that were never read, which are unknown.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::unique;
use crate::api::problems::{Problems, quoted_name};

/// The fields of an object that were not read yet.
pub(crate) struct Fields<'a> {
    members: Map<String, Value>,
    /// The path of the object in the body: empty, or `rateLimit.`
    path: String,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// Parses a body and reads its fields with `read`. `None` if `read` returned it or if the body is no JSON object.
    pub(crate) fn read<T>(
        body: &[u8],
        problems: &'a mut Problems,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let parsed = unique::parse(body).map_err(|e| format!("The body is not valid JSON: {e}"));
        let (value, duplicates) = problems.check(parsed)?;
        for path in duplicates {
            problems.add(format!("duplicate field: {path}"));
        }
        let Value::Object(members) = value else {
            problems.add("The body must be a JSON object".to_owned());
            return None;
        };
        Self::read_object(members, String::new(), problems, read)
    }

    fn read_object<T>(
        members: Map<String, Value>,
        path: String,
        problems: &'a mut Problems,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let mut fields = Self {
            members,
            path,
            problems,
        };
        let value = read(&mut fields);
        for name in fields.members.keys() {
            let path = format!("{}{}", fields.path, quoted_name(name));
            fields.problems.add(format!("unknown field: {path}"));
        }
        value
    }

    /// Reads a required field. `read` returns `None` for a value that breaks `rule`.
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

    /// Reads a field that may be absent or null.
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

    /// Reads a required whole number. `60.0` is whole, as in JSON Schema.
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

    /// Reads an object that may be absent or null; `read` reads its fields.
    pub(crate) fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.members.shift_remove(name)? {
            Value::Null => None,
            Value::Object(members) => {
                let path = format!("{}{name}.", self.path);
                Fields::read_object(members, path, self.problems, read)
            }
            _ => self.judge(name, "must be an object", None),
        }
    }

    fn judge<T>(&mut self, name: &str, rule: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.problem(name, rule);
        }
        read
    }

    fn problem(&mut self, name: &str, what: &str) {
        self.problems.add(format!("{}{name} {what}", self.path));
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
