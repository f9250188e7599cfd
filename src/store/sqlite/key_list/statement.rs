//! The statement of a page of keys, for each combination of filters and order.
//!
//! Called by [`super::page`]. The text consists of constants and never contains a value: values are parameters. Each
//! statement names its index (see [`super::index`]), so that neither the data nor the planner's statistics change the
//! plan. A unary `+` keeps a condition from being used for the index: the bounds of the index are separate conditions.

use rusqlite::types::Value;

use super::index::{Column, Index};
use crate::{
    model::{
        Direction, KeyCursor, KeyFilter, KeyQuery, KeySort, KeyStatus, KeyUsage, OrganizationId,
        Timestamp,
    },
    store::sqlite::keys,
};

/// A part of a list: null values are last in both directions, but first in an index; keys without rate-limit hits are not
/// in the index of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The keys that have a value to sort by.
    Values,
    /// The keys whose value is null, in the order of creation.
    Nulls,
    /// The keys without rate-limit hits, in the order of creation.
    WithoutHits,
}

/// A statement and its parameters.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) parameters: Vec<(&'static str, Value)>,
}

const ACTIVE: &str = "
       AND k.revoked_at IS NULL
       AND k.disabled_at IS NULL
       AND ifnull(k.expires_at > :now, TRUE)";

const DISABLED: &str = "
       AND k.revoked_at IS NULL
       AND k.disabled_at IS NOT NULL
       AND ifnull(k.expires_at > :now, TRUE)";

const REVOKED: &str = "
       AND k.revoked_at IS NOT NULL";

const EXPIRED: &str = "
       AND k.revoked_at IS NULL
       AND k.expires_at IS NOT NULL
       AND +k.expires_at <= :now";

const NEVER_USED: &str = "
       AND k.last_used_at IS NULL";

const INACTIVE: &str = "
       AND +k.last_used_at <= :inactive_since";

const USED_AFTER_REVOCATION: &str = "
       AND k.last_used_at > k.revoked_at";

const EXPIRING: &str = "
       AND k.revoked_at IS NULL
       AND k.expires_at IS NOT NULL
       AND +k.expires_at > :now
       AND +k.expires_at <= :expires_until";

const RATE_LIMITED: &str = "
       AND k.rate_limit_hits <> 0";

const NOT_RATE_LIMITED: &str = "
       AND k.rate_limit_hits = 0";

const CREATED_BY: &str = "
       AND k.created_by = :created_by";

const EXTERNAL_ID: &str = "
       AND k.external_id = :external_id";

/// `lower` changes only ASCII letters. `:search` is in lower case, and literal: `instr` has no wildcards.
const SEARCH: &str = "
       AND (instr(lower(k.name), :search) > 0 OR instr(lower(k.description), :search) > 0)";

/// Returns the parts of a list that can have keys, in their order.
pub(super) fn parts(query: &KeyQuery) -> &'static [Part] {
    let KeyFilter { status, usage, .. } = query.filter;
    let must_expire =
        query.filter.expires_within_days.is_some() || status == Some(KeyStatus::Expired);
    match query.order.sort {
        KeySort::LastUsedAt if usage == Some(KeyUsage::Never) => &[Part::Nulls],
        KeySort::LastUsedAt if usage.is_none() => &[Part::Values, Part::Nulls],
        KeySort::ExpiresAt if !must_expire => &[Part::Values, Part::Nulls],
        KeySort::RateLimitHits if Index::of(query) == Index::RateLimited => {
            match query.order.direction {
                Direction::Ascending => &[Part::WithoutHits, Part::Values],
                Direction::Descending => &[Part::Values, Part::WithoutHits],
            }
        }
        _ => &[Part::Values],
    }
}

/// Builds the statement that reads up to `limit` keys of a part, from its start or after a cursor.
pub(super) fn statement(
    organization: OrganizationId,
    query: &KeyQuery,
    part: Part,
    after: Option<&KeyCursor>,
    limit: usize,
    now: Timestamp,
) -> Statement {
    let index = match part {
        Part::WithoutHits => Index::ByCreation,
        Part::Values | Part::Nulls => Index::of(query),
    };
    let mut statement = Statement {
        sql: format!(
            "
    SELECT {}
      FROM api_keys AS k INDEXED BY {}
     WHERE k.organization_id = :organization",
            keys::COLUMNS,
            index.name(),
        ),
        parameters: Vec::new(),
    };
    statement.bind(":organization", organization.0.to_string());
    statement.add_filter(&query.filter, now);
    statement.add_bounds(index, query, part, now);
    statement.add_start(index, query, part, after, now);
    statement.add_order(query, part);
    statement.bind(":limit", i64::try_from(limit).unwrap_or(i64::MAX));
    statement
}

impl Statement {
    fn bind(&mut self, name: &'static str, value: impl Into<Value>) {
        self.parameters.push((name, value.into()));
    }

    fn add(&mut self, condition: &str) {
        self.sql.push_str(condition);
    }

