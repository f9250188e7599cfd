//! The pagination cursor of the list of keys: opaque to clients, 42 bytes in base64url.
//!
//! The bytes are the fingerprint of the query, and the value, the creation time and the id of the last key of a page. Any
//! 42 bytes are a position in the list of some query; a null value is a negative number.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};
use uuid::Uuid;

use crate::{
    api::{extract::exactly_one, scalars::scalar},
    model::{KeyCursor, KeyId, KeyQuery, QueryFingerprint, Timestamp},
};

/// Encodes a cursor.
pub(crate) fn encode(cursor: KeyCursor) -> String {
    let mut bytes = cursor.query.as_bytes().to_vec();
    bytes.extend(cursor.value.unwrap_or(-1).to_be_bytes());
    bytes.extend(cursor.created_at.as_millis().to_be_bytes());
    bytes.extend(cursor.id.0.into_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a cursor. `None` for a text that is not one.
pub(crate) fn decode(text: &str) -> Option<KeyCursor> {
    let bytes: [u8; 42] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (query, bytes) = bytes.split_first_chunk()?;
    let (value, bytes) = bytes.split_first_chunk()?;
    let (created_at, id) = bytes.split_first_chunk()?;
    let value = i64::from_be_bytes(*value);
    Some(KeyCursor {
        query: QueryFingerprint::from_bytes(*query),
        value: (value >= 0).then_some(value),
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
        pattern: Some("^[A-Za-z0-9_-]{56}$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl CursorParam {
    /// The problem with a value that is not a cursor.
    pub(crate) const PROBLEM: &str = "cursor must be the nextCursor of an earlier answer";

    /// The problem with a cursor of another list.
    pub(crate) const OTHER_QUERY: &str =
        "cursor must be used with the filters, sort and order of the answer that it comes from";

    /// Returns the position, or the problem with the parameter. The query is `None` if it has problems itself.
    pub(crate) fn get(&self, query: Option<&KeyQuery>) -> Result<KeyCursor, String> {
        let cursor = self.0.ok_or(Self::PROBLEM)?;
        let belongs = query.is_none_or(|query| cursor.belongs_to(query));
        Ok(belongs.then_some(cursor).ok_or(Self::OTHER_QUERY)?)
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
        fn cursor_survives_encoding(
            query: [u8; QueryFingerprint::LENGTH],
            value in proptest::option::of(0..=i64::MAX),
            millis: i64,
            id: u128,
        ) {
            let cursor = KeyCursor {
                query: QueryFingerprint::from_bytes(query),
                value,
                created_at: Timestamp::from_millis(millis),
                id: KeyId(Uuid::from_u128(id)),
            };
            prop_assert_eq!(decode(&encode(cursor)), Some(cursor));
        }

        #[test]
        fn cursor_is_any_text_of_the_documented_pattern(text in "[A-Za-z0-9_-]{56}") {
            prop_assert!(decode(&text).is_some());
        }

        #[test]
        fn cursor_is_not_any_other_text(text in "\\PC{0,55}|[A-Za-z0-9_-]{57}|[A-Za-z0-9_-]{55}[=+/]") {
            prop_assert_eq!(decode(&text), None);
        }
    }
}
