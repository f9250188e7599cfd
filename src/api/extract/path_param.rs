//! Parameters of a path.
//!
//! poem passes no value for a parameter that does not percent-decode to UTF-8. Parsing accepts that and
//! [`PathParam::get`] checks it, so that the problem is reported with all others.

use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};

use super::exactly_one::exactly_one;
use crate::{
    api::scalars::scalar,
    model::{KeyId, OrganizationRef},
};

/// A value that any text in a path stands for.
pub(crate) trait PathValue: Send + Sync + Sized {
    /// Parses the text, percent-decoded.
    fn parse(text: &str) -> Self;
}

impl PathValue for OrganizationRef {
    fn parse(text: &str) -> Self {
        Self::parse(text)
    }
}

/// A text that is not an id becomes the nil id, which no key has.
impl PathValue for KeyId {
    fn parse(text: &str) -> Self {
        Self::parse_or_nil(text)
    }
}

/// A path parameter. `None` if the path is malformed.
pub(crate) struct PathParam<T>(Option<T>);

scalar!(
    PathParam<T>,
    [T: PathValue],
    "string",
    MetaSchema::new("string")
);

/// The problem with a path that is not UTF-8.
pub(crate) const MALFORMED_PATH: &str = "The path must be percent-encoded UTF-8";

impl<T> PathParam<T> {
    /// Returns the value, or the problem with the path.
    pub(crate) fn get(self) -> Result<T, String> {
        self.0.ok_or_else(|| MALFORMED_PATH.to_owned())
    }
}

impl<T: PathValue> ParseFromParameter for PathParam<T> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(Some(T::parse(text))))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        Ok(Self(
            exactly_one(values).map(|text| T::parse(text.as_ref())),
        ))
    }
}
