//! What an organization's members want to know about all its keys at once.
//!
//! Made by the store in one snapshot, with the time of asking; sent by `api::stats`. What is the sum or the
//! difference of other fields is computed, and so cannot disagree with them.

use super::{Day, KeyId, KeyStatus, Name, OrganizationId, Timestamp, Usage};

/// Counts of an organization's keys by state at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// All keys.
    pub total: i64,
    /// Revoked ones.
    pub revoked: i64,
    /// Expired ones that were not revoked.
    pub expired: i64,
    /// Active ones without any use.
    pub never_used: i64,
    /// Active ones last used [`KeyStats::INACTIVE_AFTER_DAYS`] days ago or more.
    pub inactive: i64,
}

impl KeyCounts {
    /// Keys that are neither revoked nor expired.
    #[must_use]
    pub const fn active(&self) -> i64 {
        self.total - self.revoked - self.expired
    }
}

/// Counts of the keys of all organizations by status, for monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatusCounts {
    /// Keys that are neither revoked nor expired.
    pub active: i64,
    /// Revoked keys.
    pub revoked: i64,
    /// Expired keys that were not revoked.
    pub expired: i64,
}

/// An organization's statistics, all read in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStats {
    /// The organization.
    pub organization: OrganizationId,
    /// Its keys by state.
    pub keys: KeyCounts,
    /// Lifetime usage over all its keys, revoked ones too.
    pub usage: Usage,
    /// The keys used last, newest first, ties by id; at most [`KeyStats::RECENT_KEYS`].
    pub recent: Vec<RecentKey>,
    /// Usage by UTC day, oldest first, today last, without gaps; `None` when it was not asked for.
    pub daily: Option<Vec<DailyUsage>>,
}

impl KeyStats {
    /// How many of the most recently used keys are listed.
    pub const RECENT_KEYS: u32 = 5;
    /// After how many days without use an active key counts as inactive.
    pub const INACTIVE_AFTER_DAYS: u32 = 30;
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
    /// Its state when the statistics were read.
    pub status: KeyStatus,
    /// Its lifetime requests.
    pub total_requests: i64,
    /// When it was last used.
    pub last_used_at: Timestamp,
}

/// One UTC day of an organization's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyUsage {
    /// The day.
    pub day: Day,
    /// What was used on it; zeros for a day without use.
    pub usage: Usage,
}
