//! The demo world: three organizations, five users, eleven keys, and 90 days of use up to the moment of
//! loading; and the sandbox's, which has five organizations more.
//!
//! Read from `fixtures/`, which is part of the binary and gives every date as a distance from now. The same `now`
//! gives the same world, to the last count. The secrets in it are public: they open nothing but the demo and the
//! sandbox.

mod key;

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use self::key::DemoKey;
use crate::model::{
    KeyId, Member, Name, Organization, OrganizationId, Role, Secret, Seed, SeedKey, Slug,
    Timestamp, UserId,
};

const DEMO: &str = include_str!("../../fixtures/demo.json");
const SANDBOX: &str = include_str!("../../fixtures/sandbox.json");

/// The demo world, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demo {
    #[serde(default)]
    users: Vec<User>,
    organizations: Vec<DemoOrganization>,
    #[serde(default)]
    examples: Vec<DemoExample>,
}

/// An answer that is worth showing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoExample {
    /// The id of the operation that gives it.
    pub operation: String,
    /// Its name, which no other example of the operation has.
    pub name: String,
    /// What it shows.
    pub summary: String,
    /// What to ask for, under the base path.
    pub target: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: UserId,
    name: String,
}

/// An organization, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DemoOrganization {
    /// Its id.
    pub id: Uuid,
    /// Its name in URLs.
    pub slug: Slug,
    /// What it is called.
    pub name: Name,
    /// What it is there to show.
    pub scenario: Scenario,
    created_days_ago: u64,
    members: Vec<DemoMember>,
    keys: Vec<DemoKey>,
}

/// What an organization is there to show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// In a word or two.
    pub title: String,
    /// In a sentence.
    pub about: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoMember {
    user: UserId,
    role: Role,
}

/// A demo user, for the lines that a start with `--demo` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoUser {
    /// The user's id.
    pub id: UserId,
    /// The user's first name.
    pub name: String,
    /// What the user belongs to, in the order of the files.
    pub memberships: Vec<Membership>,
}

/// That a user belongs to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization's name in URLs.
    pub slug: Slug,
    /// What the organization is called.
    pub organization: Name,
    /// What the user is in it.
    pub role: Role,
}

impl Demo {
    /// The fixtures that this binary carries.
    ///
    /// # Errors
    /// When they are malformed, which the tests rule out.
    pub fn load() -> serde_json::Result<Self> {
        serde_json::from_str(DEMO)
    }

    /// The fixtures of the sandbox: the demo's, and an organization for each further scenario.
    ///
    /// # Errors
    /// As [`Demo::load`].
    pub fn sandbox() -> serde_json::Result<Self> {
        let mut demo = Self::load()?;
        let more: Self = serde_json::from_str(SANDBOX)?;
        demo.organizations.extend(more.organizations);
        demo.examples.extend(more.examples);
        Ok(demo)
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

    /// The organizations, in the order of the files.
    #[must_use]
    pub fn organizations(&self) -> &[DemoOrganization] {
        &self.organizations
    }

    /// Answers that are worth showing, in the order of the files.
    #[must_use]
    pub fn examples(&self) -> &[DemoExample] {
        &self.examples
    }

    fn memberships(&self, user: &UserId) -> Vec<Membership> {
        let of = |organization: &DemoOrganization| {
            Some(Membership {
                slug: organization.slug.clone(),
                organization: organization.name.clone(),
                role: organization.role_of(user)?,
            })
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
            for key in demo.keys.iter().flat_map(DemoKey::copies) {
                seed.keys.push(SeedKey {
                    organization: id,
                    key: key.at(now),
                    revoked_at: key.revoked_days_ago.map(|ago| now.before(days(ago))),
                });
                seed.uses.extend(key.uses(now));
                seed.live_uses.extend(key.spent(now));
            }
        }
        seed
    }
}

impl DemoOrganization {
    /// What a user is in it, if anything.
    #[must_use]
    pub fn role_of(&self, user: &UserId) -> Option<Role> {
        let mut members = self.members.iter();
        Some(members.find(|member| member.user == *user)?.role)
    }

    /// How many keys it has.
    #[must_use]
    pub fn total_keys(&self) -> usize {
        self.keys.iter().map(DemoKey::number_of_copies).sum()
    }

    /// Its keys: id, name and secret. Each is made when its turn comes.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, Name, Secret)> {
        let keys = self.keys.iter().flat_map(DemoKey::copies);
        keys.map(|key| (KeyId(key.id), key.name, key.secret))
    }
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[cfg(test)]
mod tests {
    use super::{key::DAYS_OF_USE, *};

    const NOON: Timestamp = Timestamp::from_millis(1_767_614_400_000);

    #[test]
    fn a_key_is_unlimited_only_if_the_file_says_so() {
        let demo = Demo::sandbox().unwrap();
        for key in demo.organizations.iter().flat_map(|demo| &demo.keys) {
            let settings = key.settings(NOON);
            assert_eq!(settings.rate_limit.is_some(), key.rate_limit.is_some());
        }
    }

    #[test]
    fn the_same_moment_gives_the_same_world() {
        let world = || format!("{:?}", Demo::sandbox().unwrap().seed(NOON));
        assert_eq!(world(), world());
    }

    #[test]
    fn no_use_lies_outside_the_last_90_days_or_a_keys_life() {
        let seed = Demo::sandbox().unwrap().seed(NOON);
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
