//! `llavero usage`: atomic imports, each batch once, and exports of the counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{ANA, DATABASE, Server, TestDir};

const KEY: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d02";
const OTHER: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d07";
const DAILY_STATS_PATH: &str = "/organizations/acme-corp/api-keys/stats?days=90";

fn line(key: &str, at: &str, outcome: &str, count: u64) -> String {
    json!({ "keyId": key, "at": at, "outcome": outcome, "count": count }).to_string() + "\n"
}

fn stats(home: &TestDir, server: &Server) -> Value {
    server.get(&home.token(ANA, &[]), DAILY_STATS_PATH).json()
}

fn usage(home: &TestDir, key: &str) -> Value {
    home.json(&["key", "show", key])["usage"].clone()
}

#[test]
fn import_while_a_server_runs_is_counted_in_all_totals() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let before = stats(&home, &server);
    let today = before["daily"][89]["date"].as_str().unwrap().to_owned();
    let at = format!("{today}T00:00:00Z");
    home.write(
        "uses.ndjson",
        line(KEY, &at, "success", 5)
            + "\n"
            + &line(KEY, &at, "rate_limited", 2)
            + &line(KEY, "2020-02-29T12:00:00.5+01:00", "error", 1)
            + &json!({ "keyId": KEY, "at": at, "outcome": "success" }).to_string(),
    );
    let report = home.json(&["usage", "import", "uses.ndjson"]);
    assert_eq!(
        report,
        json!({ "requests": 9, "keys": 1, "alreadyImported": false })
    );
    assert_eq!(
        usage(&home, KEY),
        json!({ "totalRequests": 9, "successfulRequests": 6, "rateLimitHits": 2, "errors": 1 })
    );
    assert_eq!(
        home.json(&["key", "show", KEY])["lastUsedAt"],
        format!("{today}T00:00:00.000Z")
    );
    let after = stats(&home, &server);
    let total = |stats: &Value| stats["totalRequests"].as_i64().unwrap();
    assert_eq!(total(&after) - total(&before), 9);
    assert_eq!(total(&after["daily"][89]) - total(&before["daily"][89]), 8);
}

#[test]
fn import_of_csv_equals_import_of_ndjson() {
    let home = TestDir::demo();
    home.write(
        "uses.csv",
        format!("outcome,keyId,count,at\nsuccess,{KEY},3,2026-01-05T12:00:00Z\r\n\"error\",{KEY},1,2026-01-05T12:00:01Z\n"),
    );
    home.json(&["usage", "import", "uses.csv"]);
    assert_eq!(
        usage(&home, KEY),
        json!({ "totalRequests": 4, "successfulRequests": 3, "rateLimitHits": 0, "errors": 1 })
    );
    home.write(
        "no-count",
        format!("keyId,at,outcome\n{KEY},2026-01-05T12:00:00Z,success\n"),
    );
    home.json(&["usage", "import", "no-count", "--format", "csv"]);
    assert_eq!(usage(&home, KEY)["totalRequests"], 5);
}

