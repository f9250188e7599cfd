//! The contents of the benchmark's database: organizations with different numbers of keys and uses.
//!
//! Called once at the start of the benchmark, before the servers are started.

use std::{num::NonZeroU32, path::Path, time::Duration};

use llavero::{
    model::{
        Clock, Description, KeyId, KeySettings, Member, Name, NewKey, Organization, OrganizationId,
        Outcome, RateLimit, Role, Scopes, Secret, Seed, SeedKey, SeedState, Slug, Timestamp,
        UsageEvent, UsageTotals, UserId,
    },
    store::{OpenOptions, Store},
    token::{HmacSecret, NewToken, mint},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

pub(crate) const SMALL: &str = "small";
pub(crate) const BUSY: &str = "busy";
pub(crate) const LARGE: &str = "large";
pub(crate) const IDLE: &str = "idle";
pub(crate) const MANY: &str = "many";
pub(crate) const THOUSAND: &str = "thousand";
pub(crate) const MILLION: &str = "million";
/// The organization in which the benchmark creates keys. It has no other keys.
pub(crate) const GROWING: &str = "growing";

pub(crate) const MANY_KEYS: usize = 100_000;

const USER: &str = "11111111-1111-4111-8111-111111111111";

/// Creates and fills the database. Returns its signing secret.
pub(crate) fn create(path: &Path, now: Timestamp) -> HmacSecret {
    let secret = [7; 32];
    let options = OpenOptions {
        readers: NonZeroU32::MIN,
        new_signing_secret: secret,
    };
    let store = Store::open(path, &options).expect("a new database");
    let mut seed = Seed::default();
    let organizations = [
        (SMALL, 10),
        (BUSY, 10),
        (LARGE, 10_000),
        (IDLE, 10_000),
        (MANY, MANY_KEYS),
        (GROWING, 0),
        (THOUSAND, 1000),
        (MILLION, 1_000_000),
    ];
    for (number, (slug, keys)) in organizations.iter().enumerate() {
        add_organization(&mut seed, number, slug, *keys, now);
    }
    Runtime::new().expect("a runtime").block_on(async {
        store.seed_if_empty(seed).await.expect("a database filled");
        import_usage(&store, 0, 10, 1000, now).await;
        import_usage(&store, 1, 10, 10_000_000, now).await;
        import_usage(&store, 2, 7000, 7000, now).await;
        // Last used 60 days ago.
        import_usage(
            &store,
            3,
            10_000,
            10_000,
            now.before(Duration::from_hours(60 * 24)),
        )
        .await;
        import_usage(&store, 4, 70_000, 70_000, now).await;
        import_usage(&store, 6, 700, 700, now).await;
        import_usage(&store, 7, 700_000, 700_000, now).await;
        let advanced = store.advance_key_counts(now).await;
        advanced.expect("counts of keys up to date");
    });
    store.close();
    HmacSecret::from(secret)
}

/// Adds an organization without uses. Of each 20 keys, one is revoked and one has expired.
fn add_organization(seed: &mut Seed, number: usize, slug: &str, keys: usize, now: Timestamp) {
    let id = OrganizationId(Uuid::from_u64_pair(0xa, number as u64));
    let created_at = created_at(now);
    let user = user();
    seed.organizations.push(Organization {
        id,
        slug: Slug::new(slug).expect("a slug"),
        name: Name::new(slug).expect("a name"),
        created_at,
    });
    let owner = Member {
        user: user.clone(),
        role: Role::Owner,
        created_at,
    };
    seed.members.push((id, owner));
    let yesterday = now.before(Duration::from_hours(24));
    seed.keys.extend((0..keys).map(|n| SeedKey {
        id: key_id(number, n),
        organization: id,
        key: NewKey {
            secret: secret(number, n),
            settings: KeySettings {
                description: Description::new("A description of ordinary length"),
                scopes: Scopes::new(&["invoices:read", "invoices:write"]).expect("scopes"),
                // The first key of each organization is unlimited.
                rate_limit: RateLimit::new(1000, 60).filter(|_| n > 0),
                expires_at: (n % 20 == 19).then_some(yesterday),
                ..KeySettings::named(Name::new(format!("Key number {n}")).expect("a name"))
            },
            created_by: Some(user.clone()),
            created_at,
        },
        state: SeedState {
            revoked_at: (n % 20 == 18).then_some(yesterday),
            ..SeedState::default()
        },
    }));
}

/// The number of keys of [`burst`].
pub(crate) const BURST_KEYS: u32 = 100_000;

/// Returns one organization, whose keys were counted an hour before `now` and expired `within` the time after that.
pub(crate) fn burst(now: Timestamp, within: Duration) -> Seed {
    let mut seed = Seed::default();
    add_organization(&mut seed, 0, SMALL, BURST_KEYS as usize, now);
    let counted_at = now.before(Duration::from_hours(1));
    seed.organizations[0].created_at = counted_at;
    for (n, seeded) in (0..).zip(&mut seed.keys) {
        let after = within * n / BURST_KEYS;
        seeded.key.settings.expires_at = Some(counted_at.after(Duration::from_millis(1) + after));
        seeded.state = SeedState::default();
    }
    seed
}

/// Returns the id of a key of [`burst`].
pub(crate) fn burst_key() -> KeyId {
    key_id(0, 0)
}

/// Returns the user who is a member of all organizations.
pub(crate) fn user() -> UserId {
    UserId::new(USER).expect("a user")
}

/// Returns the secret of the first organization's first key, which has no rate limit.
pub(crate) fn unlimited_secret() -> Secret {
    secret(0, 0)
}

fn secret(organization: usize, key: usize) -> Secret {
    let mut random = [0; 32];
    random[..8].copy_from_slice(&organization.to_be_bytes());
    random[24..].copy_from_slice(&key.to_be_bytes());
    Secret::generate(random)
}

/// Imports `uses` single uses over the first `keys` keys and the last 90 days, each at another millisecond, in batches.
async fn import_usage(store: &Store, number: usize, keys: usize, uses: usize, until: Timestamp) {
    const BATCH: usize = 100_000;
    for first in (0..uses).step_by(BATCH) {
        let batch = first..uses.min(first + BATCH);
        let mut totals = UsageTotals::default();
        for n in batch {
            let ago = Duration::from_hours(24 * (n % 90) as u64);
            let added = totals.add(UsageEvent {
                key: key_id(number, n % keys),
                at: until.before(ago + Duration::from_millis(n as u64)),
                outcome: [Outcome::Success, Outcome::RateLimited, Outcome::Error][n % 3],
                count: 1,
            });
            assert!(added, "the totals overflow");
        }
        let imported = store.import_usage(totals, None, until);
        imported.await.expect("usage imported");
    }
}

fn key_id(organization: usize, key: usize) -> KeyId {
    KeyId(Uuid::from_u64_pair(organization as u64 + 1, key as u64))
}

/// Returns the path of the first organization's first key.
pub(crate) fn key_path(organization: &str) -> String {
    format!(
        "/api/organizations/{organization}/api-keys/{}",
        key_id(0, 0).0
    )
}

fn created_at(now: Timestamp) -> Timestamp {
    now.before(Duration::from_hours(200 * 24))
}

/// Returns a token for the user who is a member of all organizations.
pub(crate) fn token(secret: &HmacSecret) -> String {
    let token = NewToken {
        user: user(),
        ttl: Duration::from_hours(24),
        audience: None,
        issuer: None,
        further_claims: serde_json::Map::new(),
    };
    mint(secret, &token, Clock::system().now()).expect("a token")
}

/// Returns the claims of the same user, for another signer.
pub(crate) fn claims() -> Value {
    json!({ "sub": USER, "exp": Clock::system().now().as_secs() + 86_400 })
}
