//! A history of an organization: what the tests of kept counts do to a database, and what they compare it with.
//!
//! Used by [`super::history_tests`]. Every step goes through the function that the store calls.

use std::collections::BTreeMap;

use rusqlite::{Connection, Savepoint, params};
use uuid::Uuid;

use crate::{
    model::{
        Actor, KeyCounts, KeyDates, KeyId, KeySettings, KeyState, MeteredUse, Name, NewKey,
        OrganizationId, OrganizationRef, Outcome, Secret, SeedState, Timestamp, UsageEvent,
        UsageTotals, UserId,
    },
    store::sqlite::{key_counts, key_lifecycle, schema, stats, usage, usage_imports},
};

pub(super) const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0xa));

pub(super) const DAY: i64 = 86_400_000;

/// 2026-01-15T12:00:00Z.
pub(super) const START: i64 = 1_768_478_400_000;

/// A key before a migration: when it was last used and expires, in milliseconds after [`START`], and whether it is revoked.
type OldKey = (Option<i64>, Option<i64>, bool);

/// A step of a history. A key is an index, modulo the number of keys. Times are milliseconds after now.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Seed(Option<i64>, [bool; 2]),
    Create(Option<i64>),
    Use(Vec<(usize, i64)>),
    Import(usize, i64),
    Revoke(usize),
    Change(usize, bool, Option<i64>),
    SetClock(i64),
    Advance(i64),
}

pub(super) struct History {
    conn: Connection,
    pub(super) now: Timestamp,
}

