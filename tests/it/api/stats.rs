//! Statistics: random data against sums over keys and uses, and the boundaries of time.

use std::collections::HashMap;

use insta::assert_json_snapshot;
use llavero::model::{
    KeyDates, KeyId, KeyStatus, Member, OrganizationId, Outcome, Role, Seed, Timestamp,
    UsageCounts, UsageEvent, UserId,
};
use proptest::prelude::*;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    api::generators::{self, ORGANIZATIONS},
    support::{ACME, ANA, DAY, NOW, PRODUCTION, TestApp, import, key_path, stats_path},
};

/// A member of every organization.
const AUDITOR: &str = "auditor";

/// Computes the expected statistics from every key and every use.
fn model(seed: &Seed, organization: usize, now: Timestamp, days: i64) -> Value {
    let id = generators::organization(organization);
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let mut total = UsageCounts::default();
    let mut recent = Vec::new();
    for seeded in seed.keys.iter().filter(|key| key.organization == id) {
        let key = &seeded.key;
        let uses = seed
            .uses
            .iter()
            .filter(|used| used.key == seeded.id && used.count > 0);
        let last = uses.clone().map(|used| used.at).max();
        let usage = sum(uses);
        total = total.checked_add(usage).unwrap();
        let status = KeyDates {
            revoked_at: seeded.state.revoked_at,
            expires_at: key.settings.expires_at,
            disabled_at: seeded.state.disabled_at,
        }
        .status(now);
        let idle = last.is_some_and(|at| at.as_millis() <= now.as_millis() - 30 * DAY);
        let name = match status {
            KeyStatus::Active => "active",
            KeyStatus::Revoked => "revoked",
            KeyStatus::Expired => "expired",
            KeyStatus::Disabled => "disabled",
        };
        *counts.entry(name).or_default() += 1;
        if status == KeyStatus::Active {
            *counts.entry("neverUsed").or_default() += i64::from(last.is_none());
            *counts.entry("inactive").or_default() += i64::from(idle);
        }
        recent.extend(last.map(|at| {
            json!({
                "id": seeded.id.0, "name": key.settings.name.as_str(), "preview": key.secret.preview(), "status": name,
                "totalRequests": usage.total_requests(), "lastUsedAt": at.to_string(),
            })
        }));
    }
    recent.sort_by_key(|key| {
        (
            std::cmp::Reverse(key["lastUsedAt"].to_string()),
            key["id"].to_string(),
        )
    });
    recent.truncate(5);
    let count = |name| counts.get(name).copied().unwrap_or(0);
    let mut stats = json!({
        "organizationId": id.0,
        "totalKeys": count("active") + count("revoked") + count("expired") + count("disabled"),
        "activeKeys": count("active"),
        "revokedKeys": count("revoked"),
        "expiredKeys": count("expired"),
        "disabledKeys": count("disabled"),
        "totalRequests": total.total_requests(),
        "successfulRequests": total.successful_requests,
        "rateLimitHits": total.rate_limit_hits,
        "errors": total.errors,
        "neverUsedKeys": count("neverUsed"),
        "inactiveKeys": count("inactive"),
        "mostRecentlyUsed": recent,
    });
    if days > 0 {
        stats["daily"] = (0..days).rev().map(|ago| day(seed, id, now, ago)).collect();
    }
    stats
}

fn day(seed: &Seed, organization: OrganizationId, now: Timestamp, ago: i64) -> Value {
    let day = now.day().minus(ago);
    let mine = |used: &&UsageEvent| {
        used.at.day() == day
            && seed
                .keys
                .iter()
                .any(|key| key.id == used.key && key.organization == organization)
    };
    let usage = sum(seed.uses.iter().filter(mine));
    json!({
        "date": day.to_string(),
        "totalRequests": usage.total_requests(),
        "successfulRequests": usage.successful_requests,
        "rateLimitHits": usage.rate_limit_hits,
        "errors": usage.errors,
    })
}