#[test]
fn import_with_a_bad_line_names_it_and_imports_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    let good = line(KEY, "2026-01-05T12:00:00Z", "success", 1);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let at = "2026-01-05T12:00:00Z";
    for (bad, words) in [
        ("{\n".to_owned(), "line 3: not valid JSON (column 1)"),
        ("[]\n".to_owned(), "line 3: must be a JSON object"),
        (
            line(KEY, at, "success", 0),
            "line 3: count must be a whole number from 1 to 4294967295",
        ),
        (line("nope", at, "success", 1), "line 3: keyId must be"),
        (
            line(unknown, at, "success", 1),
            "line 3: no API key has the id",
        ),
        (line(KEY, "2026-01-05", "success", 1), "line 3: at must be"),
        (
            line(KEY, "2999-01-01T00:00:00Z", "success", 1),
            "line 3: at must not be in the future",
        ),
        (
            line(KEY, at, "allowed", 1),
            "line 3: outcome must be success, rate_limited or error",
        ),
        (
            line(KEY, at, "success", 4_294_967_296),
            "line 3: count must be a whole number from 1 to 4294967295",
        ),
        (
            good.replace(":1}", ":\"1\"}"),
            "line 3: count must be a whole number from 1 to 4294967295",
        ),
        (
            format!("{{\"keyId\":\"{KEY}\",\"at\":\"{at}\"}}\n"),
            "line 3: outcome is missing",
        ),
        (
            good.replace('}', ",\"note\":1}"),
            "line 3: unknown field: note",
        ),
        ("x".repeat(70_000), "line 3: must not be longer than 64 KiB"),
    ] {
        home.write("uses.ndjson", format!("{good}{good}{bad}{good}"));
        let outcome = home.run(&["usage", "import", "uses.ndjson"]);
        let text = outcome.failure(1);
        assert!(
            text.contains(words) && text.contains("nothing was imported"),
            "{text}"
        );
    }
    let row = format!("{KEY},{at},success\n");
    for (text, words) in [
        (
            format!("keyId,at,outcome\n{row}{KEY},{at}\n"),
            "line 3: must have as many fields as the header",
        ),
        (
            format!("keyId,at,outcome\n{row}{row}{KEY},{at},maybe\n"),
            "line 4",
        ),
        (
            format!("keyId,at,result\n{row}"),
            "line 1: must be the header",
        ),
        (row.clone(), "line 1: must be the header"),
        (
            format!("\r\nkeyId,at,outcome\r\n\r\n{row}\r\nx,{at},success\r\n"),
            "line 6: keyId",
        ),
    ] {
        home.write("uses.csv", text);
        let outcome = home.run(&["usage", "import", "uses.csv"]);
        assert!(outcome.failure(1).contains(words), "{outcome:?}");
    }
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn import_stops_at_the_first_unknown_key() {
    let home = TestDir::demo();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let at = "2026-01-05T12:00:00Z";
    home.write(
        "uses.ndjson",
        line(KEY, at, "success", 1) + &line(unknown, at, "success", 1) + "not JSON\n",
    );
    let outcome = home.run(&["usage", "import", "uses.ndjson"]);
    let words = format!("line 2: no API key has the id {unknown}; nothing was imported");
    assert!(outcome.failure(1).contains(&words), "{outcome:?}");
    assert_eq!(usage(&home, KEY)["totalRequests"], 0);
}

#[test]
fn import_skips_a_byte_order_mark_at_the_beginning() {
    let home = TestDir::demo();
    let at = "2026-01-05T12:00:00Z";
    let mark = '\u{feff}';
    let record = line(KEY, at, "success", 1);
    home.write("uses.ndjson", format!("{mark}{record}"));
    home.json(&["usage", "import", "uses.ndjson"]);
    home.write(
        "uses.csv",
        format!("{mark}keyId,at,outcome\n{KEY},{at},success\n"),
    );
    home.json(&["usage", "import", "uses.csv"]);
    assert_eq!(usage(&home, KEY)["totalRequests"], 2);
    home.write("uses.ndjson", format!("{record}{mark}{record}"));
    let outcome = home.run(&["usage", "import", "uses.ndjson"]);
    assert!(
        outcome.failure(1).contains("line 2: not valid JSON"),
        "{outcome:?}"
    );
}

#[test]
fn import_is_one_audit_entry_for_each_organization() {
    let home = TestDir::demo();
    let globex = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d11";
    let at = "2026-01-05T12:00:00Z";
    home.write(
        "uses.ndjson",
        line(KEY, at, "success", 5)
            + &line(OTHER, at, "error", 2)
            + &line(globex, at, "success", 1),
    );
    let import = ["usage", "import", "uses.ndjson", "--batch-id", "january"];
    for requests in [8, 0] {
        assert_eq!(home.json(&import)["requests"], requests);
    }
    for (organization, requests) in [("acme-corp", 7), ("globex", 1)] {
        let audit = ["audit", "--org", organization];
        let log = home.json(&audit);
        assert_eq!(
            log,
            json!([{
                "at": log[0]["at"],
                "actor": { "type": "cli" },
                "action": "usage.imported",
                "keyId": null,
                "keyName": null,
                "memberId": null,
                "role": null,
                "changes": { "requests": { "from": null, "to": requests } },
            }])
        );
        let text = home.run(&audit);
        let words = format!("usage.imported  {requests} requests by cli\n");
        assert!(text.success().contains(&words), "{text:?}");
    }
    home.write("uses.ndjson", "");
    home.json(&["usage", "import", "uses.ndjson"]);
    let log = home.json(&["audit", "--org", "acme-corp"]);
    assert_eq!(log.as_array().unwrap().len(), 1, "{log}");
}

