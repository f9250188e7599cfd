//! The content for an empty database: the demo fixtures, a test's random data, a benchmark's load.
//!
//! Stored atomically by `Store::seed_if_empty`. Storing a seed adds no entries to the audit log besides those that it has,
//! because it describes a state and not the changes that led to it.

use super::{
    AuditEntry, KeyId, Member, MeteredUse, NewKey, Organization, OrganizationId, Timestamp,
    UsageEvent,
};

/// Organizations with their members, keys and usage. Each part refers only to the parts before it.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// The organizations.
    pub organizations: Vec<Organization>,
    /// The members, each with its organization.
    pub members: Vec<(OrganizationId, Member)>,
    /// The keys.
    pub keys: Vec<SeedKey>,
    /// The keys' usage, in any order.
    pub uses: Vec<UsageEvent>,
    /// Further usage, which counts against the keys' rate limits.
    pub metered_uses: Vec<MeteredUse>,
    /// The entries of the organizations' audit logs.
    pub audit: Vec<(OrganizationId, AuditEntry)>,
}

/// A key with its state.
#[derive(Debug, Clone)]
pub struct SeedKey {
    /// Its id. The ids that the store generates for new keys do not depend on it.
    pub id: KeyId,
    /// The organization that owns it.
    pub organization: OrganizationId,
    /// The key as it was created.
    pub key: NewKey,
    /// What happened to it since.
    pub state: SeedState,
}

/// The state of a key in a seed. The default is a key that was only created.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeedState {
    /// The instant of its revocation.
    pub revoked_at: Option<Timestamp>,
    /// The instant at which it was disabled.
    pub disabled_at: Option<Timestamp>,
}
