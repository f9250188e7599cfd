//! The domain's words: organizations, members, keys, usage, time.
//!
//! Every other module speaks in these types. They hold no SQL and no HTTP and import nothing else of this
//! crate. Ids and scopes are checked when they are made; lengths, ranges and slugs by `schema.sql`.

mod id;
mod key;
mod organization;
mod secret;
mod seed;
mod stats;
mod time;
mod usage;

pub use id::{KeyId, OrganizationId, OrganizationRef, UserId};
pub use key::{ApiKey, KeyStatus, NewKey, RateLimit, Scopes};
pub use organization::{Access, NewMember, Organization, Role};
pub use secret::{Secret, SecretHash};
pub use seed::Seed;
pub use stats::{DailyUsage, KeyCounts, KeyStats, RecentKey};
pub use time::{Clock, Day, Timestamp};
pub use usage::{Outcome, Usage, Use};
