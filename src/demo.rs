//! The demo world: three organizations, five users, eleven keys, and 90 days of use up to the moment of
//! loading.
//!
//! Read from `fixtures/demo.json`, which is part of the binary and gives every date as a distance from now.
//! The same `now` gives the same world, to the last count. The secrets in it are public: they open nothing
//! but the demo.

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::model::{
    Day, Description, KeyId, KeySettings, Member, Name, NewKey, Organization, OrganizationId,
    Outcome, RateLimit, Role, Scopes, Secret, Seed, SeedKey, Slug, Timestamp, Use, UserId,
};

const FIXTURES: &str = include_str!("../fixtures/demo.json");

/// How far back use reaches.
const DAYS_OF_USE: i64 = 90;

/// The demo world, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demo {
    users: Vec<User>,
    organizations: Vec<DemoOrganization>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: UserId,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoOrganization {
    id: Uuid,
    slug: Slug,
    name: Name,
    created_days_ago: u64,
    members: Vec<DemoMember>,
    keys: Vec<DemoKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoMember {
    user: UserId,
    role: Role,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoKey {
    id: Uuid,
    secret: Secret,
    name: Name,
    description: Option<Description>,
    scopes: Scopes,
    rate_limit: Option<DemoRateLimit>,
    created_by: UserId,
    created_days_ago: u64,
    /// Negative when it has expired.
    expires_in_days: Option<i64>,
    revoked_days_ago: Option<u64>,
    usage: Option<DemoUsage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoRateLimit {
    limit: i64,
    window_seconds: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoUsage {
    /// Requests on an average working day.
    per_day: u32,
    rate_limited_per_mille: u32,
    errors_per_mille: u32,
    last_used_minutes_ago: u64,
}

/// A demo user, for the lines that a start with `--demo` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoUser {
    /// The user's id.
    pub id: UserId,
    /// The user's first name.
    pub name: String,
    /// For instance `owner of Acme Corp`; empty for a member of nothing.
    pub memberships: Vec<String>,
}

impl Demo {
    /// The fixtures that this binary carries.
    ///
    /// # Errors
    /// When they are malformed, which the tests rule out.
    pub fn load() -> serde_json::Result<Self> {
        serde_json::from_str(FIXTURES)
    }

    /// The users, in the order of the file.
    #[must_use]
    pub fn users(&self) -> Vec<DemoUser> {
        let user = |user: &User| DemoUser {
            id: user.id.clone(),
            name: user.name.clone(),
            memberships: self.memberships(&user.id),
        };
        self.users.iter().map(user).collect()
    }

    fn memberships(&self, user: &UserId) -> Vec<String> {
        let of = |organization: &DemoOrganization| {
            let mut members = organization.members.iter();
            let role = members.find(|member| member.user == *user)?.role.as_str();
            Some(format!("{role} of {}", organization.name))
        };
        self.organizations.iter().filter_map(of).collect()
    }

    /// The world as it is at `now`.
    #[must_use]
    pub fn seed(&self, now: Timestamp) -> Seed {
        let mut seed = Seed::default();
        for demo in &self.organizations {
            let id = OrganizationId(demo.id);
            let created_at = now.before(days(demo.created_days_ago));
            seed.organizations.push(Organization {
                id,
                slug: demo.slug.clone(),
                name: demo.name.clone(),
                created_at,
            });
            let member = |member: &DemoMember| Member {
                user: member.user.clone(),
                role: member.role,
                created_at,
            };
            let members = demo.members.iter().map(member);
            seed.members.extend(members.map(|member| (id, member)));
            for key in &demo.keys {
                seed.keys.push(SeedKey {
                    organization: id,
                    key: key.at(now),
                    revoked_at: key.revoked_days_ago.map(|ago| now.before(days(ago))),
                });
                seed.uses.extend(key.uses(now));
            }
        }
        seed
    }
}

impl DemoKey {
    fn at(&self, now: Timestamp) -> NewKey {
        NewKey {
            id: KeyId(self.id),
            secret: self.secret.clone(),
            settings: self.settings(now),
            created_by: Some(self.created_by.clone()),
            created_at: now.before(days(self.created_days_ago)),
        }
    }

    fn settings(&self, now: Timestamp) -> KeySettings {
        KeySettings {
            name: self.name.clone(),
            description: self.description.clone(),
            scopes: self.scopes.clone(),
            rate_limit: self
                .rate_limit
                .as_ref()
                .and_then(|rate| RateLimit::new(rate.limit, rate.window_seconds)),
            expires_at: self.expires_in_days.map(|in_days| {
                let distance = days(in_days.unsigned_abs());
                if in_days < 0 {
                    now.before(distance)
                } else {
                    now.after(distance)
                }
            }),
        }
    }

    /// One use for each day and outcome, from 90 days ago (or the day after the key was made) to its last use.
    fn uses(&self, now: Timestamp) -> Vec<Use> {
        let Some(usage) = &self.usage else {
            return Vec::new();
        };
        let last = now.before(Duration::from_mins(usage.last_used_minutes_ago));
        let made = now.before(days(self.created_days_ago)).day();
        let first = now.day().minus(DAYS_OF_USE).max(made.minus(-1));
        let days = first.number()..=last.day().number();
        days.map(Day::from_number)
            .flat_map(|day| {
                let noon = day.start().after(Duration::from_hours(12));
                let at = if day == last.day() { last } else { noon };
                usage
                    .on(day, self.id)
                    .map(move |(outcome, count)| (at, outcome, count))
            })
            .map(|(at, outcome, count)| Use {
                key: KeyId(self.id),
                at,
                outcome,
                count,
            })
            .collect()
    }
}

impl DemoUsage {
    /// The requests of one day by outcome: less on weekends, and a little different every day.
    fn on(&self, day: Day, key: Uuid) -> [(Outcome, u32); 3] {
        // 1970-01-01 was a Thursday.
        let weekend = matches!((day.number() + 4).rem_euclid(7), 0 | 6);
        let percent = if weekend { 35 } else { 100 } + noise(day, key) % 31;
        let requests = self.per_day * percent / 115 + 1;
        let limited = requests * self.rate_limited_per_mille / 1000;
        let errors = requests * self.errors_per_mille / 1000;
        [
            (Outcome::Success, requests - limited - errors),
            (Outcome::RateLimited, limited),
            (Outcome::Error, errors),
        ]
    }
}

/// Numbers that look random and are the same everywhere: a mixing step of MurmurHash3.
fn noise(day: Day, key: Uuid) -> u32 {
    let mut hash = day.number().unsigned_abs() ^ key.as_u64_pair().1;
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    (hash >> 40) as u32
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_767_614_400_000);

    #[test]
    fn a_key_is_unlimited_only_if_the_file_says_so() {
        let demo = Demo::load().unwrap();
        for key in demo.organizations.iter().flat_map(|demo| &demo.keys) {
            let settings = key.settings(NOON);
            assert_eq!(settings.rate_limit.is_some(), key.rate_limit.is_some());
        }
    }

    #[test]
    fn the_same_moment_gives_the_same_world() {
        let world = || format!("{:?}", Demo::load().unwrap().seed(NOON));
        assert_eq!(world(), world());
    }

    #[test]
    fn no_use_lies_outside_the_last_90_days_or_a_keys_life() {
        let seed = Demo::load().unwrap().seed(NOON);
        for used in &seed.uses {
            let mut keys = seed.keys.iter();
            let seeded = keys.find(|seeded| seeded.key.id == used.key).unwrap();
            let key = &seeded.key;
            assert!(used.at <= NOON && used.at.day() >= NOON.day().minus(DAYS_OF_USE));
            assert!(
                used.at >= key.created_at,
                "{} used before it was made",
                key.settings.name
            );
            assert!(
                seeded.revoked_at.is_none_or(|at| used.at <= at),
                "{} used after revocation",
                key.settings.name
            );
            assert!(
                key.settings.expires_at.is_none_or(|at| used.at <= at),
                "{} used after expiry",
                key.settings.name
            );
        }
        assert!(
            seed.uses
                .iter()
                .any(|used| used.at.day() == NOON.day().minus(DAYS_OF_USE))
        );
    }
}
