//! Usage by key and day: `?days=N` of a key, whose sums are the organization's days.

use llavero::model::{Member, Role, UserId};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::{
    api::generators::{self, ORGANIZATIONS},
    support::{
        ACME, ANA, DAY, NOW, PRODUCTION, TestApp, body, key_path, later, message, stats_path,
    },
};

const AUDITOR: &str = "auditor";

const COUNTS: [&str; 4] = [
    "totalRequests",
    "successfulRequests",
    "rateLimitHits",
    "errors",
];

/// Adds the days of a key to the sums by day.
fn add(sums: &mut [Value], days: &Value) {
    let days = days.as_array().unwrap();
    assert_eq!(days.len(), sums.len());
    for (sum, day) in sums.iter_mut().zip(days) {
        assert_eq!(sum["date"], day["date"]);
        for count in COUNTS {
            sum[count] = (sum[count].as_i64().unwrap() + day[count].as_i64().unwrap()).into();
        }
    }
}

/// The days of `expected`, all zero.
fn zeros(expected: &Value) -> Vec<Value> {
    let days = expected.as_array().unwrap().iter();
    days.map(|day| {
        let counts = COUNTS.map(|count| (count.to_owned(), json!(0)));
        let date = ("date".to_owned(), day["date"].clone());
        Value::Object([date].into_iter().chain(counts).collect::<Map<_, _>>())
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn days_of_the_keys_add_up_to_the_days_of_the_organization(
        mut seed in generators::world(),
        days in 1..=90i64,
        later_by in 0..40 * DAY,
    ) {
        let user = UserId::new(AUDITOR).unwrap();
        let auditor = Member { user, role: Role::Member, created_at: NOW };
        seed.members.extend((0..ORGANIZATIONS).map(|n| (generators::organization(n), auditor.clone())));
        Runtime::new().unwrap().block_on(async {
            // A part of the uses is imported, and each key is used.
            let imported = seed.uses.split_off(seed.uses.len() / 2);
            let app = TestApp::with_seed(seed.clone()).await;
            app.import(&imported).await.unwrap();
            app.set_clock(later(later_by));
            for key in &seed.keys {
                let request = app.request(Method::GET, "/api/api-keys/validate");
                request.header("X-API-Key", key.key.secret.reveal()).send().await.unwrap();
            }
            for n in 0..ORGANIZATIONS {
                let slug = generators::slug(n);
                let stats = app.json(AUDITOR, &format!("{}?days={days}", stats_path(&slug))).await;
                let mut sums = zeros(&stats["daily"]);
                for key in seed.keys.iter().filter(|key| key.organization == generators::organization(n)) {
                    let path = key_path(&slug, &key.id.0.to_string());
                    let key = app.json(AUDITOR, &format!("{path}?days={days}")).await;
                    add(&mut sums, &key["daily"]);
                }
                assert_eq!(Value::from(sums), stats["daily"]);
            }
            app.stop().await;
        });
    }
}

#[tokio::test]
async fn key_has_daily_as_its_last_field_and_only_with_days() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, PRODUCTION);
    let without = app.json(ANA, &path).await;
    assert!(without.get("daily").is_none());
    let mut with = app.json(ANA, &(path.clone() + "?days=3")).await;
    let fields: Vec<&String> = with.as_object().unwrap().keys().collect();
    assert_eq!(fields.last().unwrap().as_str(), "daily");
    let daily = with.as_object_mut().unwrap().remove("daily").unwrap();
    assert_eq!(with, without);
    let dates = daily
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["date"].as_str().unwrap());
    assert_eq!(
        dates.collect::<Vec<_>>(),
        ["2026-01-13", "2026-01-14", "2026-01-15"]
    );
}

#[tokio::test]
async fn key_without_use_has_days_of_zeros() {
    let app = TestApp::demo().await;
    let key = app.create_key(json!({})).await;
    let path = key_path(ACME, key["id"].as_str().unwrap());
    let daily = app.json(ANA, &(path + "?days=2")).await["daily"].clone();
    assert_eq!(Value::from(zeros(&daily)), daily);
    assert_eq!(daily[1]["date"], "2026-01-15");
}

#[tokio::test]
async fn days_out_of_range_is_a_400_and_unknown_parameters_are_ignored() {
    let app = TestApp::demo().await;
    let path = key_path(ACME, PRODUCTION);
    let problem = "days must be one whole number from 1 to 90";
    for query in [
        "days=0",
        "days=91",
        "days=x",
        "days=",
        "days=1&days=2",
        "days=-1",
        "days=1.5",
    ] {
        let answer = app.get(ANA, &format!("{path}?{query}")).await;
        assert_eq!(message(answer, 400).await, problem, "{query}");
    }
    let answer = app
        .get(ANA, &(key_path("%ff", PRODUCTION) + "?days=0"))
        .await;
    let both = format!("The path must be percent-encoded UTF-8; {problem}");
    assert_eq!(message(answer, 400).await, both);
    body(app.get(ANA, &(path + "?day=0&limit=x")).await, 200).await;
}
