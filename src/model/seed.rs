//! A whole world to fill an empty database with: the demo fixtures, a test's random graph, a benchmark's load.

use super::{NewKey, NewMember, Organization, Use};

/// Organizations, their members, their keys and what the keys were used for. Each part refers to those before
/// it.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// The organizations.
    pub organizations: Vec<Organization>,
    /// Who belongs to them.
    pub members: Vec<NewMember>,
    /// Their keys.
    pub keys: Vec<NewKey>,
    /// What the keys were used for, in any order.
    pub uses: Vec<Use>,
}
