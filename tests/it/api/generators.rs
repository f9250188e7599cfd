//! proptest generators: organizations, members, keys and uses, for tests that compare the API with a model.
//!
//! Small numbers on purpose, so that strangers, shared users, empty organizations and ties all occur often.

use llavero::model::{
    KeyId, KeySettings, Member, Name, NewKey, Organization, OrganizationId, Outcome, Role, Secret,
    Seed, SeedKey, SeedState, Slug, Timestamp, UsageEvent, UserId,
};
use proptest::{collection::vec, option, prelude::*};
use uuid::Uuid;

use crate::support::{DAY, NOW};

pub(crate) const ORGANIZATIONS: usize = 3;
pub(crate) const USERS: usize = 4;

/// The `n`th organization, user, key: stable ids, so that a failing case reads well.
pub(crate) fn organization(n: usize) -> OrganizationId {
    OrganizationId(Uuid::from_u64_pair(0xa, n as u64))
}

pub(crate) fn slug(n: usize) -> String {
    format!("organization-{n}")
}

pub(crate) fn user(n: usize) -> String {
    format!("user-{n}")
}

pub(crate) fn key(n: usize) -> KeyId {
    KeyId(Uuid::from_u64_pair(0xb, n as u64))
}

/// A key: its organization, whether it is revoked and disabled, when it expires, and its uses.
type Key = (usize, [bool; 2], Option<i64>, Vec<(i64, Outcome, u32)>);

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::RateLimited),
        Just(Outcome::Error)
    ]
}

/// Milliseconds before [`NOW`]: within 100 days, and often exactly at an edge.
fn age() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..100 * DAY,
        (0..100i64).prop_map(|days| days * DAY),
        prop_oneof![
            Just(0),
            Just(30 * DAY - 1),
            Just(30 * DAY),
            Just(30 * DAY + 1)
        ],
    ]
}

fn a_key() -> impl Strategy<Value = Key> {
    let expiry = option::of(prop_oneof![-20 * DAY..20 * DAY, -1..=1i64]);
    let uses = vec((age(), outcome(), 0..1000u32), 0..6);
    (
        0..ORGANIZATIONS,
        [0.3, 0.2].map(proptest::bool::weighted),
        expiry,
        uses,
    )
}

/// A world at [`NOW`].
pub(crate) fn world() -> impl Strategy<Value = Seed> {
    let members = vec(proptest::bool::ANY, ORGANIZATIONS * USERS);
    (members, vec(a_key(), 0..12)).prop_map(|(members, keys)| build(&members, &keys))
}

fn build(members: &[bool], keys: &[Key]) -> Seed {
    let created_at = before(200 * DAY);
    let organizations = (0..ORGANIZATIONS).map(|n| Organization {
        id: organization(n),
        slug: Slug::new(slug(n)).unwrap(),
        name: Name::new(slug(n)).unwrap(),
        created_at,
    });
    let pairs = (0..ORGANIZATIONS).flat_map(|o| (0..USERS).map(move |u| (o, u)));
    let members = pairs
        .zip(members)
        .filter(|(_, is_member)| **is_member)
        .map(|((o, u), _)| {
            let member = Member {
                user: UserId::new(user(u)).unwrap(),
                role: [Role::Owner, Role::Admin, Role::Member][u % 3],
                created_at,
            };
            (organization(o), member)
        });
    let mut seed = Seed {
        organizations: organizations.collect(),
        members: members.collect(),
        ..Seed::default()
    };
    for (n, (owner, [revoked, disabled], expiry, uses)) in keys.iter().enumerate() {
        seed.keys.push(SeedKey {
            id: key(n),
            organization: organization(*owner),
            key: NewKey {
                secret: Secret::generate([u8::try_from(n).unwrap(); 32]),
                settings: KeySettings {
                    expires_at: expiry.map(|distance| before(-distance)),
                    ..KeySettings::named(Name::new(format!("Key {n}")).unwrap())
                },
                created_by: None,
                created_at,
            },
            state: SeedState {
                revoked_at: revoked.then(|| before(DAY)),
                disabled_at: disabled.then(|| before(2 * DAY)),
            },
        });
        seed.uses
            .extend(uses.iter().map(|&(age, outcome, count)| UsageEvent {
                key: key(n),
                at: before(age),
                outcome,
                count,
            }));
    }
    seed
}

fn before(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - millis)
}
