//! Parses a line of NDJSON into a [`Row`].
//!
//! Called by [`super::records`]. The parser accepts any JSON value for a field and then checks its type, because serde's
//! own errors name types of Rust (`expected u32`).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::row::{Row, RowError};

/// Parses a line.
pub(super) fn parse_row(line: &[u8]) -> Result<Row<'_>, RowError> {
    let object: Object<'_> = serde_json::from_slice(line).map_err(|error| {
        if error.is_data() {
            RowError::NotAnObject
        } else {
            let column = error.column();
            RowError::NotJson { column }
        }
    })?;
    object.row()
}

/// The fields of an object, and the first problem with its names.
#[derive(Default)]
struct Object<'a> {
    key_id: Option<Scalar<'a>>,
    at: Option<Scalar<'a>>,
    outcome: Option<Scalar<'a>>,
    count: Option<Scalar<'a>>,
    problem: Option<RowError>,
}

/// A JSON value. Values that no field accepts are not kept.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Other,
}

impl<'a> Object<'a> {
    fn row(self) -> Result<Row<'a>, RowError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        Ok(Row {
            key_id: text(self.key_id, "keyId", RowError::KeyId)?,
            at: text(self.at, "at", RowError::At)?,
            outcome: text(self.outcome, "outcome", RowError::Outcome)?,
            count: match self.count {
                None => 1,
                Some(Scalar::Number(count)) => count,
                Some(_) => return Err(RowError::Count),
            },
        })
    }

    fn add(&mut self, name: &str, value: Scalar<'a>) {
        let (field, name) = match name {
            "keyId" => (&mut self.key_id, "keyId"),
            "at" => (&mut self.at, "at"),
            "outcome" => (&mut self.outcome, "outcome"),
            "count" => (&mut self.count, "count"),
            unknown => {
                let unknown = || RowError::UnknownField(unknown.to_owned());
                self.problem.get_or_insert_with(unknown);
                return;
            }
        };
        if field.replace(value).is_some() {
            self.problem.get_or_insert(RowError::Duplicate(name));
        }
    }
}

fn text<'a>(
    value: Option<Scalar<'a>>,
    name: &'static str,
    rule: RowError,
) -> Result<Cow<'a, str>, RowError> {
    match value {
        Some(Scalar::Text(text)) => Ok(text),
        Some(_) => Err(rule),
        None => Err(RowError::Missing(name)),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(Scalar::Text(name)) = members.next_key()? {
            object.add(&name, members.next_value()?);
        }
        Ok(object)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.to_owned().into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_row_names_the_field_and_the_rule() {
        let good = r#""keyId":"k","at":"a","outcome":"o""#;
        for (line, error) in [
            ("{", "not valid JSON (column 1)"),
            (&format!("{{{good}}} x"), "not valid JSON (column 38)"),
            ("[]", "must be a JSON object"),
            ("\"x\"", "must be a JSON object"),
            ("{}", "keyId is missing"),
            (r#"{"keyId":"k","at":"a"}"#, "outcome is missing"),
            (
                &format!("{{{good},\"note\":[1,{{}}]}}"),
                "unknown field: note",
            ),
            (&format!("{{{good},\"at\":null}}"), "duplicate field: at"),
            (
                r#"{"keyId":7}"#,
                "keyId must be the id of an API key, a UUID",
            ),
        ] {
            let found = parse_row(line.as_bytes()).unwrap_err().to_string();
            assert_eq!(found, error, "{line}");
        }
        for count in [
            "-1",
            "1.5",
            "1e3",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "99999999999999999999",
        ] {
            let line = format!("{{{good},\"count\":{count}}}");
            assert_eq!(
                parse_row(line.as_bytes()).unwrap_err(),
                RowError::Count,
                "{line}"
            );
        }
    }

    #[test]
    fn parse_row_reads_fields_in_any_order_and_with_escapes() {
        let line = br#"{"count":3,"outcome":"o","a\u0074":"a\n","keyId":"k"}"#;
        let row = parse_row(line).unwrap();
        assert_eq!(
            (&*row.key_id, &*row.at, &*row.outcome, row.count),
            ("k", "a\n", "o", 3)
        );
    }
}
