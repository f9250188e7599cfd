//! Scalar types that poem-openapi lacks: date-times, dates, counts, and numbers within bounds.
//!
//! Each type has its schema and its serialization, so that annotated structs need no attributes for either. [`scalar!`]
//! implements the schema, here and for the parameters in [`super::extract`].

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ParseFromParameter, ParseResult},
};
use serde::{Serialize, Serializer};

use super::extract::exactly_one;
use crate::model::{Day, Metadata, Timestamp};

/// Implements poem-openapi's `Type` for a required scalar, with a schema.
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

/// Implements JSON for a scalar of responses. poem-openapi requires a parser, which nothing calls: request bodies consist
/// of [`Field`](super::extract::Field)s.
macro_rules! response_only {
    ($type:ty) => {
        impl poem_openapi::types::ToJSON for $type {
            fn to_json(&self) -> Option<serde_json::Value> {
                serde_json::to_value(self).ok()
            }
        }

        impl poem_openapi::types::ParseFromJSON for $type {
            fn parse_from_json(
                _: Option<serde_json::Value>,
            ) -> poem_openapi::types::ParseResult<Self> {
                Err(poem_openapi::types::ParseError::custom(
                    "is not for requests",
                ))
            }
        }
    };
}

pub(crate) use response_only;

/// An instant as JavaScript's `toISOString()` prints it.
pub(crate) struct DateTime(pub(super) Timestamp);

scalar!(
    DateTime,
    [],
    "date-time",
    MetaSchema::new_with_format("string", "date-time")
);

response_only!(DateTime);

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A UTC calendar day, like `2026-01-05`.
pub(crate) struct Date(pub(super) Day);

scalar!(
    Date,
    [],
    "date",
    MetaSchema::new_with_format("string", "date")
);

response_only!(Date);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The caller's own data of a key: a JSON object.
#[derive(Default, Serialize)]
pub(crate) struct MetadataOut(pub(super) Metadata);

scalar!(
    MetadataOut,
    [],
    "metadata",
    MetaSchema {
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    }
);

response_only!(MetadataOut);

impl Example for MetadataOut {
    fn example() -> Self {
        let member = ("environment".to_owned(), "production".into());
        Self(Metadata::new([member].into_iter().collect()).unwrap_or_default())
    }
}

/// A count: an integer of at least 0.
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

response_only!(Count);

/// A query parameter: a whole number from `MIN` to `MAX`, in decimal digits, sent once.
///
/// Parsing accepts any text and [`IntParam::get`] checks it, so that the problem is reported with all others.
pub(crate) struct IntParam<const MIN: u32, const MAX: u32>(Option<u32>);

scalar!(IntParam<MIN, MAX>, [const MIN: u32, const MAX: u32], "bounded integer", MetaSchema {
    minimum: Some(f64::from(MIN)),
    maximum: Some(f64::from(MAX)),
    ..MetaSchema::new("integer")
});

impl<const MIN: u32, const MAX: u32> IntParam<MIN, MAX> {
    /// Returns the number, or the problem with the parameter, which is called `name`.
    pub(crate) fn get(&self, name: &str) -> Result<u32, String> {
        self.0.ok_or_else(|| Self::problem(name))
    }

    /// The problem with any other value.
    pub(crate) fn problem(name: &str) -> String {
        format!("{name} must be one whole number from {MIN} to {MAX}")
    }
}

impl<const MIN: u32, const MAX: u32> ParseFromParameter for IntParam<MIN, MAX> {
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
        exactly_one(values).map_or(Ok(Self(None)), |value| {
            Self::parse_from_parameter(value.as_ref())
        })
    }
}
