//! Query parameters of a list: one of several names, and a text to compare with.
//!
//! Parsing accepts any text and `get` checks it, so that the problem is reported with all others. A repeated parameter is
//! a problem.

use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};

use super::exactly_one::exactly_one;
use crate::{
    api::scalars::scalar,
    model::{Choice, FilterText, UserId},
};

/// A parameter that names one of the values of `T`.
pub(crate) struct ChoiceParam<T>(Option<T>);

scalar!(
    ChoiceParam<T>,
    [T: Choice],
    "string",
    MetaSchema {
        enum_items: T::ALL.iter().map(|value| value.name().into()).collect(),
        ..MetaSchema::new("string")
    }
);

impl<T: Choice> ChoiceParam<T> {
    /// Returns the value, or the problem with the parameter, which is called `name`.
    pub(crate) fn get(&self, name: &str) -> Result<T, String> {
        self.0.ok_or_else(|| Self::problem(name))
    }

    /// The problem with any other value.
    pub(crate) fn problem(name: &str) -> String {
        let names: Vec<&str> = T::ALL.iter().map(|value| value.name()).collect();
        format!("{name} must be exactly one of {}", names.join(", "))
    }
}

impl<T: Choice> ParseFromParameter for ChoiceParam<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(T::from_name(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        Ok(Self(
            exactly_one(values).and_then(|text| T::from_name(text.as_ref())),
        ))
    }
}

/// A type that any text but the empty one converts to.
pub(crate) trait FilterValue: Send + Sync + Sized {
    /// Converts the text; `None` if it is empty.
    fn parse(text: &str) -> Option<Self>;
}

impl FilterValue for UserId {
    fn parse(text: &str) -> Option<Self> {
        Self::new(text)
    }
}

impl FilterValue for FilterText {
    fn parse(text: &str) -> Option<Self> {
        Self::new(text)
    }
}

/// A parameter with a text that is not empty.
pub(crate) struct TextParam<T>(Option<T>);

scalar!(
    TextParam<T>,
    [T: FilterValue],
    "string",
    MetaSchema {
        min_length: Some(1),
        ..MetaSchema::new("string")
    }
);

impl<T: FilterValue> TextParam<T> {
    /// Returns the value, or the problem with the parameter, which is called `name`.
    pub(crate) fn get(self, name: &str) -> Result<T, String> {
        self.0.ok_or_else(|| Self::problem(name))
    }

    /// The problem with an empty text, or with several.
    pub(crate) fn problem(name: &str) -> String {
        format!("{name} must be one text, not empty")
    }
}

impl<T: FilterValue> ParseFromParameter for TextParam<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(T::parse(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        Ok(Self(
            exactly_one(values).and_then(|text| T::parse(text.as_ref())),
        ))
    }
}
