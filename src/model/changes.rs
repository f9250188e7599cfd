//! What a change of settings changed: by field, the value before and after.
//!
//! Recorded in the audit log and sent as it is stored. Secrets are not settings, so they never appear here.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

/// The changed fields, in the order in which they were recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<Change>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    field: String,
    from: Value,
    to: Value,
}

impl Changes {
    /// Records a field if its value changed. A value that is absent is null.
    pub fn record(&mut self, field: &str, from: Value, to: Value) {
        if from != to {
            self.0.push(Change {
                field: field.to_owned(),
                from,
                to,
            });
        }
    }

    /// Returns whether no field changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each changed field with its value before and after.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Value)> {
        let changes = self.0.iter();
        changes.map(|change| (change.field.as_str(), &change.from, &change.to))
    }

    /// Returns the changes as a JSON object: by field, `from` and `to`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let field = |(field, from, to): (&str, &Value, &Value)| {
            (field.to_owned(), json!({ "from": from, "to": to }))
        };
        Value::Object(self.iter().map(field).collect())
    }

    /// Reads changes from the object that [`Self::to_json`] returns. `None` for any other object.
    #[must_use]
    pub fn from_json(object: Map<String, Value>) -> Option<Self> {
        let change = |(field, mut change): (String, Value)| {
            Some(Change {
                field,
                from: change.get_mut("from")?.take(),
                to: change.get_mut("to")?.take(),
            })
        };
        let changes: Option<Vec<Change>> = object.into_iter().map(change).collect();
        changes.map(Self)
    }
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, from, to) in self.iter() {
            map.serialize_entry(field, &json!({ "from": from, "to": to }))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_only_fields_whose_value_changed() {
        let mut changes = Changes::default();
        changes.record("name", json!("a"), json!("a"));
        assert!(changes.is_empty());
        changes.record("name", json!("a"), json!("b"));
        changes.record("expiresAt", Value::Null, json!("2030-01-31T00:00:00.000Z"));
        let json = json!({
            "name": { "from": "a", "to": "b" },
            "expiresAt": { "from": null, "to": "2030-01-31T00:00:00.000Z" },
        });
        assert_eq!(changes.to_json(), json);
        assert_eq!(serde_json::to_value(&changes).unwrap(), json);
        let Value::Object(object) = json else {
            unreachable!("an object");
        };
        assert_eq!(Changes::from_json(object), Some(changes));
    }
}
