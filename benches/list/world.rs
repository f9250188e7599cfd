//! The contents of the benchmark's databases: one organization with keys of all kinds.
//!
//! Of 100 keys, 5 are revoked, one of which is still used, 5 have expired, 5 are disabled, one expires within 14 days,
//! 30 were never used, and 10 were last used 60 days ago.

use std::{num::NonZeroU32, time::Duration};

use llavero::{
    model::{
        Description, ExternalId, KeyId, KeySettings, Name, NewKey, Organization, OrganizationId,
        Outcome, RateLimit, Secret, Seed, SeedKey, SeedState, Slug, Timestamp, UsageEvent, UserId,
    },
    store::{OpenOptions, Store},
};
use uuid::Uuid;

pub(crate) const SLUG: &str = "acme-corp";

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));

/// Creates a database with so many keys.
pub(crate) async fn store(keys: usize, now: Timestamp) -> Store {
    let options = OpenOptions {
        readers: NonZeroU32::new(4).expect("not zero"),
        new_signing_secret: [7; 32],
    };
    let store = Store::in_memory(&options).expect("a database in memory");
    let seed = Seed {
        organizations: vec![Organization {
            id: ORGANIZATION,
            slug: Slug::new(SLUG).expect("a slug"),
            name: Name::new("Acme Corp").expect("a name"),
            created_at: now.before(days(400)),
        }],
        keys: (0..keys).map(|n| key(n, now)).collect(),
        uses: (0..keys).filter_map(|n| uses(n, now)).collect(),
        ..Seed::default()
    };
    store.seed_if_empty(seed).await.expect("a filled database");
    store
}

fn key(n: usize, now: Timestamp) -> SeedKey {
    let settings = KeySettings {
        description: Description::new("A description of ordinary length"),
        external_id: ExternalId::new(format!("customer-{}", n / 10)),
        rate_limit: RateLimit::new(1000, 60),
        expires_at: match n % 100 {
            4 | 24 | 44 | 64 | 84 => Some(now.before(days(1))),
            16 => Some(now.after(days(7))),
            17..30 => Some(now.after(days(200))),
            _ => None,
        },
        ..KeySettings::named(Name::new(format!("Key number {n}")).expect("a name"))
    };
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&n.to_be_bytes());
    SeedKey {
        id: key_id(n),
        organization: ORGANIZATION,
        key: NewKey {
            secret: Secret::generate(secret),
            settings,
            created_by: UserId::new("ana"),
            created_at: now.before(days(300)).after(Duration::from_secs(n as u64)),
        },
        state: SeedState {
            revoked_at: (n % 20 == 18).then(|| now.before(days(3))),
            disabled_at: (n % 20 == 15).then(|| now.before(days(2))),
        },
    }
}

/// The uses of a key; none of three in ten.
fn uses(n: usize, now: Timestamp) -> Option<UsageEvent> {
    let age = match n % 100 {
        18 => Duration::from_secs(n as u64 / 10),
        _ if n % 10 < 3 => return None,
        _ if n % 10 == 3 => days(60),
        _ => days(5) + Duration::from_secs(n as u64),
    };
    Some(UsageEvent {
        key: key_id(n),
        at: now.before(age),
        outcome: if n.is_multiple_of(3) {
            Outcome::RateLimited
        } else {
            Outcome::Success
        },
        count: 1 + u32::try_from(n * 7919 % 10_007).unwrap_or_default(),
    })
}

fn key_id(n: usize) -> KeyId {
    KeyId(Uuid::from_u64_pair(0xb, n as u64))
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}