fn sum<'a>(uses: impl Iterator<Item = &'a UsageEvent>) -> UsageCounts {
    let mut sum = UsageCounts::default();
    for used in uses {
        let counts = UsageCounts::of(used.outcome, used.count);
        sum = sum.checked_add(counts).unwrap();
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn stats_equal_the_sums_over_keys_and_uses(
        mut seed in generators::world(),
        later in prop_oneof![Just(0), 0..50 * DAY, (0..3i64).prop_map(|days| days * DAY)],
        days in 0..=90i64,
    ) {
        let auditor = Member {
            user: UserId::new(AUDITOR).unwrap(),
            role: Role::Member,
            created_at: NOW,
        };
        seed.members.extend((0..ORGANIZATIONS).map(|n| (generators::organization(n), auditor.clone())));
        Runtime::new().unwrap().block_on(async {
            // Half of the uses come with the seed, the rest in two later batches.
            let rest = seed.uses.split_off(seed.uses.len() / 2);
            let app = TestApp::with_seed(seed.clone()).await;
            for batch in rest.chunks(rest.len().div_ceil(2).max(1)) {
                app.import(batch).await.unwrap();
            }
            seed.uses.extend(rest);

            let now = Timestamp::from_millis(NOW.as_millis() + later);
            app.set_clock(now);
            let query = if days > 0 { format!("?days={days}") } else { String::new() };
            for n in 0..ORGANIZATIONS {
                let stats = app.json(AUDITOR, &(stats_path(&generators::slug(n)) + &query)).await;
                assert_eq!(stats, model(&seed, n, now, days));
            }
            app.stop().await;
        });
    }
}

#[tokio::test]
async fn stats_have_all_fields_in_the_documented_order() {
    let app = TestApp::demo().await;
    assert_json_snapshot!(app.json(ANA, &(stats_path(ACME) + "?days=2")).await);
}

#[tokio::test]
async fn stats_have_daily_only_with_days() {
    let app = TestApp::demo().await;
    let without = app.json(ANA, &stats_path(ACME)).await;
    assert_eq!(without.get("daily"), None);
    let with = app.json(ANA, &(stats_path(ACME) + "?days=90")).await;
    let daily = with["daily"].as_array().unwrap();
    assert_eq!(daily.len(), 90);
    assert_eq!(daily[0]["date"], "2025-10-18");
    assert_eq!(daily[89]["date"], "2026-01-15");
    assert!(
        daily
            .iter()
            .all(|day| day["totalRequests"].as_i64().unwrap() > 0)
    );
}

#[tokio::test]
async fn stats_days_begin_at_midnight_utc() {
    let app = TestApp::demo().await;
    let midnight = NOW.day().minus(-1).start();
    for (now, today) in [
        (midnight.as_millis() - 1, "2026-01-15"),
        (midnight.as_millis(), "2026-01-16"),
    ] {
        app.set_clock(Timestamp::from_millis(now));
        let stats = app.json(ANA, &(stats_path(ACME) + "?days=1")).await;
        assert_eq!(stats["daily"][0]["date"], today);
    }
}

#[tokio::test]
async fn stats_days_must_be_a_number_from_1_to_90() {
    let app = TestApp::demo().await;
    let bad = [
        "0",
        "91",
        "-1",
        "%2B7",
        "7.0",
        "1e1",
        "seven",
        "",
        "%20",
        "0x7",
        "99999999999999999999",
        "%ff",
        "1&days=2",
        "1;2",
        "NaN",
        "%D9%A7",
    ];
    for days in bad {
        let answer = app
            .get(ANA, &format!("{}?days={days}", stats_path(ACME)))
            .await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{days}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            body["message"], "days must be one whole number from 1 to 90",
            "{days}"
        );
    }
    for days in ["1", "90", "007"] {
        app.json(ANA, &format!("{}?days={days}&unknown=1", stats_path(ACME)))
            .await;
    }
}

#[tokio::test]
async fn stats_count_a_key_as_inactive_after_exactly_30_days() {
    let app = TestApp::demo().await;
    // `Production server` was used two minutes before NOW, and is the last to fall idle.
    let idle = NOW.as_millis() - 120_000 + 30 * DAY;
    for (now, inactive) in [(idle - 1, 6), (idle, 7)] {
        app.set_clock(Timestamp::from_millis(now));
        let stats = app.json(ANA, &stats_path(ACME)).await;
        assert_eq!(stats["inactiveKeys"], inactive, "{stats}");
    }
}

#[tokio::test]
async fn stats_of_an_organization_without_keys_are_zero() {
    let app = TestApp::demo().await;
    let stats = app.json(ANA, &(stats_path("initech") + "?days=1")).await;
    let no_requests = json!({
        "date": "2026-01-15", "totalRequests": 0, "successfulRequests": 0, "rateLimitHits": 0, "errors": 0,
    });
    assert_eq!(stats["totalKeys"], 0);
    assert_eq!(stats["mostRecentlyUsed"], json!([]));
    assert_eq!(stats["daily"], json!([no_requests]));
}

#[tokio::test]
async fn import_of_an_unknown_key_records_nothing() {
    let app = TestApp::demo().await;
    let before = app.json(ANA, &stats_path(ACME)).await;
    let used = |key: &str| UsageEvent {
        key: KeyId::parse(key).unwrap(),
        at: NOW,
        outcome: Outcome::Success,
        count: 1,
    };
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = app.import(&[used(PRODUCTION), used(unknown)]).await;
    assert!(error.unwrap_err().to_string().contains(unknown));
    assert_eq!(app.json(ANA, &stats_path(ACME)).await, before);
}

#[tokio::test]
async fn import_moves_last_used_at_forward_only() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, PRODUCTION);
    let before = app.json(ANA, &path).await;
    let long_ago = UsageEvent {
        key: KeyId::parse(PRODUCTION).unwrap(),
        at: Timestamp::from_millis(NOW.as_millis() - 80 * DAY),
        outcome: Outcome::Error,
        count: 3,
    };
    app.import(&[long_ago]).await.unwrap();
    let after = app.json(ANA, &path).await;
    assert_eq!(after["lastUsedAt"], before["lastUsedAt"]);
    let errors = |key: &Value| key["usage"]["errors"].as_i64().unwrap();
    assert_eq!(errors(&after), errors(&before) + 3);
}

#[tokio::test]
async fn import_of_concurrent_batches_counts_all() {
    let app = TestApp::demo().await;
    let total = async |app: &TestApp| {
        let stats = app.json(ANA, &stats_path(ACME)).await;
        stats["totalRequests"].as_i64().unwrap()
    };
    let before = total(&app).await;
    let batch = vec![UsageEvent {
        key: KeyId::parse(PRODUCTION).unwrap(),
        at: NOW,
        outcome: Outcome::Success,
        count: 7,
    }];
    let writers: Vec<_> = (0..100)
        .map(|_| {
            let (store, batch) = (app.store.clone(), batch.clone());
            tokio::spawn(async move { import(&store, &batch).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(total(&app).await, before + 700);
}
