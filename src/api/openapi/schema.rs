//! Converts schemas from OpenAPI 3.0 to 3.1, which is JSON Schema 2020-12.
//!
//! `nullable` becomes a type. An `example` is in the response only. A reference may have a description. Bounds are
//! integers. A nullable field of a response is required, because responses always have it.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value, json};

/// Rewrites a schema and all schemas in it.
pub(super) fn upgrade(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    fields.remove("example");
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    for (_, property) in fields
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        upgrade(property);
    }
    if let Some(items) = fields.get_mut("items") {
        upgrade(items);
    }
    for bound in ["minimum", "maximum"] {
        if let Some(Value::Number(number)) = fields.get_mut(bound) {
            whole(number);
        }
    }
    let nullable = fields
        .remove("nullable")
        .is_some_and(|nullable| nullable == true);
    flatten_reference(fields);
    if nullable {
        allow_null(fields);
    }
}

/// Completes the schemas of responses and of request bodies, before [`upgrade`]. Unknown fields of a request body are not
/// allowed. Nullable fields of a response are required. No schema is used by both.
pub(super) fn complete(paths: &Map<String, Value>, schemas: &mut Map<String, Value>) {
    let requests = of_requests(paths, schemas);
    for (name, schema) in schemas {
        let Value::Object(fields) = schema else {
            continue;
        };
        if requests.contains(name) {
            fields.insert("additionalProperties".to_owned(), json!(false));
        } else {
            require_nullable(fields);
        }
    }
}

/// Returns the names of the schemas of request bodies, and of all schemas in them.
fn of_requests(paths: &Map<String, Value>, schemas: &Map<String, Value>) -> BTreeSet<String> {
    let operations = paths.values().filter_map(Value::as_object);
    let bodies = operations.flat_map(Map::values);
    let mut open: Vec<String> = bodies
        .flat_map(|operation| references(&operation["requestBody"]))
        .collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = schemas.get(&name)
            && found.insert(name)
        {
            open.extend(references(&schema["properties"]));
        }
    }
    found
}

/// Returns the names of the schemas that a part of the document refers to.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|path| path.rsplit('/').next());
            let inner = fields.values().flat_map(references);
            inner.chain(name.map(str::to_owned)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Adds nullable properties to the required ones: responses always have them.
fn require_nullable(fields: &mut Map<String, Value>) {
    let Some(properties) = fields.get("properties").and_then(Value::as_object) else {
        return;
    };
    let listed = fields.get("required").and_then(Value::as_array);
    let is_required = |name: &String, property: &Value| {
        property["nullable"] == true
            || listed.is_some_and(|listed| listed.iter().any(|n| n == name))
    };
    let required: Vec<Value> = properties
        .iter()
        .filter(|(name, property)| is_required(name, property))
        .map(|(name, _)| json!(name))
        .collect();
    fields.insert("required".to_owned(), required.into());
}

/// Replaces an `allOf` of a reference and a description by the reference. poem-openapi repeats the description outside.
fn flatten_reference(fields: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = fields.remove("allOf") else {
        return;
    };
    if let Some(reference) = parts.iter().find_map(|part| part.get("$ref")) {
        fields.insert("$ref".to_owned(), reference.clone());
    }
}

fn allow_null(fields: &mut Map<String, Value>) {
    let nothing = json!({ "type": "null" });
    if let Some(reference) = fields.remove("$ref") {
        fields.insert("oneOf".to_owned(), json!([{ "$ref": reference }, nothing]));
    } else if let Some(kind) = fields.get_mut("type") {
        *kind = json!([kind, "null"]);
    }
}

/// Converts `90.0` to `90`.
fn whole(number: &mut Number) {
    if let Some(float) = number.as_f64()
        && float.fract() == 0.0
    {
        #[expect(clippy::cast_possible_truncation, reason = "bounds are far from 2^63")]
        let integer = float as i64;
        *number = Number::from(integer);
    }
}
