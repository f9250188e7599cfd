//! Statistics over the keys of an organization.
//!
//! Read by the store in one snapshot; sent by `api::stats`. Sums and differences of other fields are computed, so they
//! cannot disagree with them.

use std::time::Duration;

use super::{Day, KeyCounts, KeyId, KeyStatus, Name, OrganizationId, Timestamp, UsageCounts};

/// Counts of the keys of all organizations by status, for monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatusCounts {
    /// Keys that are neither revoked, expired nor disabled.
    pub active: i64,
    /// Revoked keys.
    pub revoked: i64,
    /// Expired keys that were not revoked.
    pub expired: i64,
    /// Disabled keys that were not revoked and have not expired.
    pub disabled: i64,
}

/// An organization's statistics, all read in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStats {
    /// The organization.
    pub organization: OrganizationId,
    /// The counts of its keys by status.
    pub keys: KeyCounts,
    /// Lifetime usage of all its keys, including revoked ones.
    pub usage: UsageCounts,
    /// The most recently used keys, newest first, ties by id; at most [`KeyStats::RECENT_KEYS`].
    pub recent: Vec<RecentKey>,
    /// The counts by UTC day, oldest first, today last, without gaps; `None` if it was not requested.
    pub daily: Option<Vec<DailyUsage>>,
}

impl KeyStats {
    /// The maximum number of recently used keys.
    pub const RECENT_KEYS: u32 = 5;
    /// The number of days without use after which an active key counts as inactive.
    pub const INACTIVE_AFTER_DAYS: u32 = 30;
    /// The same as a duration.
    pub const INACTIVE_AFTER: Duration =
        Duration::from_hours(24 * Self::INACTIVE_AFTER_DAYS as u64);
}

/// A key among the most recently used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentKey {
    /// Its id.
    pub id: KeyId,
    /// Its name.
    pub name: Name,
    /// Its preview.
    pub preview: String,
    /// Its status when the statistics were read.
    pub status: KeyStatus,
    /// Its lifetime requests.
    pub total_requests: i64,
    /// The instant of its last use.
    pub last_used_at: Timestamp,
}

/// One UTC day of an organization's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyUsage {
    /// The day.
    pub day: Day,
    /// The counts of that day; zeros for a day without use.
    pub usage: UsageCounts,
}
