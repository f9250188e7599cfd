//! Scalar types of the wire that poem-openapi has no word for: date-times, dates, bounded numbers.
//!
//! Each says how it is written and how it is documented, so that an annotated struct needs neither.

use poem_openapi::{
    registry::MetaSchema,
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON},
};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{Day, Timestamp};

/// Implements poem-openapi's `Type` for a scalar that is always required and is its own raw value.
macro_rules! scalar {
    ($type:ty, [$($generics:tt)*], $name:expr, $schema:expr) => {
        impl<$($generics)*> poem_openapi::types::Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                poem_openapi::registry::MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

pub(crate) use scalar;

/// Implements writing a scalar, once for documents and once for answers, and the parser that poem-openapi asks
/// of every field of an object. It is never called: bodies are read by [`super::extract::Fields`].
macro_rules! written_only {
    ($type:ty) => {
        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                serde_json::to_value(self).ok()
            }
        }

        impl ParseFromJSON for $type {
            fn parse_from_json(_: Option<Value>) -> ParseResult<Self> {
                Err(ParseError::custom("is only ever written"))
            }
        }
    };
}

/// An instant as JavaScript's `toISOString()` prints it.
pub(crate) struct DateTime(pub(super) Timestamp);

scalar!(
    DateTime,
    [],
    "date-time",
    MetaSchema::new_with_format("string", "date-time")
);

written_only!(DateTime);

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A UTC calendar day, `2026-01-05`.
pub(crate) struct Date(pub(super) Day);

scalar!(
    Date,
    [],
    "date",
    MetaSchema::new_with_format("string", "date")
);

written_only!(Date);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A count of things: an integer of at least 0.
#[derive(Serialize)]
pub(crate) struct Count(pub(super) i64);

scalar!(
    Count,
    [],
    "count",
    MetaSchema {
        minimum: Some(0.0),
        ..MetaSchema::new_with_format("integer", "int64")
    }
);

written_only!(Count);

/// A query parameter with one whole number from `MIN` to `MAX`, in decimal digits.
///
/// Parsing accepts any text and [`Bounded::get`] checks it, so that the problem is reported with all others.
pub(crate) struct Bounded<const MIN: u32, const MAX: u32>(Option<u32>);

scalar!(Bounded<MIN, MAX>, [const MIN: u32, const MAX: u32], "bounded integer", MetaSchema {
    minimum: Some(f64::from(MIN)),
    maximum: Some(f64::from(MAX)),
    ..MetaSchema::new("integer")
});

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number, or the problem with the parameter, which is called `name`.
    pub(crate) fn get(&self, name: &str) -> Result<u32, String> {
        self.0.ok_or_else(|| Self::problem(name))
    }

    /// The problem with a parameter outside the range.
    pub(crate) fn problem(name: &str) -> String {
        format!("{name} must be one whole number from {MIN} to {MAX}")
    }
}

impl<const MIN: u32, const MAX: u32> ParseFromParameter for Bounded<MIN, MAX> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|number| (MIN..=MAX).contains(number));
        Ok(Self(number.filter(|_| digits)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        only(values).map_or(Ok(Self(None)), |value| {
            Self::parse_from_parameter(value.as_ref())
        })
    }
}

/// A path parameter. poem passes no value for one that does not percent-decode to UTF-8.
///
/// Parsing accepts that and [`PathParam::get`] checks it, so that the problem is reported with all others.
pub(crate) struct PathParam(Option<String>);

scalar!(PathParam, [], "string", MetaSchema::new("string"));

impl PathParam {
    /// The problem with a path that is not UTF-8.
    pub(crate) const PROBLEM: &str = "The path must be percent-encoded UTF-8";

    /// The decoded text, or the problem with the path.
    pub(crate) fn get(&self) -> Result<&str, String> {
        self.0.as_deref().ok_or_else(|| Self::PROBLEM.to_owned())
    }
}

impl ParseFromParameter for PathParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(Some(text.to_owned())))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        Ok(Self(only(values).map(|text| text.as_ref().to_owned())))
    }
}

/// The value of a parameter that must not be there twice.
pub(crate) fn only<A>(values: impl IntoIterator<Item = A>) -> Option<A> {
    let mut values = values.into_iter();
    let first = values.next();
    first.filter(|_| values.next().is_none())
}
