//! A whole world to fill an empty database with: the demo fixtures, a test's random graph, a benchmark's load.
//!
//! Stored at once or not at all, by `Store::seed_if_empty`. A seed is a state and no history: it leaves no lines in
//! the audit log.

use super::{KeyId, LiveUse, Member, NewKey, Organization, OrganizationId, Timestamp, Use};

/// Organizations, their members, their keys and what the keys were used for. Each part refers to those before
/// it.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// The organizations.
    pub organizations: Vec<Organization>,
    /// Who belongs to which.
    pub members: Vec<(OrganizationId, Member)>,
    /// Their keys.
    pub keys: Vec<SeedKey>,
    /// What the keys were used for, in any order.
    pub uses: Vec<Use>,
    /// The same, of uses that count against the keys' rate limits.
    pub live_uses: Vec<LiveUse>,
}

/// A key that has a history.
#[derive(Debug, Clone)]
pub struct SeedKey {
    /// Its id. The ids that the store generates for new keys do not depend on it.
    pub id: KeyId,
    /// Its owner.
    pub organization: OrganizationId,
    /// The key as it was made.
    pub key: NewKey,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}
