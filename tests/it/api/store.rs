//! The store's guarantees under concurrency and across restarts, through the API.

use llavero::model::{KeyId, Outcome, UsageEvent};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{ACME, ANA, NOW, PRODUCTION, TestApp, import, key_path, stats_path};

fn one_use() -> Vec<UsageEvent> {
    vec![UsageEvent {
        key: KeyId::parse(PRODUCTION).unwrap(),
        at: NOW,
        outcome: Outcome::Success,
        count: 1,
    }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stats_are_one_snapshot_while_uses_are_recorded() {
    let app = TestApp::demo().await;
    let total = |value: &Value| value["totalRequests"].as_i64().unwrap();
    // Counts from before the test stay.
    let rest = |stats: &Value| total(stats) - total(&stats["daily"][0]);
    let of_other_keys = |stats: &Value| {
        let keys = stats["mostRecentlyUsed"].as_array().unwrap();
        let production = keys.iter().find(|key| key["id"] == PRODUCTION).unwrap();
        total(stats) - total(production)
    };
    let path = stats_path(ACME) + "?days=1";
    let before = app.json(ANA, &path).await;
    let writer = tokio::spawn({
        let store = app.store.clone();
        async move {
            for _ in 0..300 {
                import(&store, &one_use()).await.unwrap();
            }
        }
    });
    let mut last = total(&before);
    while !writer.is_finished() {
        let stats = app.json(ANA, &path).await;
        assert_eq!(rest(&stats), rest(&before), "{stats}");
        assert_eq!(of_other_keys(&stats), of_other_keys(&before), "{stats}");
        assert!(total(&stats) >= last);
        last = total(&stats);
    }
    writer.await.unwrap();
    assert_eq!(total(&app.json(ANA, &path).await), total(&before) + 300);
}

#[tokio::test]
async fn reads_do_not_wait_for_another_programs_write() {
    let app = TestApp::demo().await;
    let other = app.other_connection();
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE api_keys SET name = 'in doubt';")
        .unwrap();
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["name"], "Production server");
    other.execute_batch("COMMIT").unwrap();
    let key = app.json(ANA, &key_path(ACME, PRODUCTION)).await;
    assert_eq!(key["name"], "in doubt");
}

#[tokio::test]
async fn recorded_uses_survive_a_restart() {
    let app = TestApp::demo().await;
    app.import(&one_use()).await.unwrap();
    let before = app.json(ANA, &stats_path(ACME)).await;
    let directory = app.stop().await;
    let again = TestApp::again(directory).await;
    assert_eq!(again.json(ANA, &stats_path(ACME)).await, before);
    assert_eq!(
        again.get(ANA, &key_path(ACME, PRODUCTION)).await.status(),
        StatusCode::OK
    );
}
