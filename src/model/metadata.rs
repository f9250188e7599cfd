//! The caller's own data of a key: an id of the key's holder, and a JSON object.
//!
//! llavero stores both and returns them, and does not interpret them. `schema.sql` repeats the rules as constraints.

use std::fmt;

use serde_json::{Map, Value};

/// The caller's own id of a key's holder, such as a customer number: 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct ExternalId(String);

impl ExternalId {
    /// The rule for an external id. Error messages put it after the name of the field.
    pub const RULE: &str = "must be a string of 1 to 255 characters other than NUL";

    const MAX_LENGTH: usize = 255;

    /// Validates an external id.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let valid = (1..=Self::MAX_LENGTH).contains(&text.chars().count()) && !text.contains('\0');
        valid.then_some(Self(text))
    }

    /// Returns the text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExternalId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::new(text).ok_or(Self::RULE)
    }
}

impl From<ExternalId> for String {
    fn from(id: ExternalId) -> Self {
        id.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The caller's own data of a key: a JSON object of at most 4,096 bytes. Members keep their order.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Metadata(Map<String, Value>);

// A JSON number is never NaN, so that equality of values is an equivalence.
impl Eq for Metadata {}

impl Metadata {
    /// The rule for metadata. Error messages put it after the name of the field.
    pub const RULE: &str = "must be an object of at most 4096 bytes of JSON and 100 levels";

    /// The maximum length in bytes, as compact JSON in UTF-8.
    pub const MAX_BYTES: usize = 4096;

    /// The maximum depth; the object itself is the first level. JSON parsers have limits, often 128, and a response or the
    /// audit log has some levels around the object.
    const MAX_DEPTH: usize = 100;

    /// Validates metadata.
    #[must_use]
    pub fn new(object: Map<String, Value>) -> Option<Self> {
        let depth = 1 + object.values().map(depth).max().unwrap_or(0);
        let metadata = Self(object);
        let valid = depth <= Self::MAX_DEPTH && metadata.to_json().len() <= Self::MAX_BYTES;
        valid.then_some(metadata)
    }

    /// Returns the object as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Returns the object.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Returns the number of nested objects and arrays, `value` included.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

impl TryFrom<Map<String, Value>> for Metadata {
    type Error = &'static str;

    fn try_from(object: Map<String, Value>) -> Result<Self, &'static str> {
        Self::new(object).ok_or(Self::RULE)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(text: &str) -> Option<Metadata> {
        let mut object = Map::new();
        object.insert("a".to_owned(), json!(text));
        Metadata::new(object)
    }

    #[test]
    fn metadata_has_at_most_4096_bytes_of_compact_json() {
        let around = r#"{"a":""}"#.len();
        assert!(metadata(&"x".repeat(4096 - around)).is_some());
        assert!(metadata(&"x".repeat(4097 - around)).is_none());
        assert!(metadata(&"é".repeat((4097 - around) / 2 + 1)).is_none());
    }

    #[test]
    fn metadata_has_at_most_100_levels() {
        let nested = |levels| {
            let mut value = Value::Null;
            for _ in 1..levels {
                value = json!([value]);
            }
            let object = [("a".to_owned(), value)].into_iter().collect();
            Metadata::new(object)
        };
        assert!(nested(100).is_some());
        assert!(nested(101).is_none());
    }

    #[test]
    fn external_id_has_1_to_255_characters() {
        assert!(ExternalId::new("").is_none());
        assert!(ExternalId::new("é".repeat(255)).is_some());
        assert!(ExternalId::new("x".repeat(256)).is_none());
        assert!(ExternalId::new("a\0b").is_none());
    }
}
