//! The settings of a key as fields of a request body: their schemas and their parsers.
//!
//! Used by the bodies of `create` and `update`. The types are those of the model, so that the model's constructors check
//! the values. Rate limits and quotas, which are objects, are in [`super::limits`].

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::Value;

use crate::{
    api::{
        extract::{FieldValue, strict_json},
        scalars::scalar,
    },
    model::{Description, ExternalId, Metadata, Name, Scopes, Timestamp},
};

scalar!(
    Name,
    [],
    "string",
    MetaSchema {
        min_length: Some(1),
        max_length: Some(100),
        // At least one character outside Unicode's White_Space; `\s` differs between regular-expression engines.
        pattern: Some(
            r"^[^\x00]*[^\x00\x09-\x0d\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00]*$".to_owned()
        ),
        ..MetaSchema::new("string")
    }
);

impl FieldValue for Name {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_str()?)
    }
}

scalar!(
    Description,
    [],
    "string",
    MetaSchema {
        max_length: Some(500),
        pattern: Some(r"^[^\x00]*$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl FieldValue for Description {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_str()?)
    }
}

scalar!(
    ExternalId,
    [],
    "string",
    MetaSchema {
        min_length: Some(1),
        max_length: Some(255),
        pattern: Some(r"^[^\x00]*$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl FieldValue for ExternalId {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_str()?)
    }
}

scalar!(
    Metadata,
    [],
    "object",
    MetaSchema {
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    }
);

impl FieldValue for Metadata {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Self::new(json.as_object()?.clone())
    }
}

/// Parses metadata from the text of a JSON object.
///
/// # Errors
/// If the text is not valid JSON, has duplicate members, or breaks [`Metadata::RULE`].
pub fn parse_metadata(text: &str) -> Result<Metadata, String> {
    let parsed = strict_json::parse(text.as_bytes());
    let (json, duplicates) = parsed.map_err(|error| format!("not valid JSON: {error}"))?;
    if let Some(path) = duplicates.first() {
        return Err(format!("duplicate member: {path}"));
    }
    Metadata::parse(&json).ok_or_else(|| Metadata::RULE.to_owned())
}

scalar!(
    Scopes,
    [],
    "array",
    MetaSchema {
        max_items: Some(50),
        items: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_length: Some(64),
            pattern: Some("^[A-Za-z0-9:._*-]{1,64}$".to_owned()),
            ..MetaSchema::new("string")
        })))),
        ..MetaSchema::new("array")
    }
);

impl FieldValue for Scopes {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let scopes = json.as_array()?.iter().map(Value::as_str);
        Self::new(&scopes.collect::<Option<Vec<&str>>>()?)
    }
}

/// The instant when a key stops working.
pub(super) struct Expiry(pub(super) Timestamp);

scalar!(
    Expiry,
    [],
    "date-time",
    MetaSchema::new_with_format("string", "date-time")
);

impl FieldValue for Expiry {
    fn rule() -> Cow<'static, str> {
        "must be a date-time in the future, like 2030-01-31T12:00:00Z".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        Timestamp::parse(json.as_str()?).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Type;
    use serde_json::json;

    use super::*;

    fn schema<T: Type>() -> MetaSchema {
        match T::schema_ref() {
            MetaSchemaRef::Inline(schema) => *schema,
            MetaSchemaRef::Reference(name) => panic!("a reference to {name}"),
        }
    }

    #[test]
    fn fields_accept_the_maximum_of_their_schema_and_no_more() {
        let name = schema::<Name>().max_length.unwrap();
        let description = schema::<Description>().max_length.unwrap();
        let text = |length| json!("x".repeat(length));
        assert!(Name::parse(&text(name)).is_some());
        assert!(Name::parse(&text(name + 1)).is_none());
        assert!(Description::parse(&text(description)).is_some());
        assert!(Description::parse(&text(description + 1)).is_none());

        let external_id = schema::<ExternalId>().max_length.unwrap();
        assert!(ExternalId::parse(&text(external_id)).is_some());
        assert!(ExternalId::parse(&text(external_id + 1)).is_none());

        let scopes = schema::<Scopes>();
        let MetaSchemaRef::Inline(scope) = *scopes.items.unwrap() else {
            panic!("a reference");
        };
        let (items, length) = (scopes.max_items.unwrap(), scope.max_length.unwrap());
        let scopes = |items, length| json!(vec!["x".repeat(length); items]);
        assert!(Scopes::parse(&scopes(items, length)).is_some());
        assert!(Scopes::parse(&scopes(items + 1, length)).is_none());
        assert!(Scopes::parse(&scopes(items, length + 1)).is_none());
    }

    #[test]
    fn parse_metadata_refuses_duplicate_members_at_any_depth() {
        for (text, expected) in [
            (r#"{"a":1,"a":1}"#, "duplicate member: a"),
            (r#"{"a":[{"b":1,"b":2}]}"#, "duplicate member: a.b"),
            ("[]", Metadata::RULE),
            ("null", Metadata::RULE),
        ] {
            assert_eq!(parse_metadata(text), Err(expected.to_owned()), "{text}");
        }
        let invalid = parse_metadata("{").unwrap_err();
        assert!(invalid.starts_with("not valid JSON: "), "{invalid}");
        let metadata = parse_metadata(r#" { "a": [1.0, null] } "#).unwrap();
        assert_eq!(metadata.to_json(), r#"{"a":[1.0,null]}"#);
    }
}
