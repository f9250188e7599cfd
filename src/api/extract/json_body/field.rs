//! Fields of a request body: documented by their type, parsed without failing, checked by the handler.
//!
//! A derived parser stops at the first problem, and a 400 must name every problem. Therefore a body is a struct of
//! [`Field`]s, each of which accepts any JSON. The struct's `check` calls `check` of each field, which parses the value as
//! `T` and records the problem if there is one. The document has the schema of `T`. The marker `P` decides whether the
//! field may be absent or null, and documents that, too.

use std::{borrow::Cow, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{
    api::{problems::Problems, scalars::scalar},
    model::Edit,
};

/// A value that a field of a request body can have. Its schema comes from [`Type`].
pub(crate) trait FieldValue: Type + Sized {
    /// The rule for the value, to follow the name of the field in an error message.
    fn rule() -> Cow<'static, str>;

    /// Parses JSON. `None` if the value breaks the rule.
    fn parse(json: &Value) -> Option<Self>;
}

/// A field of a request body, which must be present. The structs of bodies need `#[serde(default)]` for their fields.
pub(crate) struct Field<T, P = Required> {
    /// `None` if the field is absent.
    json: Option<Value>,
    parsed_as: PhantomData<(T, P)>,
}

/// A field that may be absent. Null means absent.
pub(crate) type OptionalField<T> = Field<T, Optional>;

/// A field of a patch: absent means unchanged.
pub(crate) type PatchField<T> = Field<T, Patch>;

/// A field of a patch for a setting that can be removed: absent means unchanged, null removes the setting.
pub(crate) type RemovableField<T> = Field<T, Removable>;

/// Whether a field may be absent or null.
pub(crate) trait Presence: Send + Sync {
    const IS_REQUIRED: bool;
    const IS_NULLABLE: bool;
}

/// The marker of a required [`Field`].
pub(crate) enum Required {}

/// The marker of an [`OptionalField`].
pub(crate) enum Optional {}

/// The marker of a [`PatchField`].
pub(crate) enum Patch {}

/// The marker of a [`RemovableField`].
pub(crate) enum Removable {}

impl Presence for Required {
    const IS_REQUIRED: bool = true;
    const IS_NULLABLE: bool = false;
}

impl Presence for Optional {
    const IS_REQUIRED: bool = false;
    const IS_NULLABLE: bool = true;
}

impl Presence for Patch {
    const IS_REQUIRED: bool = false;
    const IS_NULLABLE: bool = false;
}

impl Presence for Removable {
    const IS_REQUIRED: bool = false;
    const IS_NULLABLE: bool = true;
}

/// The fields of an object that its struct does not have.
pub(crate) type UnknownFields = Map<String, Value>;

impl<T: FieldValue> Field<T> {
    /// Parses the field, which is called `name`, or records its problem.
    pub(crate) fn check(self, name: &str, problems: &mut Problems) -> Option<T> {
        let Some(json) = self.json else {
            problems.add(format!("{name} is missing"));
            return None;
        };
        parse_if(&json, name, problems, |_| true)
    }
}

impl<T: FieldValue> OptionalField<T> {
    /// Parses the field, which is called `name`, or records its problem. `None` if it is absent.
    pub(crate) fn check(self, name: &str, problems: &mut Problems) -> Option<T> {
        self.check_if(name, problems, |_| true)
    }

    /// Parses the field like [`Self::check`]. The value must also satisfy `condition`, which is a part of the rule.
    pub(crate) fn check_if(
        self,
        name: &str,
        problems: &mut Problems,
        condition: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let json = self.json.filter(|json| !json.is_null())?;
        parse_if(&json, name, problems, condition)
    }
}

impl<T: FieldValue> PatchField<T> {
    /// Parses the field, which is called `name`, or records its problem. `None` if it is absent.
    pub(crate) fn check(self, name: &str, problems: &mut Problems) -> Option<T> {
        parse_if(&self.json?, name, problems, |_| true)
    }
}

impl<T: FieldValue> RemovableField<T> {
    /// Parses the field, which is called `name`, or records its problem.
    pub(crate) fn check(self, name: &str, problems: &mut Problems) -> Edit<T> {
        self.check_if(name, problems, |_| true)
    }

    /// Parses the field like [`Self::check`]. The value must also satisfy `condition`, which is a part of the rule.
    pub(crate) fn check_if(
        self,
        name: &str,
        problems: &mut Problems,
        condition: impl FnOnce(&T) -> bool,
    ) -> Edit<T> {
        match self.json {
            None => Edit::Keep,
            Some(Value::Null) => Edit::Remove,
            Some(json) => parse_if(&json, name, problems, condition).map_or(Edit::Keep, Edit::Set),
        }
    }
}

/// Parses a value, or records that it breaks the rule. `condition` is a part of the rule.
fn parse_if<T: FieldValue>(
    json: &Value,
    name: &str,
    problems: &mut Problems,
    condition: impl FnOnce(&T) -> bool,
) -> Option<T> {
    let value = T::parse(json).filter(condition);
    if value.is_none() {
        problems.add(format!("{name} {}", T::rule()));
    }
    value
}

impl<T, P> From<Option<Value>> for Field<T, P> {
    fn from(json: Option<Value>) -> Self {
        Self {
            json,
            parsed_as: PhantomData,
        }
    }
}

/// A field with this value, for the example of a body.
impl<T, P> From<Value> for Field<T, P> {
    fn from(json: Value) -> Self {
        Some(json).into()
    }
}

/// An absent field.
impl<T, P> Default for Field<T, P> {
    fn default() -> Self {
        None.into()
    }
}

/// Also keeps null, which is not the same as absent.
impl<'de, T, P> Deserialize<'de> for Field<T, P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Type, P: Presence> Type for Field<T, P> {
    const IS_REQUIRED: bool = P::IS_REQUIRED;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        if P::IS_NULLABLE {
            nullable(T::schema_ref())
        } else {
            T::schema_ref()
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

fn nullable(schema: MetaSchemaRef) -> MetaSchemaRef {
    let nullable = match schema {
        MetaSchemaRef::Inline(schema) => MetaSchema {
            nullable: true,
            ..*schema
        },
        reference @ MetaSchemaRef::Reference(_) => MetaSchema {
            all_of: vec![reference],
            nullable: true,
            ..MetaSchema::ANY
        },
    };
    MetaSchemaRef::Inline(Box::new(nullable))
}

impl<T: Type, P: Presence> ParseFromJSON for Field<T, P> {
    fn parse_from_json(json: Option<Value>) -> ParseResult<Self> {
        Ok(json.into())
    }
}

impl<T: Type, P: Presence> ToJSON for Field<T, P> {
    fn to_json(&self) -> Option<Value> {
        self.json.clone()
    }
}

/// A whole number from `MIN` to `MAX`. `60.0` is whole, as in JSON Schema.
pub(crate) struct WholeNumber<const MIN: i64, const MAX: i64>(pub(crate) i64);

scalar!(WholeNumber<MIN, MAX>, [const MIN: i64, const MAX: i64], "whole number", {
    #[expect(clippy::cast_precision_loss, reason = "bounds are far from 2^53")]
    let (minimum, maximum) = (MIN as f64, MAX as f64);
    poem_openapi::registry::MetaSchema {
        minimum: Some(minimum),
        maximum: Some(maximum),
        ..poem_openapi::registry::MetaSchema::new_with_format("integer", "int64")
    }
});

impl<const MIN: i64, const MAX: i64> FieldValue for WholeNumber<MIN, MAX> {
    fn rule() -> Cow<'static, str> {
        format!("must be a whole number from {MIN} to {MAX}").into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let number = json.as_i64().or_else(|| {
            let number = json.as_f64()?;
            let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it has no fraction and is small"
            )]
            is_whole.then_some(number as i64)
        });
        number
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
    }
}

impl FieldValue for bool {
    fn rule() -> Cow<'static, str> {
        "must be true or false".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        json.as_bool()
    }
}
