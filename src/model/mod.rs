//! The domain's words: organizations, members, keys, usage, time.
//!
//! Every other module speaks in these types. They hold no SQL and no HTTP and import nothing else of this
//! crate. Most are checked when they are made; `schema.sql` has the same rules again.

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
mod tally;
mod time;
mod usage;

pub use audit::{Act, AuditEntry};
pub use id::{KeyId, OrganizationId, OrganizationRef, UserId};
pub use key::{ApiKey, KeyCursor, KeyPage, KeySettings, KeyStatus, NewKey, RateLimit, Scopes};
pub use key_id::KeyIdRandom;
pub use name::{Description, Name, Slug};
pub use organization::{Access, Actor, Member, MemberAdded, Organization, Role, UnknownRole};
pub use random::{Random, RandomError};
pub use rotation::{OlderSecrets, Rotated, Rotation, RotationRefused};
pub use secret::{Secret, SecretHash, contains_secret};
pub use seed::{Seed, SeedKey};
pub use stats::{DailyUsage, KeyCounts, KeyStats, KeyStatusCounts, RecentKey};
pub use tally::{KeyTally, Tally};
pub use time::{Clock, Day, Timestamp};
pub use usage::{Batch, Imported, LiveUse, Outcome, Usage, Use};
