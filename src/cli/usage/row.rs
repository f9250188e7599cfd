//! A record of an import: its fields as text, the conversion to a use, and all errors of a record.
//!
//! The rules are the same for JSON ([`super::json`]) and CSV ([`super::csv`]). Invariant: no value is guessed. An unknown
//! field, another spelling of an outcome and an instant in the future are errors. An error names the field and the rule;
//! [`super::records`] adds the line number.

use std::{borrow::Cow, io};

use crate::model::{KeyId, Outcome, Timestamp, UsageEvent};

/// The maximum length of a record in bytes. Valid records are far shorter.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

/// The fields of a record.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) key_id: Cow<'a, str>,
    pub(super) at: Cow<'a, str>,
    pub(super) outcome: Cow<'a, str>,
    pub(super) count: u64,
}

/// A failure to read a record.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Row(#[from] RowError),
}

/// A problem with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowError {
    #[error("must not be longer than 64 KiB")]
    TooLong,
    #[error("not valid JSON (column {column})")]
    NotJson { column: usize },
    #[error("must be a JSON object")]
    NotAnObject,
    #[error("must be UTF-8")]
    NotUtf8,
    #[error("a quoted field lacks its closing quote")]
    UnclosedQuote,
    #[error("must be the header: keyId, at, outcome and optionally count")]
    Header,
    #[error("must have as many fields as the header")]
    FieldCount,
    #[error("unknown field: {0}")]
    UnknownField(String),
    #[error("duplicate field: {0}")]
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
    #[error("the sum of the counts is too large")]
    SumTooLarge,
}

impl Row<'_> {
    /// Converts the record to a use, which must not be after `now`.
    pub(super) fn to_use(&self, now: Timestamp) -> Result<UsageEvent, RowError> {
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
