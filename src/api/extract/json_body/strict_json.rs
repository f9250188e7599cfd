//! A JSON parser that reports duplicate fields.
//!
//! Duplicate fields are ambiguous (RFC 8259, section 4): a proxy could read another value than llavero. `serde_json`
//! keeps the last value and reports nothing.

use std::{collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::api::problems::quoted_name;

/// Parses JSON. Also returns the path of each duplicate field, for instance `rateLimit.limit`.
pub(crate) fn parse(json: &[u8]) -> serde_json::Result<(Value, Vec<String>)> {
    let mut duplicates = Vec::new();
    let reader = Reader {
        path: String::new(),
        duplicates: &mut duplicates,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = reader.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, duplicates))
}

/// Reads one value and everything in it.
struct Reader<'a> {
    /// The path of the fields of this value: empty, or ending with a dot.
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            let reader = Reader {
                path: self.path.clone(),
                duplicates: &mut *self.duplicates,
            };
            match items.next_element_seed(reader)? {
                Some(item) => array.push(item),
                None => return Ok(array.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut reported = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let path = quoted_name(&format!("{}{name}", self.path));
            let value = fields.next_value_seed(Reader {
                path: format!("{path}."),
                duplicates: &mut *self.duplicates,
            })?;
            if object.insert(name.clone(), value).is_some() && reported.insert(name) {
                self.duplicates.push(path);
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_the_one_that_serde_json_reads() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x",{}],"b":{"a":1}}"#;
        let (value, duplicates) = parse(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(duplicates, [""; 0]);
    }

    #[test]
    fn duplicate_fields_are_reported_once_each_at_any_depth() {
        for (text, expected) in [
            (r#"{"a":1,"a":1}"#, &["a"][..]),
            (r#"{"a":1,"\u0061":2,"a":3}"#, &["a"]),
            (r#"[{"b":{"a":1,"c":2,"a":3}}]"#, &["b.a"]),
            (r#"{"b":[{"c":1,"c":2}],"a":1,"b":2}"#, &["b.c", "b"]),
        ] {
            let (_, duplicates) = parse(text.as_bytes()).unwrap();
            assert_eq!(duplicates, expected, "{text}");
        }
    }

    #[test]
    fn text_after_the_value_is_an_error() {
        assert!(parse(b"{}{}").is_err());
    }
}