#[test]
fn import_with_sums_that_overflow_fails() {
    let home = TestDir::demo();
    let most = i64::MAX - 10;
    home.sqlite(DATABASE)
        .execute(
            "UPDATE api_keys SET successful_requests = ?1 WHERE id = ?2",
            (most, OTHER),
        )
        .unwrap();
    let before = home.dump(DATABASE);
    home.write(
        "uses.ndjson",
        line(OTHER, "2026-01-05T12:00:00Z", "success", 11),
    );
    home.run(&["usage", "import", "uses.ndjson"]).failure(2);
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn import_of_a_named_batch_happens_once() {
    let home = TestDir::demo();
    home.write(
        "uses.ndjson",
        line(KEY, "2026-01-05T12:00:00Z", "success", 7),
    );
    let import = ["usage", "import", "uses.ndjson", "--batch-id", "january"];
    assert_eq!(home.json(&import)["requests"], 7);
    let before = home.dump(DATABASE);
    assert_eq!(
        home.json(&import),
        json!({ "requests": 0, "keys": 1, "alreadyImported": true })
    );
    home.write(
        "uses.ndjson",
        line(KEY, "2026-01-05T12:00:00Z", "success", 8),
    );
    assert!(home.run(&import).failure(1).contains("--batch-id"));
    assert!(home.dump(DATABASE) == before);
    assert_eq!(usage(&home, KEY)["totalRequests"], 7);
    home.json(&["usage", "import", "uses.ndjson"]);
    assert_eq!(usage(&home, KEY)["totalRequests"], 15);
}

#[test]
fn import_of_an_unreadable_file_fails() {
    let home = TestDir::demo();
    home.write("uses.txt", "");
    assert!(
        home.run(&["usage", "import", "uses.txt"])
            .failure(2)
            .contains("--format")
    );
    assert!(
        home.run(&["usage", "import", "missing.csv"])
            .failure(2)
            .contains("missing.csv")
    );
    let empty = home.json(&["usage", "import", "uses.txt", "--format", "ndjson"]);
    assert_eq!(empty["requests"], 0);
}

#[test]
fn export_equals_the_statistics() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let daily = stats(&home, &server)["daily"].clone();
    let export = |args: &[&str]| {
        let outcome = home.run(&[&["usage", "export", "--org", "acme-corp"], args].concat());
        outcome.success().to_owned()
    };
    let days: Vec<Value> = export(&["--days", "90", "--format", "ndjson"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(json!(days), daily);

    let csv = export(&["--format", "csv"]);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("date,totalRequests,successfulRequests,rateLimitHits,errors")
    );
    let sum: i64 = lines
        .map(|line| line.split(',').nth(1).unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(json!(sum), stats(&home, &server)["totalRequests"]);
    assert_eq!(
        export(&["--days", "1", "--format", "csv"]).lines().count(),
        2
    );
    home.run(&["usage", "export", "--org", "acme-corp"])
        .failure(2);
    home.run(&["usage", "export", "--org", "nope", "--format", "csv"])
        .failure(1);
}

#[test]
fn export_by_key_adds_up_to_the_export_by_day() {
    let home = TestDir::demo();
    let export = |args: &[&str]| {
        let outcome = home.run(&[&["usage", "export", "--org", "acme-corp"], args].concat());
        outcome.success().to_owned()
    };
    let csv = export(&["--by", "key", "--format", "csv"]);
    let (heading, lines) = csv.split_once('\n').unwrap();
    assert_eq!(
        heading,
        "date,keyId,totalRequests,successfulRequests,rateLimitHits,errors"
    );
    let mut sums: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
    let mut places = Vec::new();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        places.push((fields[0], fields[1]));
        for (sum, count) in sums
            .entry(fields[0])
            .or_default()
            .iter_mut()
            .zip(&fields[2..])
        {
            *sum += count.parse::<i64>().unwrap();
        }
    }
    assert!(places.is_sorted(), "{csv}");
    assert!(
        places
            .iter()
            .any(|(_, key)| *key == KEY.replace("d02", "d01"))
    );
    let sums = sums.iter().map(|(date, [total, success, hits, errors])| {
        format!("{date},{total},{success},{hits},{errors}\n")
    });
    let by_day = export(&["--format", "csv"]);
    assert_eq!(by_day.split_once('\n').unwrap().1, sums.collect::<String>());
    assert_eq!(by_day, export(&["--by", "day", "--format", "csv"]));

    let today = export(&["--by", "key", "--days", "1", "--format", "ndjson"]);
    let fields = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let fields = record.as_object().unwrap().keys().cloned();
        fields.collect::<Vec<_>>().join(",")
    };
    assert!(today.lines().count() > 0);
    assert!(today.lines().all(|line| fields(line) == heading), "{today}");
}
