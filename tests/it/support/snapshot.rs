//! A helper for `insta` snapshots, which are in `snapshots/` beside the tests.

use serde_json::{Value, json};

/// `value` with the volatile values at `pointers` (RFC 6901) replaced by `"[masked]"`. Every pointer must lead to a value.
pub(crate) fn masked(mut value: Value, pointers: &[&str]) -> Value {
    for pointer in pointers {
        let found = value.pointer_mut(pointer);
        *found.unwrap_or_else(|| panic!("nothing at {pointer}")) = json!("[masked]");
    }
    value
}
