//! `kill -9` in the middle of writing: every key whose creation was answered is there after the restart, every use
//! that was answered is counted, and the kept totals are the sums.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};

use crate::support::{ANA, Api, DATABASE, JWT_SECRET, KEYS_PATH, Server, TestDir};

const CLIENTS: usize = 4;

/// At which answer the server of a round is killed: sometimes at once, sometimes well under way.
fn deadly(round: usize) -> usize {
    1 + round * 37 % 700
}

/// Creates keys until the server is gone, and kills the server at response number `deadly` of all clients.
fn create_until_the_end(
    api: &Api,
    server: &Server,
    answers: &AtomicUsize,
    deadly: usize,
) -> Vec<Value> {
    let mut answered = Vec::new();
    while let Some(answer) = api.try_post(KEYS_PATH, &json!({ "name": "x" })) {
        answered.push(answer.json());
        if answers.fetch_add(1, Ordering::SeqCst) + 1 == deadly {
            server.signal("KILL");
        }
    }
    answered
}

fn kill(rounds: usize) {
    let home = TestDir::new();
    let token = home.token(ANA, &["--jwt-secret", JWT_SECRET, "--ttl", "1d"]);
    let serve = || home.serve(&["--demo", "--jwt-secret", JWT_SECRET]);
    let mut expected = 12;
    for round in 0..rounds {
        let server = serve();
        let answers = AtomicUsize::new(0);
        let answered: Vec<Value> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        create_until_the_end(&server.api(&token), &server, &answers, deadly(round))
                    })
                })
                .collect();
            clients
                .into_iter()
                .flat_map(|client| client.join().unwrap())
                .collect()
        });
        drop(server);

        let server = serve();
        let api = server.api(&token);
        for key in &answered {
            let found = api.get(&format!("{KEYS_PATH}/{}", key["id"].as_str().unwrap()));
            assert_eq!(found.status, 200, "round {round}: {key}");
        }
        let stats = api.get(&format!("{KEYS_PATH}/stats")).json();
        let total = usize::try_from(stats["totalKeys"].as_u64().unwrap()).unwrap();
        // One more write per client may be there: committed, but not answered before the kill.
        let range = expected + answered.len()..=expected + answered.len() + CLIENTS;
        assert!(
            range.contains(&total),
            "round {round}: {total} is not in {range:?}"
        );
        expected = total;
        let conn = home.sqlite(DATABASE);
        let check = |sql: &str| -> String { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(check("PRAGMA integrity_check"), "ok");
        let rows = "SELECT count(*) || '' FROM api_keys JOIN organizations AS o ON o.id = organization_id WHERE slug = 'acme-corp'";
        assert_eq!(check(rows), total.to_string());
        server.stop();
    }
}

#[test]
fn kill_loses_no_confirmed_write() {
    kill(10);
}

#[test]
#[ignore = "takes a minute or two; CI runs it"]
fn kill_loses_no_confirmed_write_a_hundred_times() {
    kill(100);
}

/// A key of the demo without a limit.
const UNLIMITED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d07";

/// Validates a key until the server is gone. Returns the number of responses.
fn use_until_the_end(api: &Api, server: &Server, answers: &AtomicUsize, deadly: usize) -> usize {
    let mut answered = 0;
    while let Some(answer) = api.try_validate() {
        assert_eq!(answer.status, 200, "{answer:?}");
        answered += 1;
        if answers.fetch_add(1, Ordering::SeqCst) + 1 == deadly {
            server.signal("KILL");
        }
    }
    answered
}

/// Uses by outcome, added up in three ways: of the key, of its organization, of its organization's days.
fn totals(home: &TestDir) -> [i64; 3] {
    let conn = home.sqlite(DATABASE);
    let sum = |table: &str, of: &str| -> i64 {
        let sql = format!(
            "SELECT sum(successful_requests + rate_limit_hits + errors) FROM {table} WHERE organization_id = ({of})"
        );
        conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let acme = "SELECT id FROM organizations WHERE slug = 'acme-corp'";
    [
        "api_keys",
        "organization_totals",
        "organization_daily_usage",
    ]
    .map(|table| sum(table, acme))
}

fn kill_under_use(rounds: usize) {
    let home = TestDir::new();
    home.serve(&["--demo"]).stop();
    let secret = home.json(&["key", "rotate", UNLIMITED])["key"].clone();
    let secret = secret.as_str().unwrap();
    let mut expected = totals(&home)[0];
    for round in 0..rounds {
        let server = home.serve(&[]);
        let answers = AtomicUsize::new(0);
        let answered: usize = thread::scope(|scope| {
            let client = || {
                let api = Api::with_key(&server.api, secret);
                use_until_the_end(&api, &server, &answers, deadly(round))
            };
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .sum()
        });
        drop(server);
        home.serve(&[]).stop();
        let [keys, organization, days] = totals(&home);
        assert_eq!((keys, keys), (organization, days), "round {round}");
        // One more write per client may be there: committed, but not answered before the kill.
        let answered = expected + i64::try_from(answered).unwrap();
        let range = answered..=answered + i64::try_from(CLIENTS).unwrap();
        assert!(
            range.contains(&keys),
            "round {round}: {keys} is not in {range:?}"
        );
        expected = keys;
    }
}

#[test]
fn kill_loses_no_confirmed_use() {
    kill_under_use(10);
}

#[test]
#[ignore = "takes a minute or two; CI runs it"]
fn kill_loses_no_confirmed_use_a_hundred_times() {
    kill_under_use(100);
}
