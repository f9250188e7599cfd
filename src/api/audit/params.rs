//! The parameters `keyId` and `since`.
//!
//! Parsing accepts any text, and `get` checks it, so that the problem is reported with all others.

use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};

use crate::{
    api::{extract::exactly_one, scalars::scalar},
    model::{KeyId, Timestamp},
};

/// The parameter `keyId`. `None` if it is not exactly one UUID.
pub(super) struct KeyIdParam(Option<KeyId>);

scalar!(
    KeyIdParam,
    [],
    "key id",
    MetaSchema::new_with_format("string", "uuid")
);

impl KeyIdParam {
    /// The problem with any other value.
    pub(super) const PROBLEM: &str = "keyId must be one UUID";

    /// Returns the id, or the problem with the parameter.
    pub(super) fn get(&self) -> Result<KeyId, String> {
        self.0.ok_or_else(|| Self::PROBLEM.to_owned())
    }
}

impl ParseFromParameter for KeyIdParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(KeyId::parse(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        let value = exactly_one(values);
        Ok(Self(value.and_then(|text| KeyId::parse(text.as_ref()))))
    }
}

/// A parameter that is a date-time of RFC 3339. `None` if it is not exactly one.
pub(super) struct DateTimeParam(Option<Timestamp>);

scalar!(
    DateTimeParam,
    [],
    "date-time",
    MetaSchema::new_with_format("string", "date-time")
);

impl DateTimeParam {
    /// Returns the instant, or the problem with the parameter, which is called `name`.
    pub(super) fn get(&self, name: &str) -> Result<Timestamp, String> {
        self.0.ok_or_else(|| Self::problem(name))
    }

    /// The problem with any other value.
    pub(super) fn problem(name: &str) -> String {
        format!("{name} must be one date-time like 2026-01-31T12:00:00Z, in 1970 or later")
    }
}

impl ParseFromParameter for DateTimeParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(Timestamp::parse(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        let value = exactly_one(values);
        Ok(Self(value.and_then(|text| Timestamp::parse(text.as_ref()))))
    }
}
