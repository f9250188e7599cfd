//! Where a list of keys goes on, as callers pass it back: opaque to them, 24 bytes in base64url to us.
//!
//! The bytes are when the last key was made and which it was, so a cursor stays good whatever is created
//! meanwhile, and any 24 bytes are a place in the order.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};
use uuid::Uuid;

use crate::{
    api::scalars::{only, scalar},
    model::{KeyCursor, KeyId, Timestamp},
};

/// The text of a cursor.
pub(crate) fn encode(cursor: KeyCursor) -> String {
    let mut bytes = cursor.created_at.as_millis().to_be_bytes().to_vec();
    bytes.extend(cursor.id.0.into_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<KeyCursor> {
    let bytes: [u8; 24] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (created_at, id) = bytes.split_first_chunk()?;
    Some(KeyCursor {
        created_at: Timestamp::from_millis(i64::from_be_bytes(*created_at)),
        id: KeyId(Uuid::from_slice(id).ok()?),
    })
}

/// The parameter `cursor`. Parsing accepts any text and [`CursorParam::get`] checks it, so that the problem is reported
/// with all others.
pub(crate) struct CursorParam(Option<KeyCursor>);

scalar!(
    CursorParam,
    [],
    "cursor",
    MetaSchema {
        pattern: Some("^[A-Za-z0-9_-]{32}$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl CursorParam {
    /// The problem with any other text.
    pub(crate) const PROBLEM: &str = "cursor must be the nextCursor of an earlier answer";

    /// The position, or the problem with the parameter.
    pub(crate) fn get(&self) -> Result<KeyCursor, String> {
        self.0.ok_or_else(|| Self::PROBLEM.to_owned())
    }
}

impl ParseFromParameter for CursorParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(decode(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        Ok(Self(only(values).and_then(|text| decode(text.as_ref()))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back_as_it_was_written(millis: i64, id: u128) {
            let cursor = KeyCursor {
                created_at: Timestamp::from_millis(millis),
                id: KeyId(Uuid::from_u128(id)),
            };
            prop_assert_eq!(decode(&encode(cursor)), Some(cursor));
        }

        #[test]
        fn every_text_of_the_documented_pattern_is_a_cursor(text in "[A-Za-z0-9_-]{32}") {
            prop_assert!(decode(&text).is_some());
        }

        #[test]
        fn no_other_text_is(text in "\\PC{0,31}|[A-Za-z0-9_-]{33}|[A-Za-z0-9_-]{31}[=+/]") {
            prop_assert_eq!(decode(&text), None);
        }
    }
}
