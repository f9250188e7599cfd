//! The index that the statement of a page of keys reads.
//!
//! Selected by [`super::statement()`]. Invariant: the condition of a partial index is among the conditions of the filter
//! that selects it; otherwise SQLite fails to prepare the statement.

use crate::model::{KeyFilter, KeyQuery, KeySort, KeyStatus, KeyUsage, Timestamp};

/// An index of `api_keys`. All begin with the organization and end with the creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    ByCreation,
    ByLastUse,
    ByExpiry,
    RateLimited,
    ByExternalId,
    EnabledByCreation,
    DisabledByCreation,
    RevokedByCreation,
    ExpiringByCreation,
    EnabledByLastUse,
    UsedAfterRevocation,
    Expiring,
}

impl Index {
    /// Selects the index for a query: that of the external id, of which few keys have the same; else one in the order of
    /// the list, except that keys in need of attention are expected to be few, and are sorted. A sort by a count
    /// reads the keys of the narrowest one, except that all keys by rate-limit hits are read in two parts.
    pub(super) fn of(query: &KeyQuery) -> Self {
        let KeyFilter {
            status,
            usage,
            expires_within_days,
            external_id,
            ..
        } = &query.filter;
        if external_id.is_some() {
            return Self::ByExternalId;
        }
        match query.order.sort {
            KeySort::LastUsedAt => Self::in_order_of_last_use(*status, *usage),
            KeySort::ExpiresAt => {
                let must_expire = expires_within_days.is_some();
                if must_expire || *status == Some(KeyStatus::Expired) {
                    Self::Expiring
                } else {
                    Self::ByExpiry
                }
            }
            _ if expires_within_days.is_some() => Self::Expiring,
            sort => Self::in_order_of_creation(sort, *status, *usage),
        }
    }

    fn in_order_of_last_use(status: Option<KeyStatus>, usage: Option<KeyUsage>) -> Self {
        match (usage, status) {
            (Some(KeyUsage::AfterRevocation), _) => Self::UsedAfterRevocation,
            (Some(KeyUsage::Never | KeyUsage::Inactive), _) | (None, Some(KeyStatus::Active)) => {
                Self::EnabledByLastUse
            }
            (None, _) => Self::ByLastUse,
        }
    }

    fn in_order_of_creation(
        sort: KeySort,
        status: Option<KeyStatus>,
        usage: Option<KeyUsage>,
    ) -> Self {
        match (usage, status) {
            (Some(KeyUsage::AfterRevocation), _) => Self::UsedAfterRevocation,
            // Keys without a last use are in the order of creation.
            (Some(KeyUsage::Never), _) => Self::EnabledByLastUse,
            (Some(KeyUsage::Inactive), _) if sort != KeySort::CreatedAt => Self::EnabledByLastUse,
            (Some(KeyUsage::Inactive), _) | (None, Some(KeyStatus::Active)) => {
                Self::EnabledByCreation
            }
            (None, Some(KeyStatus::Disabled)) => Self::DisabledByCreation,
            (None, Some(KeyStatus::Revoked)) => Self::RevokedByCreation,
            (None, Some(KeyStatus::Expired)) => Self::ExpiringByCreation,
            (None, None) if sort == KeySort::RateLimitHits => Self::RateLimited,
            (None, None) => Self::ByCreation,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ByCreation => "api_keys_by_creation",
            Self::ByLastUse => "api_keys_by_last_use",
            Self::ByExpiry => "api_keys_by_expiry",
            Self::RateLimited => "api_keys_rate_limited",
            Self::ByExternalId => "api_keys_by_external_id",
            Self::EnabledByCreation => "api_keys_enabled_by_creation",
            Self::DisabledByCreation => "api_keys_disabled_by_creation",
            Self::RevokedByCreation => "api_keys_revoked_by_creation",
            Self::ExpiringByCreation => "api_keys_expiring_by_creation",
            Self::EnabledByLastUse => "api_keys_enabled_by_last_use",
            Self::UsedAfterRevocation => "api_keys_used_after_revocation",
            Self::Expiring => "api_keys_expiring",
        }
    }

    /// Returns the column after the organization, if it is an instant that a filter can bound.
    pub(super) fn column(self) -> Option<Column> {
        match self {
            Self::ByLastUse | Self::EnabledByLastUse | Self::UsedAfterRevocation => {
                Some(Column::LastUsedAt)
            }
            Self::ByExpiry | Self::Expiring => Some(Column::ExpiresAt),
            _ => None,
        }
    }
}

/// A column that may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    LastUsedAt,
    ExpiresAt,
}

/// The conditions on a column that an index can use.
pub(super) struct Fragments {
    pub(super) is_null: &'static str,
    pub(super) above: &'static str,
    pub(super) up_to: &'static str,
}

impl Column {
    /// Returns the column that a list is sorted by, if it may be null.
    pub(super) fn of(sort: KeySort) -> Option<Self> {
        match sort {
            KeySort::LastUsedAt => Some(Self::LastUsedAt),
            KeySort::ExpiresAt => Some(Self::ExpiresAt),
            KeySort::CreatedAt | KeySort::TotalRequests | KeySort::RateLimitHits => None,
        }
    }

    pub(super) fn fragments(self) -> Fragments {
        match self {
            Self::LastUsedAt => Fragments {
                is_null: "\n       AND k.last_used_at IS NULL",
                above: "\n       AND k.last_used_at > :above",
                up_to: "\n       AND k.last_used_at <= :up_to",
            },
            Self::ExpiresAt => Fragments {
                is_null: "\n       AND k.expires_at IS NULL",
                above: "\n       AND k.expires_at > :above",
                up_to: "\n       AND k.expires_at <= :up_to",
            },
        }
    }

    /// Returns the bounds that the filter sets to the column: above which value, and up to which.
    pub(super) fn bounds(self, filter: &KeyFilter, now: Timestamp) -> (Option<i64>, Option<i64>) {
        let (above, up_to) = match self {
            Self::LastUsedAt => {
                let inactive = filter.usage == Some(KeyUsage::Inactive);
                (None, inactive.then(|| KeyUsage::inactive_since(now)))
            }
            Self::ExpiresAt if filter.status == Some(KeyStatus::Expired) => (None, Some(now)),
            Self::ExpiresAt => {
                let until = filter.expires_until(now);
                (until.map(|_| now), until)
            }
        };
        (
            above.map(Timestamp::as_millis),
            up_to.map(Timestamp::as_millis),
        )
    }
}
