//! Bursts: many keys that expire and become inactive at about the same time.
//!
//! Checks that the counts advance in portions, and that a read of the statistics is bounded as well.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::history::{ORGANIZATION, START, insert_organization};
use crate::{
    model::{
        KeyId, MeteredUse, OrganizationRef, Outcome, RecentKey, Timestamp, UsageEvent, UserId,
    },
    store::sqlite::{query_plan_tests::in_memory, stats, usage},
};

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
            has_quota: false,
        };
        let tx = conn.savepoint().unwrap();
        usage::count_metered(&tx, &[use_of_a_key]).unwrap();
        tx.commit().unwrap();
        let counted_at = super::counted_at(&conn, ORGANIZATION).unwrap();
        ends.push(counted_at.as_millis() - START);
        let read = stats::key_stats(&conn, &organization, &user, now, None).unwrap();
        assert_eq!((read.keys.expired, read.keys.inactive), (2500, 2500));
        // A portion of expiries and one of last uses remain after the first use, and half of each after the second.
        let short = stats::short_key_stats(&conn, &organization, &user, now, None).unwrap();
        let is_short = counted_at >= Timestamp::from_millis(START + 2000);
        assert_eq!(short, is_short.then_some(read));
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
    let (end, keys) = super::advance::advance(&tx, ORGANIZATION, now, 10).unwrap();
    // All keys expire in that millisecond, and seven would have become inactive until then.
    assert_eq!((end.as_millis() - START, keys), (7, 100 + 7));
}

#[test]
fn counts_that_are_recent_are_not_advanced() {
    let mut conn = burst(1);
    let tx = conn.savepoint().unwrap();
    for (distance, end) in [(59_999, 0), (-59_999, 0), (60_000, 60_000), (0, 0)] {
        let now = Timestamp::from_millis(START + distance);
        let counted_at = super::counted_recently(&tx, ORGANIZATION, now).unwrap();
        assert_eq!(counted_at.as_millis() - START, end, "{distance}");
    }
}

#[test]
fn most_recently_used_keys_are_chosen_from_a_bounded_number() {
    let conn = burst(5001);
    let tie = "UPDATE api_keys SET last_used_at = ?1, errors = 1, created_at = rowid";
    conn.execute(tie, [START]).unwrap();
    let organization = OrganizationRef::Id(ORGANIZATION);
    let user = UserId::new("u").unwrap();
    let now = Timestamp::from_millis(START);
    let read = stats::key_stats(&conn, &organization, &user, now, None).unwrap();
    let number = |key: &RecentKey| key.id.0.as_u128() & 0xffff_ffff;
    let recent: Vec<u128> = read.recent.iter().map(number).collect();
    // The ids are 2 to 10,003 in the order of creation, and the last 10,000 are candidates.
    assert_eq!(recent, [4, 5, 6, 7, 8]);
}
