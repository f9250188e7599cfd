//! The pagination cursor of the list of keys: opaque to clients, 24 bytes in base64url.
//!
//! The bytes are the creation time and the id of the last key of a page, so that a cursor stays valid when keys are
//! created. Any 24 bytes are a position in the order of the keys.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};
use uuid::Uuid;

use crate::{
    api::{extract::exactly_one, scalars::scalar},
    model::{KeyCursor, KeyId, Timestamp},
};

/// Encodes a cursor.
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
    /// The problem with a value that is not a cursor.
    pub(crate) const PROBLEM: &str = "cursor must be the nextCursor of an earlier answer";

    /// Returns the position, or the problem with the parameter.
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
        Ok(Self(
            exactly_one(values).and_then(|text| decode(text.as_ref())),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursor_survives_encoding(millis: i64, id: u128) {
            let cursor = KeyCursor {
                created_at: Timestamp::from_millis(millis),
                id: KeyId(Uuid::from_u128(id)),
            };
            prop_assert_eq!(decode(&encode(cursor)), Some(cursor));
        }

        #[test]
        fn cursor_is_any_text_of_the_documented_pattern(text in "[A-Za-z0-9_-]{32}") {
            prop_assert!(decode(&text).is_some());
        }

        #[test]
        fn cursor_is_not_any_other_text(text in "\\PC{0,31}|[A-Za-z0-9_-]{33}|[A-Za-z0-9_-]{31}[=+/]") {
            prop_assert_eq!(decode(&text), None);
        }
    }
}
