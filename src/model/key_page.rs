//! Pages of a list of keys, and the cursors between them.
//!
//! A cursor is a position in the order of the list, not a number of keys, so that it stays valid when keys are created or
//! used. It carries a fingerprint of the query that it belongs to: in another list, the position would have no meaning.

use super::{ApiKey, Choice, FilterText, KeyId, KeyQuery, Timestamp, UserId, sha256};

/// A hash of a query: equal for equal queries, also in other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryFingerprint([u8; Self::LENGTH]);

impl QueryFingerprint {
    /// Its length in bytes.
    pub const LENGTH: usize = 10;

    /// Creates a fingerprint of bytes from [`QueryFingerprint::as_bytes`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Computes the fingerprint of a query. A text cannot imitate the end of its field, because JSON quotes it.
    #[must_use]
    pub fn of(query: &KeyQuery) -> Self {
        let KeyQuery { filter, order } = query;
        let fields = serde_json::json!([
            filter.status.map(Choice::name),
            filter.usage.map(Choice::name),
            filter.expires_within_days,
            filter.created_by.as_ref().map(UserId::as_str),
            filter.external_id.as_ref().map(FilterText::as_str),
            filter.search.as_ref().map(FilterText::as_str),
            order.sort.name(),
            order.direction.name(),
        ]);
        let hash = sha256(fields.to_string().as_bytes());
        let mut bytes = [0; Self::LENGTH];
        bytes.copy_from_slice(&hash[..Self::LENGTH]);
        Self(bytes)
    }
}

/// The last key of a page. The next page starts after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCursor {
    /// Identifies the query.
    pub query: QueryFingerprint,
    /// The key's value in the order of the query; not negative.
    pub value: Option<i64>,
    /// The instant of the key's creation, which orders keys of the same value.
    pub created_at: Timestamp,
    /// The key's id, which orders keys of the same value and instant.
    pub id: KeyId,
}

impl KeyCursor {
    /// Creates the cursor after `key` in the list of `query`.
    #[must_use]
    pub fn after(key: &ApiKey, query: &KeyQuery) -> Self {
        Self {
            query: QueryFingerprint::of(query),
            value: query.order.sort.value(key),
            created_at: key.created_at,
            id: key.id,
        }
    }

    /// Returns whether it is a position in the list of `query`.
    #[must_use]
    pub fn belongs_to(&self, query: &KeyQuery) -> bool {
        self.query == QueryFingerprint::of(query)
    }
}

/// A request for a page of a list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPageRequest {
    /// Which keys, in which order.
    pub query: KeyQuery,
    /// The cursor of the previous page, which must belong to the query; `None` for the first page.
    pub after: Option<KeyCursor>,
    /// The maximum number of keys.
    pub limit: u32,
    /// How many UTC days of usage to read with each key; `None` for none.
    pub days: Option<u32>,
}

/// A page of a list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys, in the order of the query.
    pub keys: Vec<ApiKey>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<KeyCursor>,
}
