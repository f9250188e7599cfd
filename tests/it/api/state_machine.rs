//! Random histories: for any operations of any users in any order, the responses are those of a small model, the
//! kept totals are the sums, and the audit log tells exactly what happened.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{
    ACME, ANA, BETO, CARLA, EVA, INITECH, TestApp, key_path, keys_path, later, stats_path,
};

const USERS: [&str; 4] = [ANA, BETO, CARLA, EVA];

#[derive(Debug, Clone)]
enum Step {
    /// Creates a key that lives for so many milliseconds.
    Create {
        lifetime: Option<i64>,
    },
    Rotate {
        key: usize,
        grace_seconds: i64,
        replace_new: bool,
    },
    Revoke {
        key: usize,
    },
    /// The clock moves on.
    Wait {
        millis: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::option::of(1..3000i64).prop_map(|lifetime| Step::Create { lifetime }),
        (0..6usize, 0..3i64, any::<bool>()).prop_map(|(key, grace_seconds, replace_new)| {
            Step::Rotate {
                key,
                grace_seconds,
                replace_new,
            }
        }),
        (0..6usize).prop_map(|key| Step::Revoke { key }),
        (0..1500i64).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// A key as the model knows it.
struct Key {
    id: String,
    expires_at: Option<i64>,
    revoked: bool,
    secret: Value,
    /// The secret before, and until when it works.
    retiring: Option<(Value, i64)>,
    /// Those that work no longer.
    dead: Vec<Value>,
}

impl Key {
    fn status(&self, now: i64) -> &'static str {
        match self.expires_at {
            _ if self.revoked => "revoked",
            Some(at) if at <= now => "expired",
            _ => "active",
        }
    }
}

/// The database with one organization of Ana's alone, and what should be in it.
struct World {
    app: TestApp,
    now: i64,
    keys: Vec<Key>,
    acts: Vec<(String, &'static str, String)>,
}

impl World {
    async fn act(&mut self, user: &str, step: &Step) {
        // Ana owns Initech, and is its only member.
        let refused = (user != ANA).then_some(403);
        match *step {
            Step::Wait { millis } => {
                self.now += millis;
                self.app.set_clock(later(self.now));
            }
            Step::Create { lifetime } => self.create(user, lifetime, refused).await,
            Step::Rotate {
                key,
                grace_seconds,
                replace_new,
            } => {
                let asked = json!({ "graceSeconds": grace_seconds, "replaceNew": replace_new });
                self.rotate(user, key, &asked, refused).await;
            }
            Step::Revoke { key } => self.revoke(user, key, refused).await,
        }
    }

    async fn create(&mut self, user: &str, lifetime: Option<i64>, refused: Option<u16>) {
        let expires_at = lifetime.map(|lifetime| self.now + lifetime);
        let asked = json!({ "name": "x", "expiresAt": expires_at.map(|at| later(at).to_string()) });
        let answer = self.app.post(user, &keys_path(INITECH), &asked).await;
        assert_eq!(answer.status(), refused.unwrap_or(201));
        if refused.is_some() {
            return;
        }
        let key: Value = answer.json().await.unwrap();
        let id = key["id"].as_str().unwrap().to_owned();
        self.acts.push((user.to_owned(), "key.created", id.clone()));
        self.keys.push(Key {
            id,
            expires_at,
            revoked: false,
            secret: key["key"].clone(),
            retiring: None,
            dead: Vec::new(),
        });
    }

