//! One line of an import: what it must say, and what is wrong with one that does not.
//!
//! The same fields in JSON and in CSV. Nothing is guessed: an unknown field, another spelling, an instant that is
//! still to come are errors.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{KeyId, Outcome, Timestamp, Use};

/// A line as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    key_id: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    outcome: RowOutcome,
    #[serde(default = "one")]
    count: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RowOutcome {
    Success,
    RateLimited,
    Error,
}

fn one() -> u32 {
    1
}

impl<'a> Row<'a> {
    /// A line from its fields, as CSV has them.
    pub(super) fn from_fields(
        key_id: &'a str,
        at: &'a str,
        outcome: &str,
        count: Option<&str>,
    ) -> Result<Self, &'static str> {
        let outcome = match outcome {
            "success" => RowOutcome::Success,
            "rate_limited" => RowOutcome::RateLimited,
            "error" => RowOutcome::Error,
            _ => return Err("outcome must be success, rate_limited or error"),
        };
        let count = count.map_or(Ok(one()), str::parse);
        Ok(Self {
            key_id: key_id.into(),
            at: at.into(),
            outcome,
            count: count.map_err(|_| "count must be a whole number up to 4294967295")?,
        })
    }
}

impl Row<'_> {
    /// The uses that the line tells of, none of them after `now`.
    pub(super) fn read(&self, now: Timestamp) -> Result<Use, &'static str> {
        let key = KeyId::parse(&self.key_id).ok_or("keyId must be the id of an API key, a UUID")?;
        let at = Timestamp::parse(&self.at)
            .ok_or("at must be a date-time, like 2026-01-31T12:00:00Z, from 1970 on")?;
        if at > now {
            return Err("at is still to come");
        }
        let outcome = match self.outcome {
            RowOutcome::Success => Outcome::Success,
            RowOutcome::RateLimited => Outcome::RateLimited,
            RowOutcome::Error => Outcome::Error,
        };
        if self.count == 0 {
            return Err("count must be at least 1");
        }
        let count = self.count;
        Ok(Use {
            key,
            at,
            outcome,
            count,
        })
    }
}
