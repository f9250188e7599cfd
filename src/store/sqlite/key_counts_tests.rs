//! Kept counts plus the difference since then equal a count from scratch: after random histories, at any instant, with
//! clocks that are set back, in new and in migrated databases.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    key_counts, key_lifecycle, query_plan_tests::in_memory, schema, stats, usage, usage_imports,
};
use crate::model::{
    Actor, KeyCounts, KeyDates, KeyId, KeySettings, KeyState, MeteredUse, Name, NewKey,
    OrganizationId, OrganizationRef, Outcome, Secret, SeedState, Timestamp, UsageEvent,
    UsageTotals, UserId,
};

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0xa));

const DAY: i64 = 86_400_000;

/// 2026-01-15T12:00:00Z.
const START: i64 = 1_768_478_400_000;

/// A key before a migration: when it was last used and expires, in milliseconds after [`START`], and whether it is revoked.
type OldKey = (Option<i64>, Option<i64>, bool);

/// A step of a history. A key is an index, modulo the number of keys. Times are milliseconds after now.
#[derive(Debug, Clone)]
enum Step {
    Seed(Option<i64>, [bool; 2]),
    Create(Option<i64>),
    Use(Vec<(usize, i64)>),
    Import(usize, i64),
    Revoke(usize),
    Change(usize, bool, Option<i64>),
    SetClock(i64),
    Advance(i64),
}

/// Up to 70 days, often at the edge of inactivity or within a millisecond.
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..70 * DAY,
        (0..3i64).prop_map(|months| months * 30 * DAY),
        (29..=31i64).prop_map(|days| days * DAY),
        0..3i64,
    ]
}

fn signed_distance() -> impl Strategy<Value = i64> {
    (distance(), any::<bool>()).prop_map(|(distance, back)| if back { -distance } else { distance })
}

fn step() -> impl Strategy<Value = Step> {
    let expiry = || option::of(signed_distance());
    let key = 0..8usize;
    let past = || distance().prop_map(|distance| -distance);
    prop_oneof![
        (expiry(), any::<[bool; 2]>()).prop_map(|(expiry, state)| Step::Seed(expiry, state)),
        expiry().prop_map(Step::Create),
        vec((key.clone(), past()), 1..4).prop_map(Step::Use),
        (key.clone(), past()).prop_map(|(key, at)| Step::Import(key, at)),
        key.clone().prop_map(Step::Revoke),
        (key, any::<bool>(), expiry())
            .prop_map(|(key, off, expiry)| Step::Change(key, off, expiry)),
        signed_distance().prop_map(Step::SetClock),
        (1..4i64).prop_map(Step::Advance),
    ]
}

struct History {
    conn: Connection,
    now: Timestamp,
}

