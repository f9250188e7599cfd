//! The log of many validations with unknown keys: a few lines, and the number of the others.

use std::thread;

use serde_json::{Value, json};

use super::logs::json_lines;
use crate::support::{Api, Server, TestDir};

/// Well-formed, and the secret of no key.
const UNKNOWN_SECRET: &str = "sk_Rw7PqK2mYc9TzL4vHd1XsB8nGf5JeA3Cwv9F";

const CLIENTS: u64 = 4;
const EACH: u64 = 100;

/// Validates unknown keys from several clients. Returns how often.
fn guess_keys(server: &Server) -> u64 {
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let api = Api::with_key(&server.api, UNKNOWN_SECRET);
                for _ in 0..EACH {
                    assert_eq!(api.validate("").status, 401);
                }
            });
        }
    });
    CLIENTS * EACH
}

/// The lines about unknown keys: those of one request, and those with a count.
fn unknown_key_lines(log: &str) -> [Vec<Value>; 2] {
    let lines = json_lines(log).into_iter();
    let (counts, single) = lines
        .filter(|line| line["outcome"] == "unknown")
        .partition(|line| line.get("count").is_some());
    [single, counts]
}

/// The number of refusals that the log reports.
fn reported(log: &str) -> u64 {
    let [single, counts] = unknown_key_lines(log);
    let further = counts.iter().map(|line| line["count"].as_u64().unwrap());
    u64::try_from(single.len()).unwrap() + further.sum::<u64>()
}

#[test]
fn log_counts_refusals_of_unknown_keys_above_ten_a_second() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json"]);
    let refused = guess_keys(&server);
    // No other request follows. The watchdog ends a server whose log never reports them.
    while reported(&server.log()) < refused {
        thread::yield_now();
    }
    let log = server.stop().stderr;
    assert_eq!(reported(&log), refused, "{log}");
    let [single, counts] = unknown_key_lines(&log);
    assert_eq!(single[0]["message"], "request");
    assert!(single.len() < 200 && !counts.is_empty(), "{log}");
    for line in &counts {
        for (field, value) in [
            ("level", json!("INFO")),
            ("message", json!("further requests")),
            ("status", json!(401)),
        ] {
            assert_eq!(line[field], value, "{line}");
        }
    }
}

#[test]
fn log_of_a_stopped_server_counts_its_last_refusals_of_unknown_keys() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json"]);
    let refused = guess_keys(&server);
    let log = server.stop().stderr;
    assert_eq!(reported(&log), refused, "{log}");
    let lines = json_lines(&log);
    assert_eq!(lines.last().unwrap()["message"], "stopped");
}

#[test]
fn log_in_text_counts_refusals_of_unknown_keys() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    guess_keys(&server);
    let log = server.stop().stderr;
    let line = log.lines().find(|line| line.contains(" count="));
    let line = line.unwrap_or_else(|| panic!("no line has a count: {log}"));
    let fields = " INFO further requests status=401 outcome=\"unknown\" count=";
    assert!(line.contains(fields), "{line}");
}
