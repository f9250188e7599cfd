//! One line of an import: its fields as text, the use that they tell of, and every error that a line can have.
//!
//! The rules are the same for JSON ([`super::json`]) and CSV ([`super::csv`]). Nothing is guessed: an unknown field,
//! another spelling of an outcome and an instant in the future are errors. Each error names the field and the rule;
//! [`super::lines`] adds the number of the line.

use std::borrow::Cow;

use crate::model::{KeyId, Outcome, Timestamp, UsageEvent};

/// The fields of a line.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) key_id: Cow<'a, str>,
    pub(super) at: Cow<'a, str>,
    pub(super) outcome: Cow<'a, str>,
    pub(super) count: u64,
}

/// Why a line is not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowError {
    #[error("must not be longer than 64 KiB")]
    TooLong,
    #[error("not valid JSON (column {column})")]
    NotJson { column: usize },
    #[error("must be a JSON object")]
    NotAnObject,
    #[error("not valid CSV")]
    NotCsv,
    #[error("must be the heading: keyId, at, outcome and, if needed, count")]
    Heading,
    #[error("must have as many fields as the heading")]
    FieldCount,
    #[error("unknown field: {0}")]
    UnknownField(String),
    #[error("{0} is given twice")]
    Duplicate(&'static str),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("keyId must be the id of an API key, a UUID")]
    KeyId,
    #[error("at must be a date-time such as 2026-01-31T12:00:00Z, from 1970 on")]
    At,
    #[error("at must not be in the future")]
    AtInTheFuture,
    #[error("outcome must be success, rate_limited or error")]
    Outcome,
    #[error("count must be a whole number from 1 to {}", u32::MAX)]
    Count,
    #[error("no API key has the id {}", .0.0)]
    UnknownKey(KeyId),
    #[error("the sum of the counts is too large to be stored")]
    SumTooLarge,
}

impl Row<'_> {
    /// Returns the use that the line tells of, which must not be after `now`.
    pub(super) fn read(&self, now: Timestamp) -> Result<UsageEvent, RowError> {
        let key = KeyId::parse(&self.key_id).ok_or(RowError::KeyId)?;
        let at = Timestamp::parse(&self.at).ok_or(RowError::At)?;
        if at > now {
            return Err(RowError::AtInTheFuture);
        }
        let outcome = match &*self.outcome {
            "success" => Outcome::Success,
            "rate_limited" => Outcome::RateLimited,
            "error" => Outcome::Error,
            _ => return Err(RowError::Outcome),
        };
        let count = u32::try_from(self.count).ok().filter(|count| *count > 0);
        Ok(UsageEvent {
            key,
            at,
            outcome,
            count: count.ok_or(RowError::Count)?,
        })
    }
}