impl History {
    /// A database with one organization and the keys of an earlier version, migrated.
    fn migrated(keys: &[OldKey]) -> Self {
        let mut conn = Connection::open_in_memory().unwrap();
        let (schema, _) = include_str!("../../../schema.sql")
            .split_once("\n-- v 3")
            .unwrap();
        conn.execute_batch(schema).unwrap();
        conn.execute_batch("PRAGMA user_version = 2").unwrap();
        insert_organization(&conn);
        for (n, (last_use, expiry, revoked)) in keys.iter().enumerate() {
            let at = |distance: &Option<i64>| distance.map(|distance| START + distance);
            let insert = "
                INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at,
                                      last_used_at, errors, expires_at, revoked_at)
                VALUES (?1, ?2, randomblob(32), 'sk_...abcd', 'x', 0, ?3, ?3 IS NOT NULL, ?4, ?5)";
            let revoked_at = revoked.then_some(START);
            let id = KeyId(Uuid::from_u128(n as u128));
            let row = params![id, ORGANIZATION, at(last_use), at(expiry), revoked_at];
            conn.execute(insert, row).unwrap();
        }
        let totals = "
            UPDATE organization_totals
               SET (total_keys, revoked_keys) = (SELECT count(*), count(revoked_at) FROM api_keys)";
        conn.execute(totals, []).unwrap();
        schema::migrate(&mut conn, "test".as_ref(), &[7; 32]).unwrap();
        Self {
            conn,
            now: Timestamp::from_millis(START),
        }
    }

    fn at(&self, distance: i64) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis() + distance)
    }

    /// Returns every key with its state.
    fn keys(&self) -> BTreeMap<KeyId, KeyState> {
        let all = "SELECT id, revoked_at, expires_at, disabled_at, last_used_at FROM api_keys";
        let mut statement = self.conn.prepare(all).unwrap();
        let keys = statement.query_map([], |row| {
            let dates = KeyDates {
                revoked_at: row.get(1)?,
                expires_at: row.get(2)?,
                disabled_at: row.get(3)?,
            };
            let last_used_at = row.get(4)?;
            Ok((
                row.get(0)?,
                KeyState {
                    dates,
                    last_used_at,
                },
            ))
        });
        keys.unwrap().map(Result::unwrap).collect()
    }

    fn new_key(&self, n: usize, expiry: Option<i64>) -> NewKey {
        NewKey {
            secret: Secret::generate([u8::try_from(n).unwrap(); 32]),
            settings: KeySettings {
                expires_at: expiry.map(|distance| self.at(distance)),
                ..KeySettings::named(Name::new("x").unwrap())
            },
            created_by: None,
            created_at: self.now,
        }
    }

    fn take(&mut self, step: &Step) {
        let keys = self.keys();
        let key = |n: usize| {
            keys.iter()
                .nth(n % keys.len().max(1))
                .map(|(id, key)| (*id, *key))
        };
        let event = |(n, at)| {
            key(n).map(|(key, _)| UsageEvent {
                key,
                at,
                outcome: Outcome::Success,
                count: 1,
            })
        };
        let (now, organization) = (self.now, OrganizationRef::Id(ORGANIZATION));
        let new = |expiry| self.new_key(keys.len(), expiry);
        match *step {
            Step::Seed(expiry, [revoked, disabled]) => {
                let id = KeyId(Uuid::from_u128(1000 + keys.len() as u128));
                let state = SeedState {
                    revoked_at: revoked.then_some(now),
                    disabled_at: disabled.then_some(now),
                };
                let new = new(expiry);
                let tx = self.conn.savepoint().unwrap();
                key_lifecycle::insert(&tx, ORGANIZATION, id, &new, state).unwrap();
                tx.commit().unwrap();
            }
            Step::Create(expiry) => {
                let (new, random) = (new(expiry), [0; 10]);
                let tx = self.conn.savepoint().unwrap();
                key_lifecycle::create(&tx, &organization, &Actor::Operator, &new, random).unwrap();
                tx.commit().unwrap();
            }
            Step::Use(ref uses) => {
                let uses = uses.iter().map(|&(n, at)| (n, self.at(at)));
                let metered = |event| MeteredUse {
                    event,
                    rate_limit: None,
                };
                let uses: Vec<_> = uses.filter_map(event).map(metered).collect();
                let tx = self.conn.savepoint().unwrap();
                usage::count_metered(&tx, &uses).unwrap();
                tx.commit().unwrap();
            }
            Step::Import(n, at) => {
                let mut totals = UsageTotals::default();
                if let Some(event) = event((n, self.at(at))) {
                    assert!(totals.add(event));
                }
                let tx = self.conn.savepoint().unwrap();
                usage_imports::import(&tx, &totals, None, now).unwrap();
                tx.commit().unwrap();
            }
            Step::Revoke(n) => {
                if let Some((key, _)) = key(n) {
                    let tx = self.conn.savepoint().unwrap();
                    key_lifecycle::revoke(&tx, &organization, &Actor::Operator, key, now).unwrap();
                    tx.commit().unwrap();
                }
            }
            Step::Change(n, disabled, expiry) => {
                if let Some((key, before)) = key(n) {
                    let dates = KeyDates {
                        expires_at: expiry.map(|distance| self.at(distance)),
                        disabled_at: disabled.then_some(now),
                        ..before.dates
                    };
                    let change =
                        "UPDATE api_keys SET expires_at = ?2, disabled_at = ?3 WHERE id = ?1";
                    let tx = self.conn.savepoint().unwrap();
                    tx.execute(change, params![key, dates.expires_at, dates.disabled_at])
                        .unwrap();
                    let after = KeyState { dates, ..before };
                    key_counts::moved(&tx, ORGANIZATION, Some(before), after).unwrap();
                    tx.commit().unwrap();
                }
            }
            Step::SetClock(distance) => self.now = self.at(distance),
            Step::Advance(portion) => {
                let before = key_counts::counted_at(&self.conn, ORGANIZATION).unwrap();
                let tx = self.conn.savepoint().unwrap();
                let (end, _) = key_counts::advance(&tx, ORGANIZATION, now, portion).unwrap();
                tx.commit().unwrap();
                let (first, last) = (before.min(now), before.max(now));
                assert!(end != before || before == now, "no progress");
                assert!((first..=last).contains(&end), "{first} {end} {last}");
            }
        }
    }

    /// Compares the counts as of `at` with a count from scratch.
    fn check(&self, at: Timestamp) {
        let keys = self.keys();
        let expected = keys.values().map(|key| key.counts(at));
        let expected = expected.fold(KeyCounts::default(), |sum, key| sum + key);
        let (organization, user) = (OrganizationRef::Id(ORGANIZATION), UserId::new("u").unwrap());
        let read = stats::key_stats(&self.conn, &organization, &user, at, None).unwrap();
        assert_eq!(read.stats.keys, expected);
        let all = stats::key_status_counts(&self.conn, at).unwrap();
        assert_eq!(
            [all.active, all.revoked, all.expired, all.disabled],
            [
                expected.active(),
                expected.revoked,
                expected.expired,
                expected.disabled
            ]
        );
    }

    /// Advances the counts to now, and checks that nothing remains to be done.
    fn finish(&mut self) {
        let mut outdated = key_counts::outdated(&self.conn, self.now).unwrap();
        while !outdated.is_empty() {
            let tx = self.conn.savepoint().unwrap();
            outdated = key_counts::advance_portion(&tx, outdated, self.now).unwrap();
            tx.commit().unwrap();
        }
        assert_eq!(key_counts::outdated(&self.conn, self.now).unwrap(), []);
        let counted_at = key_counts::counted_at(&self.conn, ORGANIZATION).unwrap();
        let since = key_counts::difference(&self.conn, ORGANIZATION, counted_at, self.now).unwrap();
        assert_eq!((since.keys, since.counts), (0, KeyCounts::default()));
    }
}

