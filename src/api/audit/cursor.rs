//! The pagination cursor of the audit log: opaque to clients, 40 bytes in base64url.
//!
//! The bytes are the time and the number of the last entry of a page, and the filter of the request. A cursor with
//! another filter is refused: it would continue a list that the client did not begin.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::{
    registry::MetaSchema,
    types::{ParseFromParameter, ParseResult},
};
use uuid::Uuid;

use crate::{
    api::{extract::exactly_one, scalars::scalar},
    model::{AuditCursor, AuditFilter, KeyId, Timestamp},
};

/// The problem with a cursor of a request with another filter.
pub(super) const OTHER_FILTER: &str =
    "cursor must be used with the keyId and since of the answer that it comes from";

/// Stands for the absence of `since`, which is never negative.
const NO_SINCE: i64 = -1;

/// Encodes a cursor of a request with `filter`.
pub(super) fn encode(cursor: AuditCursor, filter: &AuditFilter) -> String {
    let since = filter.since.map_or(NO_SINCE, Timestamp::as_millis);
    let mut bytes = Vec::with_capacity(40);
    bytes.extend(cursor.at.as_millis().to_be_bytes());
    bytes.extend(cursor.id.to_be_bytes());
    bytes.extend(since.to_be_bytes());
    // No key has the nil id, so it stands for the absence of `keyId`.
    let key = filter.key.map_or(Uuid::nil(), |key| key.0);
    bytes.extend(key.into_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<(AuditCursor, AuditFilter)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, rest) = number(&bytes)?;
    let (id, rest) = number(rest)?;
    let (since, key) = number(rest)?;
    let key = Uuid::from_slice(key).ok()?;
    let cursor = AuditCursor {
        at: Timestamp::from_millis(at),
        id,
    };
    let filter = AuditFilter {
        key: (!key.is_nil()).then_some(KeyId(key)),
        since: (since != NO_SINCE).then_some(Timestamp::from_millis(since)),
    };
    Some((cursor, filter))
}

/// Reads a number from the first 8 bytes. Returns it and the other bytes.
fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*number), rest))
}

/// The parameter `cursor`. Parsing accepts any text and [`AuditCursorParam::get`] checks it, so that the problem is
/// reported with all others.
pub(super) struct AuditCursorParam(Option<(AuditCursor, AuditFilter)>);

scalar!(
    AuditCursorParam,
    [],
    "audit cursor",
    MetaSchema {
        pattern: Some("^[A-Za-z0-9_-]{54}$".to_owned()),
        ..MetaSchema::new("string")
    }
);

impl AuditCursorParam {
    /// The problem with a value that is not a cursor.
    pub(super) const PROBLEM: &str = "cursor must be the nextCursor of an earlier answer";

    /// Returns the position, or the problem with the parameter in a request with `filter`. `None` is a filter that is not
    /// valid, which is a problem of its own.
    pub(super) fn get(&self, filter: Option<&AuditFilter>) -> Result<AuditCursor, String> {
        let (cursor, of) = self.0.as_ref().ok_or(Self::PROBLEM)?;
        match filter {
            Some(filter) if of != filter => Err(OTHER_FILTER.to_owned()),
            _ => Ok(*cursor),
        }
    }
}

impl ParseFromParameter for AuditCursorParam {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(decode(text)))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(
        values: I,
    ) -> ParseResult<Self> {
        let value = exactly_one(values);
        Ok(Self(value.and_then(|text| decode(text.as_ref()))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    fn filter() -> impl Strategy<Value = AuditFilter> {
        let key = option::of((1..u128::MAX).prop_map(|id| KeyId(Uuid::from_u128(id))));
        let since = option::of((0..=Timestamp::MAX.as_millis()).prop_map(Timestamp::from_millis));
        (key, since).prop_map(|(key, since)| AuditFilter { key, since })
    }

    proptest! {
        #[test]
        fn cursor_survives_encoding_and_belongs_to_its_filter(
            millis: i64,
            id: i64,
            filter in filter(),
            other in filter(),
        ) {
            let cursor = AuditCursor { at: Timestamp::from_millis(millis), id };
            let text = encode(cursor, &filter);
            prop_assert_eq!(text.len(), 54);
            let param = AuditCursorParam(decode(&text));
            prop_assert_eq!(param.get(Some(&filter)), Ok(cursor));
            if other != filter {
                prop_assert_eq!(param.get(Some(&other)), Err(OTHER_FILTER.to_owned()));
            }
            prop_assert_eq!(param.get(None), Ok(cursor));
        }

        #[test]
        fn cursor_is_not_any_other_text(text in "\\PC{0,53}|[A-Za-z0-9_-]{55,60}|[A-Za-z0-9_-]{53}[=+/]") {
            prop_assert_eq!(decode(&text), None);
        }
    }
}
