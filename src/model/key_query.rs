//! A query for the keys of an organization: which keys, in which order.
//!
//! Used by the list over HTTP and by `llavero key list`. The store translates a query to SQL; [`KeyFilter::matches`] and
//! [`KeyOrder::compare`] state what that SQL must do, and the tests hold the two against each other.

use std::{cmp::Ordering, time::Duration};

use super::{ApiKey, ExternalId, KeyStats, KeyStatus, Timestamp, UserId};

const DAY: Duration = Duration::from_hours(24);

/// A value that a parameter selects by its name.
pub trait Choice: Copy + PartialEq + Send + Sync + 'static {
    /// All values, in the order of the documentation.
    const ALL: &'static [Self];

    /// Returns the name of the value, in parameters and flags.
    fn name(self) -> &'static str;

    /// Finds the value with a name.
    fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|value| value.name() == name)
    }
}

macro_rules! choice {
    ($type:ty: $($value:ident = $name:literal),+) => {
        impl Choice for $type {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }
    };
}

/// Keys whose use may call for action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUsage {
    /// Active keys without any use.
    Never,
    /// Active keys last used [`KeyStats::INACTIVE_AFTER_DAYS`] days ago or more.
    Inactive,
    /// Revoked keys that were used after their revocation.
    AfterRevocation,
}

/// The value by which keys are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeySort {
    /// The instant of the key's creation.
    #[default]
    CreatedAt,
    /// The instant of its last use, which may be null.
    LastUsedAt,
    /// The instant of its expiry, which may be null.
    ExpiresAt,
    /// The number of its requests.
    TotalRequests,
    /// The number of its requests that were denied because of its rate limit.
    RateLimitHits,
}

/// The direction of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the smallest value to the greatest, from the oldest key to the newest.
    Ascending,
    /// From the greatest value to the smallest, from the newest key to the oldest.
    #[default]
    Descending,
}

choice!(KeyStatus: Active = "active", Disabled = "disabled", Revoked = "revoked", Expired = "expired");
choice!(KeyUsage: Never = "never", Inactive = "inactive", AfterRevocation = "afterRevocation");
choice!(
    KeySort:
    CreatedAt = "createdAt",
    LastUsedAt = "lastUsedAt",
    ExpiresAt = "expiresAt",
    TotalRequests = "totalRequests",
    RateLimitHits = "rateLimitHits"
);
choice!(Direction: Ascending = "asc", Descending = "desc");

/// A text to look for; not empty. Longer than any stored text, it matches no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterText(String);

impl FilterText {
    /// Creates a text to look for. `None` for the empty string.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FilterText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::new(text).ok_or("must not be empty")
    }
}

/// Selects keys that meet all conditions; `None` is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// Keys with this status.
    pub status: Option<KeyStatus>,
    /// Keys of this usage.
    pub usage: Option<KeyUsage>,
    /// Active and disabled keys that expire within so many days.
    pub expires_within_days: Option<u32>,
    /// Keys created by this user.
    pub created_by: Option<UserId>,
    /// Keys with this external id.
    pub external_id: Option<FilterText>,
    /// Keys whose name or description contains this text, ignoring the case of ASCII letters.
    pub search: Option<FilterText>,
}

impl KeyFilter {
    /// Returns whether it selects the key at `now`.
    #[must_use]
    pub fn matches(&self, key: &ApiKey, now: Timestamp) -> bool {
        let created_by = self.created_by.as_ref();
        let external_id = self.external_id.as_ref().map(FilterText::as_str);
        self.status.is_none_or(|status| key.status(now) == status)
            && self.usage.is_none_or(|usage| usage.matches(key, now))
            && self
                .expires_within_days
                .is_none_or(|days| expires_within(key, days, now))
            && (created_by.is_none() || key.created_by.as_ref() == created_by)
            && (external_id.is_none()
                || key.external_id.as_ref().map(ExternalId::as_str) == external_id)
            && self.search.as_ref().is_none_or(|text| contains(key, text))
    }

    /// Returns the instant until which [`KeyFilter::expires_within_days`] reaches.
    #[must_use]
    pub fn expires_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_within_days.map(|days| now.after(DAY * days))
    }
}

impl KeyUsage {
    /// Returns the last instant of use that makes an active key inactive at `now`.
    #[must_use]
    pub fn inactive_since(now: Timestamp) -> Timestamp {
        now.before(DAY * KeyStats::INACTIVE_AFTER_DAYS)
    }

    fn matches(self, key: &ApiKey, now: Timestamp) -> bool {
        let is_active = key.status(now) == KeyStatus::Active;
        match (self, key.last_used_at) {
            (Self::Never, last_used_at) => is_active && last_used_at.is_none(),
            (Self::Inactive, Some(at)) => is_active && at <= Self::inactive_since(now),
            (Self::AfterRevocation, Some(at)) => key.revoked_at.is_some_and(|revoked| at > revoked),
            (Self::Inactive | Self::AfterRevocation, None) => false,
        }
    }
}

fn expires_within(key: &ApiKey, days: u32, now: Timestamp) -> bool {
    let will_expire = matches!(key.status(now), KeyStatus::Active | KeyStatus::Disabled);
    will_expire && key.expires_at.is_some_and(|at| at <= now.after(DAY * days))
}

fn contains(key: &ApiKey, text: &FilterText) -> bool {
    let wanted = text.0.to_ascii_lowercase();
    let contains = |text: &str| text.to_ascii_lowercase().contains(&wanted);
    let description = key.description.as_ref();
    contains(key.name.as_str()) || description.is_some_and(|text| contains(text.as_str()))
}

/// The order of a list: nulls last in both directions, equal values in the order of creation in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyOrder {
    /// The value to sort by.
    pub sort: KeySort,
    /// The direction.
    pub direction: Direction,
}

impl KeyOrder {
    /// Compares two keys: the lesser one is listed first.
    #[must_use]
    pub fn compare(self, a: &ApiKey, b: &ApiKey) -> Ordering {
        let directed = |ordering: Ordering| match self.direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        };
        let values = match (self.sort.value(a), self.sort.value(b)) {
            (Some(a), Some(b)) => directed(a.cmp(&b)),
            // `None` is less than `Some`.
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let creation = directed((a.created_at, a.id).cmp(&(b.created_at, b.id)));
        values.then(creation)
    }
}

impl KeySort {
    /// Returns the value of a key: milliseconds or a count.
    #[must_use]
    pub fn value(self, key: &ApiKey) -> Option<i64> {
        match self {
            Self::CreatedAt => Some(key.created_at.as_millis()),
            Self::LastUsedAt => key.last_used_at.map(Timestamp::as_millis),
            Self::ExpiresAt => key.expires_at.map(Timestamp::as_millis),
            Self::TotalRequests => Some(key.usage.total_requests()),
            Self::RateLimitHits => Some(key.usage.rate_limit_hits),
        }
    }

    /// Returns whether an index has this order, so that a page costs the same in a list of any length.
    #[must_use]
    pub const fn is_indexed(self) -> bool {
        matches!(self, Self::CreatedAt | Self::LastUsedAt | Self::ExpiresAt)
    }
}

/// Which keys, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyQuery {
    /// Selects the keys.
    pub filter: KeyFilter,
    /// Sorts them.
    pub order: KeyOrder,
}

impl KeyQuery {
    /// Returns whether a page may read all keys of the organization.
    #[must_use]
    pub fn may_read_all_keys(&self) -> bool {
        self.filter != KeyFilter::default() || !self.order.sort.is_indexed()
    }
}