    fn add_filter(&mut self, filter: &KeyFilter, now: Timestamp) {
        if let Some(status) = filter.status {
            self.add_status(status);
        }
        if let Some(usage) = filter.usage {
            self.add_usage(usage, now);
        }
        if let Some(until) = filter.expires_until(now) {
            self.add(EXPIRING);
            self.bind(":expires_until", until.as_millis());
        }
        if let Some(user) = &filter.created_by {
            self.add(CREATED_BY);
            self.bind(":created_by", user.as_str().to_owned());
        }
        if let Some(id) = &filter.external_id {
            self.add(EXTERNAL_ID);
            self.bind(":external_id", id.as_str().to_owned());
        }
        if let Some(text) = &filter.search {
            self.add(SEARCH);
            self.bind(":search", text.as_str().to_ascii_lowercase());
        }
        if self.sql.contains(":now") {
            self.bind(":now", now.as_millis());
        }
    }

    fn add_status(&mut self, status: KeyStatus) {
        self.add(match status {
            KeyStatus::Active => ACTIVE,
            KeyStatus::Disabled => DISABLED,
            KeyStatus::Revoked => REVOKED,
            KeyStatus::Expired => EXPIRED,
        });
    }

    fn add_usage(&mut self, usage: KeyUsage, now: Timestamp) {
        match usage {
            KeyUsage::Never => {
                self.add(ACTIVE);
                self.add(NEVER_USED);
            }
            KeyUsage::Inactive => {
                self.add(ACTIVE);
                self.add(INACTIVE);
                let since = KeyUsage::inactive_since(now);
                self.bind(":inactive_since", since.as_millis());
            }
            KeyUsage::AfterRevocation => {
                self.add(REVOKED);
                self.add(USED_AFTER_REVOCATION);
            }
        }
    }

    /// Adds the bounds that limit the range of the index, unless the start of the page is the bound.
    fn add_bounds(&mut self, index: Index, query: &KeyQuery, part: Part, now: Timestamp) {
        if part == Part::Nulls
            && let Some(column) = Column::of(query.order.sort)
        {
            return self.add(column.fragments().is_null);
        }
        if part == Part::WithoutHits {
            return self.add(NOT_RATE_LIMITED);
        }
        if index == Index::RateLimited {
            return self.add(RATE_LIMITED);
        }
        let Some(column) = index.column() else { return };
        let is_sorted = Column::of(query.order.sort) == Some(column);
        let (above, up_to) = column.bounds(&query.filter, now);
        let direction = query.order.direction;
        if let Some(above) = above
            && !(is_sorted && direction == Direction::Ascending)
        {
            self.add(column.fragments().above);
            self.bind(":above", above);
        }
        if let Some(up_to) = up_to
            && !(is_sorted && direction == Direction::Descending)
        {
            self.add(column.fragments().up_to);
            self.bind(":up_to", up_to);
        }
    }

    /// Adds the position from which the page starts: the cursor, or a position before all keys of the part.
    fn add_start(
        &mut self,
        index: Index,
        query: &KeyQuery,
        part: Part,
        after: Option<&KeyCursor>,
        now: Timestamp,
    ) {
        let sort = query.order.sort;
        let column = index
            .column()
            .filter(|column| Some(*column) == Column::of(sort));
        let (above, up_to) =
            column.map_or((None, None), |column| column.bounds(&query.filter, now));
        // Before all keys: a value at the bound, with an impossible instant of creation.
        let (value, created_at) = match query.order.direction {
            Direction::Ascending => (above.unwrap_or(-1), above.map_or(-1, |_| i64::MAX)),
            Direction::Descending => (up_to.unwrap_or(i64::MAX), i64::MAX),
        };
        let created_at = after.map_or(created_at, |after| after.created_at.as_millis());
        let id = after.map_or(String::new(), |after| after.id.0.to_string());
        self.add("\n       AND ");
        if let Some(expression) = value_of(sort, part) {
            self.add("(");
            self.add(expression);
            self.add(", k.created_at, k.id)");
        } else {
            self.add("(k.created_at, k.id)");
        }
        self.add(match query.order.direction {
            Direction::Ascending => " > ",
            Direction::Descending => " < ",
        });
        if value_of(sort, part).is_some() {
            self.add("(:value, :created_at, :id)");
            self.bind(
                ":value",
                after.and_then(|after| after.value).unwrap_or(value),
            );
        } else {
            self.add("(:created_at, :id)");
        }
        self.bind(":created_at", created_at);
        self.bind(":id", id);
    }

    fn add_order(&mut self, query: &KeyQuery, part: Part) {
        let direction = match query.order.direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        self.add("\n     ORDER BY ");
        if let Some(expression) = value_of(query.order.sort, part) {
            self.add(&format!("{expression} {direction}, "));
        }
        self.add(&format!(
            "k.created_at {direction}, k.id {direction}\n     LIMIT :limit"
        ));
    }
}

/// Returns the expression of the value that is compared before the creation; none if the creation is all.
fn value_of(sort: KeySort, part: Part) -> Option<&'static str> {
    match (sort, part) {
        (KeySort::CreatedAt, _) | (_, Part::Nulls | Part::WithoutHits) => None,
        (KeySort::LastUsedAt, Part::Values) => Some("k.last_used_at"),
        (KeySort::ExpiresAt, Part::Values) => Some("k.expires_at"),
        (KeySort::TotalRequests, Part::Values) => {
            Some("(k.successful_requests + k.rate_limit_hits + k.errors)")
        }
        (KeySort::RateLimitHits, Part::Values) => Some("k.rate_limit_hits"),
    }
}