fn insert_organization(conn: &Connection) {
    let insert = format!(
        "INSERT INTO organizations (id, slug, name, created_at) VALUES ('{id}', 'x', 'x', {START});
         INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ('{id}', 'u', 'owner', {START});
         INSERT INTO organization_totals (organization_id) VALUES ('{id}');",
        id = ORGANIZATION.0
    );
    conn.execute_batch(&insert).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn counts_of_any_history_equal_a_count_from_scratch(
        old in vec((option::of(signed_distance()), option::of(signed_distance()), any::<bool>()), 0..6),
        steps in vec((step(), signed_distance()), 0..24),
    ) {
        let mut history = History::migrated(&old);
        history.check(history.now);
        for (step, distance) in &steps {
            history.take(step);
            history.check(history.now);
            history.check(history.at(*distance));
        }
        history.finish();
        history.check(history.now);
    }
}

/// A database with `keys` keys, of which one expires in each millisecond after [`START`], and one becomes inactive.
fn burst(keys: i64) -> Connection {
    let conn = in_memory();
    insert_organization(&conn);
    let insert = "
        WITH RECURSIVE numbers (value) AS (
          SELECT 2
           UNION ALL
          SELECT value + 1
            FROM numbers
           WHERE value < ?3)
        INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at,
                              expires_at, last_used_at, errors)
        SELECT format('00000000-0000-4000-8000-%012x', value), ?1, randomblob(32), 'sk_...abcd', 'x', 0,
               iif(value % 2, NULL, ?2 + value / 2),
               iif(value % 2, ?2 + value / 2 - 30 * 86400000, NULL),
               value % 2
          FROM numbers";
    conn.execute(insert, params![ORGANIZATION, START, 2 * keys + 1])
        .unwrap();
    let totals =
        "UPDATE organization_totals SET counted_at = ?1, total_keys = ?2, never_used_keys = ?3";
    conn.execute(totals, params![START, 2 * keys, keys])
        .unwrap();
    conn
}

#[test]
fn use_advances_the_counts_by_one_portion() {
    let mut conn = burst(2500);
    let organization = OrganizationRef::Id(ORGANIZATION);
    let user = UserId::new("u").unwrap();
    let now = Timestamp::from_millis(START + 3_600_000);
    let mut ends = Vec::new();
    for _ in 0..4 {
        let use_of_a_key = MeteredUse {
            event: UsageEvent {
                key: KeyId(Uuid::from_u128(0x4000_8000_0000_0000_0002)),
                at: now,
                outcome: Outcome::Error,
                count: 1,
            },
            rate_limit: None,
        };
        let tx = conn.savepoint().unwrap();
        usage::count_metered(&tx, &[use_of_a_key]).unwrap();
        tx.commit().unwrap();
        let counted_at = key_counts::counted_at(&conn, ORGANIZATION).unwrap();
        ends.push(counted_at.as_millis() - START);
        let read = stats::key_stats(&conn, &organization, &user, now, None).unwrap();
        assert_eq!(
            read.is_outdated,
            counted_at < Timestamp::from_millis(START + 2000)
        );
        assert_eq!(
            (read.stats.keys.expired, read.stats.keys.inactive),
            (2500, 2500)
        );
    }
    assert_eq!(ends, [1000, 2000, 3_600_000, 3_600_000]);
}

#[test]
fn keys_of_one_millisecond_are_one_portion() {
    let mut conn = burst(50);
    conn.execute("UPDATE api_keys SET expires_at = ?1", [START + 7])
        .unwrap();
    let now = Timestamp::from_millis(START + 100);
    let tx = conn.savepoint().unwrap();
    let (end, keys) = key_counts::advance(&tx, ORGANIZATION, now, 10).unwrap();
    assert_eq!((end.as_millis() - START, keys), (7, 100));
}

#[test]
fn counts_that_are_recent_are_not_advanced() {
    let mut conn = burst(1);
    let tx = conn.savepoint().unwrap();
    for (distance, end) in [(59_999, 0), (-59_999, 0), (60_000, 60_000), (0, 0)] {
        let now = Timestamp::from_millis(START + distance);
        let counted_at = key_counts::counted_recently(&tx, ORGANIZATION, now).unwrap();
        assert_eq!(counted_at.as_millis() - START, end, "{distance}");
    }
}