    async fn rotate(&mut self, user: &str, key: usize, asked: &Value, refused: Option<u16>) {
        let Some(key) = self.keys.get_mut(key) else {
            return;
        };
        let path = key_path(INITECH, &key.id) + "/rotate";
        let answer = self.app.post(user, &path, asked).await;
        let grace = asked["graceSeconds"].as_i64().unwrap() * 1000;
        let in_grace = matches!(key.retiring, Some((_, until)) if until > self.now);
        let replaces = in_grace && asked["replaceNew"] == true;
        let is_allowed = key.status(self.now) == "active" && (grace == 0 || !in_grace || replaces);
        let expected = refused.unwrap_or(if is_allowed { 200 } else { 409 });
        assert_eq!(answer.status(), expected);
        if expected == 200 {
            let rotated: Value = answer.json().await.unwrap();
            let newest = std::mem::replace(&mut key.secret, rotated["key"].clone());
            if grace > 0 && replaces {
                key.dead.push(newest);
            } else {
                let previous = key.retiring.replace((newest, self.now + grace));
                key.dead.extend(previous.map(|(secret, _)| secret));
            }
            self.acts
                .push((user.to_owned(), "key.rotated", key.id.clone()));
        }
    }

    async fn revoke(&mut self, user: &str, key: usize, refused: Option<u16>) {
        let Some(key) = self.keys.get_mut(key) else {
            return;
        };
        let answer = self.app.delete(user, &key_path(INITECH, &key.id)).await;
        assert_eq!(answer.status(), refused.unwrap_or(200));
        if refused.is_none() && !key.revoked {
            key.revoked = true;
            self.acts
                .push((user.to_owned(), "key.revoked", key.id.clone()));
        }
    }

    async fn check(&self) {
        let stats = self.app.json(ANA, &stats_path(INITECH)).await;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for key in &self.keys {
            *counts.entry(key.status(self.now)).or_default() += 1;
            let read = self.app.json(ANA, &key_path(INITECH, &key.id)).await;
            assert_eq!(read["status"], key.status(self.now));
            self.check_secrets(key).await;
        }
        assert_eq!(stats["totalKeys"], self.keys.len());
        for (field, status) in [
            ("activeKeys", "active"),
            ("revokedKeys", "revoked"),
            ("expiredKeys", "expired"),
        ] {
            assert_eq!(
                stats[field],
                counts.get(status).copied().unwrap_or(0),
                "{stats}"
            );
        }
        let list = self
            .app
            .json(ANA, &(keys_path(INITECH) + "?limit=100"))
            .await;
        assert_eq!(list["items"].as_array().unwrap().len(), self.keys.len());
        assert_eq!(self.audit_log(), self.acts);
    }

    async fn check_secrets(&self, key: &Key) {
        assert_eq!(self.app.key_of(&key.secret).await.as_ref(), Some(&key.id));
        if let Some((secret, until)) = &key.retiring {
            let works = *until > self.now;
            assert_eq!(self.app.key_of(secret).await.is_some(), works);
        }
        for secret in &key.dead {
            assert_eq!(self.app.key_of(secret).await, None);
        }
    }

    fn audit_log(&self) -> Vec<(String, &'static str, String)> {
        let conn = self.app.other_connection();
        let mut statement = conn
            .prepare("SELECT actor_id, action, key_id FROM audit_log WHERE organization_id = ?1 ORDER BY id")
            .unwrap();
        let rows = statement.query_map([INITECH], |row| {
            let action: String = row.get(1)?;
            let names = ["key.created", "key.rotated", "key.revoked"];
            let action = names.into_iter().find(|name| *name == action).unwrap();
            Ok((row.get(0)?, action, row.get(2)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_histories_match_the_model(steps in vec((0..USERS.len() * 2, step()), 1..24)) {
        Runtime::new().unwrap().block_on(async {
            let mut world = World { app: TestApp::demo().await, now: 0, keys: Vec::new(), acts: Vec::new() };
            let elsewhere = world.app.json(ANA, &keys_path(ACME)).await;
            for (user, step) in &steps {
                // Half of the steps are Ana's.
                let user = USERS.get(*user).unwrap_or(&ANA);
                world.act(user, step).await;
            }
            world.check().await;
            world.app.set_clock(later(0));
            assert_eq!(world.app.json(ANA, &keys_path(ACME)).await, elsewhere);
            world.app.stop().await;
        });
    }
}
