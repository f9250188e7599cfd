//! The domain's types and pure decisions: organizations, members, keys, usage, time.
//!
//! Used by every other module; imports none of them, and contains no SQL and no HTTP. Most types are validated at
//! construction; `schema.sql` repeats the rules as constraints.

mod admission;
mod audit;
mod changes;
mod form;
mod id;
mod key;
mod key_counts;
mod key_id;
mod key_page;
mod key_query;
mod key_status;
mod key_update;
mod member;
mod metadata;
mod name;
mod organization;
mod quota;
mod random;
mod rate_limit;
mod rotation;
mod scopes;
mod secret;
mod seed;
mod session;
mod sha256;
mod stats;
mod time;
mod usage;
mod usage_import;
mod usage_totals;
mod utc_text;

pub use admission::{Admission, AdmissionDecision, LimitState, LimitStates};
pub use audit::{
    AuditCursor, AuditEntry, AuditEvent, AuditFilter, AuditPage, AuditParts, AuditedKey, KeyEvent,
    MemberEvent,
};
pub use changes::Changes;
pub use form::{FORM_MEMORY, FormId, Submission};
pub use id::{KeyId, OrganizationId, OrganizationRef, UserId};
pub use key::{ApiKey, KeySettings, NewKey};
pub use key_counts::{KeyCounts, KeyState};
pub use key_id::KeyIdRandom;
pub use key_page::{KeyCursor, KeyPage, KeyPageRequest, QueryFingerprint};
pub use key_query::{
    Choice, Direction, FilterText, KeyFilter, KeyOrder, KeyQuery, KeySort, KeyUsage,
};
pub use key_status::{KeyDates, KeyStatus};
pub use key_update::{Edit, KeyUpdate, Switch, UpdateRefused, Updated};
pub use member::{AddMemberOutcome, Member, OwnerLoss, RemoveMemberOutcome, Role, UnknownRole};
pub use metadata::{ExternalId, Metadata};
pub use name::{Description, Name, Slug};
pub use organization::{AccessDenied, Actor, Organization, RenameOutcome};
pub use quota::{Quota, QuotaPeriod, QuotaState};
pub use random::{Random, RandomError};
pub use rate_limit::{MeteredLimit, RateLimit};
pub use rotation::{OlderSecrets, RotateOutcome, Rotation, RotationRefused};
pub use scopes::Scopes;
pub use secret::{Secret, SecretHash, contains_secret};
pub use seed::{Seed, SeedKey, SeedState};
pub use session::{
    CODE_TTL, DEMO_CODE_TTL, NewSession, RandomToken, SESSION_TTL, Session, SignInCode,
    SignInOutcome, TokenHash, UserMembership,
};
pub use sha256::sha256;
pub use stats::{DailyUsage, KeyStats, KeyStatusCounts, RecentKey};
pub use time::{Clock, Day, Timestamp};
pub use usage::{MeteredUse, Outcome, UsageCounts, UsageEvent, UseReceipt};
pub use usage_import::{Batch, ImportOutcome};
pub use usage_totals::{KeyTotals, UsageTotals};
