//! Each check finds the fault that is planted for it, and accepts a database without faults.
//!
//! The database has one key with uses, so that every kept sum has something to add up.

use rusqlite::Connection;

use super::{Problem, damage, references, verify};
use crate::{
    model::{MeteredUse, Outcome, UsageEvent},
    store::sqlite::{query_plan_tests::in_memory, usage},
};

const ORGANIZATION: &str = "550e8400-e29b-41d4-a716-446655440000";
const KEY: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";

/// Noon of 2026-01-15.
const NOW: i64 = 1_768_478_400_000;

/// A database with one used key that has a monthly quota.
fn database() -> Connection {
    let mut conn = in_memory();
    conn.execute_batch(&format!(
        "INSERT INTO organizations (id, slug, name, created_at)
         VALUES ('{ORGANIZATION}', 'acme-corp', 'Acme Corp', 0);
         INSERT INTO organization_totals (organization_id, total_keys, never_used_keys, counted_at)
         VALUES ('{ORGANIZATION}', 1, 1, {NOW});
         INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at, quota_limit, quota_period)
         VALUES ('{KEY}', '{ORGANIZATION}', randomblob(32), 'sk_...abcd', 'x', 0, 9, 'month');"
    ))
    .unwrap();
    let event = UsageEvent {
        key: crate::model::KeyId(KEY.parse().unwrap()),
        at: crate::model::Timestamp::from_millis(NOW),
        outcome: Outcome::Success,
        count: 3,
    };
    let metered = MeteredUse {
        event,
        rate_limit: None,
        has_quota: true,
    };
    let tx = conn.savepoint().unwrap();
    usage::count_metered(&tx, &[metered]).unwrap();
    tx.commit().unwrap();
    conn
}

/// Returns the problem that is found after `fault`.
fn problem_after(fault: &str) -> String {
    let conn = database();
    conn.execute_batch(fault).unwrap();
    verify(&conn).unwrap().unwrap().to_string()
}

#[test]
fn verify_accepts_a_database_without_faults() {
    assert_eq!(verify(&in_memory()).unwrap(), None);
    assert_eq!(verify(&database()).unwrap(), None);
}

#[test]
fn verify_finds_totals_that_differ_from_the_keys() {
    for (column, of) in [
        ("successful_requests", " over the keys"),
        ("errors", " over the keys"),
        ("total_keys", ""),
    ] {
        let fault = format!("UPDATE organization_totals SET {column} = {column} + 1");
        let found = problem_after(&fault);
        let expected = format!("{column}{of} of the organization {ORGANIZATION} is ");
        assert!(found.starts_with(&expected), "{found}");
    }
}

#[test]
fn verify_finds_counts_of_keys_by_status_that_differ_from_the_keys() {
    for (fault, column) in [
        ("UPDATE api_keys SET revoked_at = 5", "revoked_keys"),
        ("UPDATE api_keys SET disabled_at = 5", "disabled_keys"),
        ("UPDATE api_keys SET expires_at = 5", "expired_keys"),
        ("UPDATE api_keys SET last_used_at = 5", "inactive_keys"),
    ] {
        let found = problem_after(fault);
        assert!(found.starts_with(column), "{found}");
        assert!(found.ends_with("is 0, but adds up to 1"), "{found}");
    }
}

#[test]
fn verify_finds_days_that_differ_from_the_totals() {
    let found = problem_after("UPDATE organization_daily_usage SET successful_requests = 2");
    assert!(
        found.starts_with("successful_requests over the days"),
        "{found}"
    );
    assert!(found.ends_with("is 3, but adds up to 2"), "{found}");
}

#[test]
fn verify_finds_a_day_on_which_keys_have_more_uses_than_their_organization() {
    let found = problem_after("UPDATE key_daily_usage SET errors = 7");
    assert_eq!(
        found,
        format!("the day 2026-01-15 of the organization {ORGANIZATION} is 3, but adds up to 10")
    );
    let conn = database();
    conn.execute_batch("DELETE FROM key_daily_usage").unwrap();
    assert_eq!(verify(&conn).unwrap(), None);
}

#[test]
fn verify_finds_a_month_that_would_admit_requests_over_the_quota() {
    let found = problem_after("UPDATE api_keys SET newest_month_successes = 2");
    assert_eq!(
        found,
        format!("the month from 2026-01-01 of the key {KEY} is 2, but adds up to 3")
    );
}

#[test]
fn verify_finds_missing_rows() {
    let conn = database();
    conn.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM api_keys")
        .unwrap();
    assert!(matches!(
        references(&conn).unwrap(),
        Some(Problem::Reference { parent, .. }) if parent == "api_keys"
    ));
    let found = problem_after("DELETE FROM organization_totals");
    assert_eq!(
        found,
        format!("the organization {ORGANIZATION} has no totals")
    );
}

#[test]
fn damage_finds_an_index_that_differs_from_its_table() {
    let conn = database();
    conn.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema
            SET sql = replace(sql, 'revoked_at IS NOT NULL', 'revoked_at IS NULL')
          WHERE name = 'api_keys_revoked_by_creation';
         PRAGMA writable_schema = RESET;",
    )
    .unwrap();
    assert!(matches!(damage(&conn).unwrap(), Some(Problem::Damage(_))));
}
