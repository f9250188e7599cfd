//! The parameters of a list of keys in the URL: parsed to a query, and written back for links.
//!
//! Called by [`super::keys`] for the list and by [`super::attention`] for its links. An empty parameter
//! is an absent one, because a form sends all of its fields; a parameter that is not valid is a 400.

use std::mem;

use serde::Deserialize;

use super::query::encode;
use crate::{
    api::{ApiError, decode_key_cursor, encode_key_cursor},
    model::{
        Choice, Direction, FilterText, KeyCursor, KeyFilter, KeyOrder, KeyQuery, KeySort, UserId,
    },
};

/// The columns that a list can be sorted by, besides the creation.
pub(super) const SORTS: [(KeySort, &str); 4] = [
    (KeySort::TotalRequests, "Requests"),
    (KeySort::RateLimitHits, "Rate-limited"),
    (KeySort::ExpiresAt, "Expires"),
    (KeySort::LastUsedAt, "Last used"),
];

/// The parameters as texts. An empty one is absent, because forms send fields that are not filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Parameters {
    pub(super) search: String,
    pub(super) status: String,
    pub(super) usage: String,
    pub(super) expires_within_days: String,
    pub(super) created_by: String,
    pub(super) external_id: String,
    pub(super) sort: String,
    pub(super) order: String,
    pub(super) cursor: String,
}

/// Returns one of the parameters.
type Field = fn(&mut Parameters) -> &mut String;

impl Parameters {
    /// Returns the query, or the problem with a parameter.
    pub(super) fn query(&self) -> Result<KeyQuery, ApiError> {
        Ok(KeyQuery {
            filter: KeyFilter {
                status: choice(&self.status, "status")?,
                usage: choice(&self.usage, "usage")?,
                expires_within_days: days(&self.expires_within_days)?,
                created_by: UserId::new(self.created_by.as_str()),
                external_id: FilterText::new(self.external_id.as_str()),
                search: FilterText::new(self.search.trim()),
            },
            order: KeyOrder {
                sort: choice(&self.sort, "sort")?.unwrap_or_default(),
                direction: choice(&self.order, "order")?.unwrap_or_default(),
            },
        })
    }

    /// Returns the position from which the page continues.
    pub(super) fn cursor(&self, query: &KeyQuery) -> Result<Option<KeyCursor>, ApiError> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        let cursor = decode_key_cursor(&self.cursor).filter(|cursor| cursor.belongs_to(query));
        let problem = "This page belongs to another list. Begin with the first page.";
        let cursor = cursor.ok_or_else(|| ApiError::BadRequest(problem.to_owned()))?;
        Ok(Some(cursor))
    }

    /// Returns the parameters of the next page.
    pub(super) fn at(&self, cursor: KeyCursor) -> Self {
        Self {
            cursor: encode_key_cursor(cursor),
            ..self.clone()
        }
    }

    /// Returns the parameters of the first page.
    pub(super) fn first_page(&self) -> Self {
        Self {
            cursor: String::new(),
            ..self.clone()
        }
    }

    /// Returns the parameters of the same list in another order.
    pub(super) fn sorted(&self, sort: KeySort, order: Direction) -> Self {
        Self {
            sort: sort.name().to_owned(),
            order: order.name().to_owned(),
            ..self.first_page()
        }
    }

    /// Returns the parameters that the form of filters has no field for, with their values.
    pub(super) fn without_own_fields(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = self.pairs();
        pairs.retain(|(name, _)| !["search", "status", "usage", "cursor"].contains(name));
        pairs
    }

    /// Returns the filters without a field: each in words, with the parameters that lack it.
    pub(super) fn chips(&self) -> Vec<(String, Self)> {
        let filters: [(&str, &str, Field); 3] = [
            ("expire within ", " days", |parameters| {
                &mut parameters.expires_within_days
            }),
            ("created by ", "", |parameters| &mut parameters.created_by),
            ("external id ", "", |parameters| &mut parameters.external_id),
        ];
        let mut chips = Vec::new();
        for (before, after, field) in filters {
            let mut without = self.first_page();
            let value = mem::take(field(&mut without));
            if !value.is_empty() {
                chips.push((format!("{before}{value}{after}"), without));
            }
        }
        chips
    }

    /// Returns the query of a URL, with its `?`; empty without parameters.
    pub(super) fn to_query(&self) -> String {
        let pairs = self.pairs().into_iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }

    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let pairs = [
            ("search", self.search.as_str()),
            ("status", &self.status),
            ("usage", &self.usage),
            ("expiresWithinDays", &self.expires_within_days),
            ("createdBy", &self.created_by),
            ("externalId", &self.external_id),
            ("sort", &self.sort),
            ("order", &self.order),
            ("cursor", &self.cursor),
        ];
        pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

fn choice<T: Choice>(text: &str, name: &str) -> Result<Option<T>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = T::from_name(text).map(Some);
    found.ok_or_else(|| ApiError::BadRequest(format!("There is no {name} called “{text}”.")))
}

fn days(text: &str) -> Result<Option<u32>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let days = text.parse().ok().filter(|days| (1..=365).contains(days));
    let problem = || ApiError::BadRequest("Choose 1 to 365 days until the expiry.".to_owned());
    days.map(Some).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KeyStatus, KeyUsage};

    #[test]
    fn parameters_survive_a_link() {
        let parameters = Parameters {
            search: "a b&c".to_owned(),
            status: "active".to_owned(),
            expires_within_days: "14".to_owned(),
            ..Parameters::default()
        };
        assert_eq!(
            parameters.to_query(),
            "?search=a%20b%26c&status=active&expiresWithinDays=14"
        );
        let query = parameters.query().unwrap();
        assert_eq!(query.filter.status, Some(KeyStatus::Active));
        assert_eq!(query.filter.expires_within_days, Some(14));
        assert_eq!(Parameters::default().to_query(), "");
    }

    #[test]
    fn unknown_names_are_problems() {
        let usage = |text: &str| Parameters {
            usage: text.to_owned(),
            ..Parameters::default()
        };
        let query = usage("afterRevocation").query().unwrap();
        assert_eq!(query.filter.usage, Some(KeyUsage::AfterRevocation));
        assert!(usage("often").query().is_err());
        let days = Parameters {
            expires_within_days: "366".to_owned(),
            ..Parameters::default()
        };
        assert!(days.query().is_err());
    }
}
