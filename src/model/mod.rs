//! The domain's types and pure decisions: organizations, members, keys, usage, time.
//!
//! Used by every other module; imports none of them, and contains no SQL and no HTTP. Most types are validated at
//! construction; `schema.sql` repeats the rules as constraints.

mod admission;
mod audit;
mod id;
mod key;
mod key_id;
mod name;
mod organization;
mod random;
mod rotation;
mod secret;
mod seed;
mod stats;
mod time;
mod usage;
mod usage_import;
mod usage_totals;

pub use admission::{Admission, RateLimitState};
pub use audit::{AuditEntry, AuditEvent};
pub use id::{KeyId, OrganizationId, OrganizationRef, UserId};
pub use key::{ApiKey, KeyCursor, KeyPage, KeySettings, KeyStatus, NewKey, RateLimit, Scopes};
pub use key_id::KeyIdRandom;
pub use name::{Description, Name, Slug};
pub use organization::{
    AccessDenied, Actor, AddMemberOutcome, Member, Organization, Role, UnknownRole,
};
pub use random::{Random, RandomError};
pub use rotation::{OlderSecrets, RotateOutcome, Rotation, RotationRefused};
pub use secret::{Secret, SecretHash, contains_secret};
pub use seed::{Seed, SeedKey};
pub use stats::{DailyUsage, KeyCounts, KeyStats, KeyStatusCounts, RecentKey};
pub use time::{Clock, Day, Timestamp};
pub use usage::{MeteredUse, Outcome, UsageCounts, UsageEvent};
pub use usage_import::{Batch, ImportOutcome};
pub use usage_totals::{KeyTotals, UsageTotals};