impl History {
    /// A database with one organization and the keys of an earlier version, migrated.
    pub(super) fn migrated(keys: &[OldKey]) -> Self {
        let mut conn = Connection::open_in_memory().unwrap();
        let (schema, _) = include_str!("../../../../schema.sql")
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

    pub(super) fn at(&self, distance: i64) -> Timestamp {
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

    /// Runs `write` as the writer does.
    fn write<T>(&mut self, write: impl FnOnce(&Savepoint<'_>) -> T) -> T {
        let tx = self.conn.savepoint().unwrap();
        let written = write(&tx);
        tx.commit().unwrap();
        written
    }

    /// Returns the key with this index, if there are keys.
    fn key(&self, n: usize) -> Option<(KeyId, KeyState)> {
        let keys = self.keys();
        let index = n.checked_rem(keys.len())?;
        keys.into_iter().nth(index)
    }

    fn use_of(&self, n: usize, distance: i64) -> Option<UsageEvent> {
        let (key, _) = self.key(n)?;
        Some(UsageEvent {
            key,
            at: self.at(distance),
            outcome: Outcome::Success,
            count: 1,
        })
    }

    pub(super) fn take(&mut self, step: &Step) {
        match *step {
            Step::Seed(expiry, state) => self.seed(expiry, state),
            Step::Create(expiry) => self.create(expiry),
            Step::Use(ref uses) => self.use_keys(uses),
            Step::Import(n, at) => self.import(n, at),
            Step::Revoke(n) => self.revoke(n),
            Step::Change(n, disabled, expiry) => self.change(n, disabled, expiry),
            Step::SetClock(distance) => self.now = self.at(distance),
            Step::Advance(portion) => self.advance(portion),
        }
    }

    fn seed(&mut self, expiry: Option<i64>, [revoked, disabled]: [bool; 2]) {
        let n = self.keys().len();
        let id = KeyId(Uuid::from_u128(1000 + n as u128));
        let state = SeedState {
            revoked_at: revoked.then_some(self.now),
            disabled_at: disabled.then_some(self.now),
        };
        let key = self.new_key(n, expiry);
        self.write(|tx| key_lifecycle::insert(tx, ORGANIZATION, id, &key, state))
            .unwrap();
    }

    fn create(&mut self, expiry: Option<i64>) {
        let key = self.new_key(self.keys().len(), expiry);
        let organization = OrganizationRef::Id(ORGANIZATION);
        self.write(|tx| key_lifecycle::create(tx, &organization, &Actor::Operator, &key, [0; 10]))
            .unwrap();
    }

    fn use_keys(&mut self, uses: &[(usize, i64)]) {
        let events = uses.iter().filter_map(|(n, at)| self.use_of(*n, *at));
        let rate_limit = None;
        let uses: Vec<_> = events
            .map(|event| MeteredUse {
                event,
                rate_limit,
                has_quota: false,
            })
            .collect();
        self.write(|tx| usage::count_metered(tx, &uses)).unwrap();
    }

    fn import(&mut self, n: usize, at: i64) {
        let mut totals = UsageTotals::default();
        if let Some(event) = self.use_of(n, at) {
            assert!(totals.add(event));
        }
        let now = self.now;
        self.write(|tx| usage_imports::import(tx, &totals, None, now))
            .unwrap();
    }

    fn revoke(&mut self, n: usize) {
        let Some((key, _)) = self.key(n) else { return };
        let (organization, now) = (OrganizationRef::Id(ORGANIZATION), self.now);
        self.write(|tx| key_lifecycle::revoke(tx, &organization, &Actor::Operator, key, now))
            .unwrap();
    }

    /// Disables or enables a key, and changes its expiry.
    fn change(&mut self, n: usize, disabled: bool, expiry: Option<i64>) {
        let Some((key, before)) = self.key(n) else {
            return;
        };
        let dates = KeyDates {
            expires_at: expiry.map(|distance| self.at(distance)),
            disabled_at: disabled.then_some(self.now),
            ..before.dates
        };
        let change = "UPDATE api_keys SET expires_at = ?2, disabled_at = ?3 WHERE id = ?1";
        let row = params![key, dates.expires_at, dates.disabled_at];
        let after = KeyState { dates, ..before };
        self.write(|tx| {
            tx.execute(change, row).unwrap();
            key_counts::moved(tx, ORGANIZATION, Some(before), after).unwrap();
        });
    }

    /// Advances the counts by one portion, and checks that it ends between them and now.
    fn advance(&mut self, portion: i64) {
        let before = key_counts::counted_at(&self.conn, ORGANIZATION).unwrap();
        let now = self.now;
        let advance =
            |tx: &Savepoint<'_>| key_counts::advance::advance(tx, ORGANIZATION, now, portion);
        let (end, _) = self.write(advance).unwrap();
        assert!(end != before || before == now, "no progress");
        let (first, last) = (before.min(now), before.max(now));
        assert!((first..=last).contains(&end), "{first} {end} {last}");
    }

    /// Compares the counts as of `at`, and the month of each key, with a count from scratch.
    pub(super) fn check(&self, at: Timestamp) {
        self.check_newest_months();
        let keys = self.keys();
        let expected = keys.values().map(|key| key.counts(at));
        let expected = expected.fold(KeyCounts::default(), |sum, key| sum + key);
        let (organization, user) = (OrganizationRef::Id(ORGANIZATION), UserId::new("u").unwrap());
        let read = stats::key_stats(&self.conn, &organization, &user, at, None).unwrap();
        assert_eq!(read.keys, expected);
        let short = stats::short_key_stats(&self.conn, &organization, &user, at, None).unwrap();
        assert_eq!(short.map(|short| short.keys), Some(expected));
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

    /// Compares each key's newest month with the sum of its days.
    fn check_newest_months(&self) {
        let wrong = "
            WITH newest AS (
              SELECT key_id,
                     unixepoch(max(day) * 86400, 'unixepoch', 'start of month') / 86400 AS month
                FROM key_daily_usage
               GROUP BY key_id)
            SELECT count(*)
              FROM api_keys AS k
              LEFT JOIN newest
                ON newest.key_id = k.id
             WHERE k.newest_month IS NOT newest.month
                OR k.newest_month_successes <> (SELECT coalesce(sum(successful_requests), 0)
                                                  FROM key_daily_usage
                                                 WHERE key_id = k.id
                                                   AND day >= newest.month)";
        let wrong: i64 = self.conn.query_row(wrong, [], |row| row.get(0)).unwrap();
        assert_eq!(wrong, 0, "keys whose month differs from their days");
    }

    /// Advances the counts to now, and checks that nothing remains to be done.
    pub(super) fn finish(&mut self) {
        let mut outdated = key_counts::outdated(&self.conn, self.now).unwrap();
        while !outdated.is_empty() {
            let now = self.now;
            let advance = |tx: &Savepoint<'_>| key_counts::advance_portion(tx, outdated, now);
            outdated = self.write(advance).unwrap();
        }
        assert_eq!(key_counts::outdated(&self.conn, self.now).unwrap(), []);
        let counted_at = key_counts::counted_at(&self.conn, ORGANIZATION).unwrap();
        let since = key_counts::difference(&self.conn, ORGANIZATION, counted_at, self.now).unwrap();
        assert_eq!((since.keys, since.counts), (0, KeyCounts::default()));
    }
}

pub(super) fn insert_organization(conn: &Connection) {
    let insert = format!(
        "INSERT INTO organizations (id, slug, name, created_at) VALUES ('{id}', 'x', 'x', {START});
         INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ('{id}', 'u', 'owner', {START});
         INSERT INTO organization_totals (organization_id) VALUES ('{id}');",
        id = ORGANIZATION.0
    );
    conn.execute_batch(&insert).unwrap();
}
