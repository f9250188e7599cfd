//! `llavero key`: a key's life from the command line, with the API's JSON.

use std::{collections::HashSet, io::Write, process::Stdio};

use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, DATABASE, Outcome, PRODUCTION, PRODUCTION_PATH, PRODUCTION_SECRET, TestDir, run,
};

const REVOKED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d04";
const EXPIRED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d05";

/// `llavero key show -` with `input` on standard input.
fn show_secret(home: &TestDir, input: &str) -> Outcome {
    home.write("input", input);
    let mut command = home.command(&["key", "show", "-", "--json"]);
    run(command.stdin(std::fs::File::open(home.path("input")).unwrap()))
}

/// The id of the key that a secret opens; `None` when it opens none.
fn opens(home: &TestDir, secret: &Value) -> Option<Value> {
    let outcome = show_secret(home, &format!("{}\n", secret.as_str().unwrap()));
    if outcome.status.code() == Some(1) {
        assert!(outcome.failure(1).contains("no API key has this secret"));
        return None;
    }
    let key: Value = serde_json::from_str(outcome.success()).unwrap();
    Some(key["id"].clone())
}

#[test]
fn key_create_stores_the_flags() {
    let home = TestDir::demo();
    let created = home.json(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        "Deployment",
        "--description",
        "Releases",
        "--scope",
        "releases:write",
        "--scope",
        "a",
        "--rate-limit",
        "100/1m",
        "--quota",
        "10000/month",
        "--external-id",
        "customer-7",
        "--metadata",
        r#"{ "plan": "pro", "seats": [1, 2.50] }"#,
        "--expires",
        "2100-01-01",
    ]);
    let mut expected = json!({
        "id": created["id"],
        "organizationId": ACME,
        "preview": created["preview"],
        "name": "Deployment",
        "description": "Releases",
        "externalId": "customer-7",
        "metadata": { "plan": "pro", "seats": [1, 2.5] },
        "status": "active",
        "scopes": ["a", "releases:write"],
        "rateLimit": { "limit": 100, "windowSeconds": 60 },
        "quota": { "limit": 10_000, "period": "month", "used": 0, "resetsAt": created["quota"]["resetsAt"] },
        "usage": { "totalRequests": 0, "successfulRequests": 0, "rateLimitHits": 0, "errors": 0 },
        "createdBy": null,
        "createdAt": created["createdAt"],
        "lastUsedAt": null,
        "expiresAt": "2100-01-01T00:00:00.000Z",
        "revokedAt": null,
        "previousSecretExpiresAt": null,
        "key": created["key"],
    });
    assert_eq!(created, expected);
    assert_eq!(opens(&home, &created["key"]), Some(created["id"].clone()));
    expected.as_object_mut().unwrap().remove("key");
    let id = created["id"].as_str().unwrap();
    assert_eq!(home.json(&["key", "show", id]), expected);
    assert_eq!(home.json(&["key", "list", "--org", ACME])[0], expected);
}

#[test]
fn key_commands_print_the_apis_json() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let token = home.token(ANA, &[]);
    let api = server.api(&token);
    let path = format!("/organizations/acme-corp/api-keys/{PRODUCTION}");
    assert_eq!(
        home.json(&["key", "show", PRODUCTION]),
        api.get(&path).json()
    );
    let list = home.json(&["key", "list", "--org", "acme-corp"]);
    let page = api.get("/organizations/acme-corp/api-keys").json();
    assert_eq!(list, page["items"]);
    let order: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    let item = &page["items"][0];
    assert_eq!(order, item.as_object().unwrap().keys().collect::<Vec<_>>());

    let revoked = home.json(&["key", "revoke", PRODUCTION]);
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(api.get(&path).json(), revoked);
}

#[test]
fn key_list_is_not_paged() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let api = server.api(&home.token(ANA, &[]));
    for n in 0..120 {
        let asked = json!({ "name": format!("Key {n}") });
        api.post("/organizations/initech/api-keys", &asked).json();
    }
    let list = home.json(&["key", "list", "--org", "initech"]);
    let list = list.as_array().unwrap();
    let names: HashSet<&str> = list
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!((list.len(), names.len()), (120, 120));
    let newest_first =
        |newer: &&Value, older: &&Value| newer["createdAt"].as_str() >= older["createdAt"].as_str();
    assert!(list.iter().collect::<Vec<_>>().is_sorted_by(newest_first));
}

#[test]
fn key_show_takes_both_secrets_during_the_grace_period_of_a_rotation() {
    let home = TestDir::demo();
    let before = home.json(&["key", "show", PRODUCTION]);
    let rotated = home.json(&["key", "rotate", PRODUCTION]);
    assert!(rotated["previousSecretExpiresAt"].is_string(), "{rotated}");
    let shown = home.json(&["key", "show", PRODUCTION]);
    assert_eq!(
        shown["previousSecretExpiresAt"],
        rotated["previousSecretExpiresAt"]
    );
    for secret in [&json!(PRODUCTION_SECRET), &rotated["key"]] {
        assert_eq!(opens(&home, secret), Some(json!(PRODUCTION)));
    }
    for field in [
        "id",
        "name",
        "usage",
        "createdAt",
        "scopes",
        "rateLimit",
        "createdBy",
    ] {
        assert_eq!(rotated[field], before[field], "{field}");
    }
    home.json(&["key", "rotate", PRODUCTION, "--grace", "0s"]);
    assert_eq!(opens(&home, &json!(PRODUCTION_SECRET)), None);
    assert_eq!(opens(&home, &rotated["key"]), None);
}

#[test]
fn key_rotate_during_a_grace_period_needs_replace_new_or_no_grace() {
    let home = TestDir::demo();
    let second = home.json(&["key", "rotate", PRODUCTION]);
    let before = home.dump(DATABASE);
    let outcome = home.run(&["key", "rotate", PRODUCTION, "--grace", "7d"]);
    let line = outcome.failure(1);
    for words in [
        "Rotation in progress. The previous secret works until 20",
        "--replace-new",
        "--grace 0s",
    ] {
        assert!(line.contains(words), "{line}");
    }
    assert!(home.dump(DATABASE) == before);

    let third = home.json(&["key", "rotate", PRODUCTION, "--replace-new"]);
    assert_eq!(opens(&home, &second["key"]), None);
    for secret in [&json!(PRODUCTION_SECRET), &third["key"]] {
        assert_eq!(opens(&home, secret), Some(json!(PRODUCTION)));
    }
    let outcome = home.run(&["key", "rotate", PRODUCTION, "--replace-new"]);
    let text = outcome.success();
    let notice = "The replaced secret no longer works. The previous secret works until 20";
    assert!(text.contains(notice), "{text}");

    home.json(&["key", "rotate", PRODUCTION, "--grace", "0s"]);
    for secret in [&json!(PRODUCTION_SECRET), &third["key"]] {
        assert_eq!(opens(&home, secret), None);
    }
}

#[test]
fn key_rotate_prints_the_secret_and_the_end_of_the_old_one() {
    let home = TestDir::demo();
    let outcome = home.run(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        "Deployment",
    ]);
    let text = outcome.success();
    let secret = text
        .lines()
        .find_map(|line| line.strip_prefix("Secret"))
        .unwrap()
        .trim();
    assert_eq!(text.matches(secret).count(), 1);
    let key: Value = serde_json::from_str(show_secret(&home, secret).success()).unwrap();
    assert_eq!(key["name"], "Deployment");
    let id = key["id"].as_str().unwrap();
    assert!(
        text.contains(id) && text.contains("not shown again"),
        "{text}"
    );

    let outcome = home.run(&["key", "rotate", id]);
    assert!(outcome.success().contains("The old secret works until 20"));
    let outcome = home.run(&["key", "rotate", id, "--grace", "0s"]);
    assert!(outcome.success().contains("The old secret no longer works"));
    for args in [
        &["key", "show", id][..],
        &["key", "list", "--org", ACME],
        &["key", "revoke", id],
    ] {
        let outcome = home.run(args);
        assert!(!outcome.success().contains("Secret"), "{outcome:?}");
    }
}

#[test]
fn key_rotate_of_an_inactive_key_changes_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for (id, state) in [(REVOKED, "is revoked"), (EXPIRED, "has expired")] {
        let outcome = home.run(&["key", "rotate", id]);
        assert!(outcome.failure(1).contains(state), "{outcome:?}");
    }
    let shown = home.json(&["key", "show", REVOKED]);
    assert_eq!(home.json(&["key", "revoke", REVOKED]), shown);
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn key_create_and_rotate_name_the_key_if_the_secret_cannot_be_printed() {
    let home = TestDir::demo();
    let llavero = env!("CARGO_BIN_EXE_llavero");
    for args in [
        "create --org acme-corp --name x",
        &format!("rotate {PRODUCTION}"),
    ] {
        let script = format!("{llavero} key {args} >/dev/full");
        let outcome = run(&mut home.program("sh", &["-c", &script]));
        let line = outcome.failure(1);
        // The advice works when it is pasted, in a grace period too.
        let advice = line.split('`').nth(1).unwrap();
        let again = advice.replacen("llavero", llavero, 1);
        run(&mut home.program("sh", &["-c", &again])).success();
        let id = line
            .split("the API key ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        home.json(&["key", "show", id]);
    }
}

#[test]
fn key_create_and_rotate_change_nothing_without_standard_output() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    for args in [
        "create --org acme-corp --name x",
        &format!("rotate {PRODUCTION}"),
    ] {
        for stdout in [">&-", ">/dev/null"] {
            let script = format!("{} key {args} {stdout}", env!("CARGO_BIN_EXE_llavero"));
            let outcome = run(&mut home.program("sh", &["-c", &script]));
            let line = outcome.failure(2);
            assert!(line.contains("standard output is closed"), "{line}");
        }
    }
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn key_show_prints_the_end_of_the_previous_secret_after_a_rotation() {
    let home = TestDir::demo();
    let shown = |id: &str| {
        let outcome = home.run(&["key", "show", id]);
        let text = outcome.success();
        text.lines()
            .find_map(|line| line.strip_prefix("Old secret"))
            .map(|rest| rest.trim().to_owned())
    };
    assert_eq!(shown(PRODUCTION), None);
    home.json(&["key", "rotate", PRODUCTION]);
    assert!(shown(PRODUCTION).unwrap().starts_with("works until 20"));
    home.json(&["key", "rotate", PRODUCTION, "--grace", "0s"]);
    assert_eq!(shown(PRODUCTION), None);

    // No secret outlives its key.
    let args = [
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        "x",
        "--expires",
        "2100-01-01",
    ];
    let key = home.json(&args);
    let sql = "UPDATE api_keys SET expires_at = (unixepoch() + 3600) * 1000 WHERE id = ?1";
    let id = key["id"].as_str().unwrap();
    home.sqlite(DATABASE).execute(sql, [id]).unwrap();
    let expiry = home.json(&["key", "show", id])["expiresAt"].clone();
    let outcome = home.run(&["key", "rotate", id, "--grace", "7d"]);
    let until = format!("works until {}", expiry.as_str().unwrap());
    assert!(outcome.success().contains(&until), "{outcome:?}");
}

#[test]
fn key_that_does_not_exist_is_exit_code_1() {
    let home = TestDir::demo();
    let unknown = "00000000-0000-4000-8000-000000000000";
    for id in [unknown, "nope", "sx_", ""] {
        for command in ["show", "rotate", "revoke", "disable", "enable"] {
            let outcome = home.run(&["key", command, id]);
            assert!(
                outcome.failure(1).contains("no API key has the id"),
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn key_secret_as_an_argument_is_rejected_and_not_printed() {
    let home = TestDir::demo();
    let typo = PRODUCTION_SECRET.replace("hoi8", "hoi9");
    for secret in [PRODUCTION_SECRET, &typo, " sk_qBhy02hoi8ucTVyAmSRnra "] {
        for command in ["show", "rotate", "revoke"] {
            let outcome = home.run(&["key", command, secret]);
            let line = outcome.failure(2);
            assert!(
                line.contains("key show -") && !line.contains("hoi"),
                "{line}"
            );
        }
    }
}

#[test]
fn key_show_rejects_malformed_secrets_without_printing_them() {
    let home = TestDir::demo();
    let typo = PRODUCTION_SECRET.replace("hoi8", "hoi9");
    for input in ["", "\n", "sk_", &typo, &PRODUCTION_SECRET[..38]] {
        let outcome = show_secret(&home, input);
        let line = outcome.failure(1);
        assert!(line.contains("is not a secret"), "{line}");
        assert!(input.len() < 4 || !line.contains(input), "{line}");
    }
    // Input without an end is rejected, too.
    let mut command = home.command(&["key", "show", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It stops reading, and may be gone before everything is written.
    let _ = stdin.write_all(&vec![b'x'; 1 << 20]);
    drop(stdin);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
}

#[test]
fn key_create_with_invalid_flags_names_the_valid_form_and_creates_nothing() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    let long = "x".repeat(501);
    for (args, words) in [
        (&["--rate-limit", "100/60"][..], "100/60s"),
        (&["--rate-limit", "100 per minute"], "100/60s"),
        (&["--rate-limit", "0/60s"], "1 to 1000000000"),
        (&["--rate-limit", "1/32d"], "31d"),
        (&["--expires", "2020-01-01"], "in the future"),
        (&["--expires", "0d"], "in the future"),
        (&["--expires", "500000w"], "year 10000"),
        (&["--expires", "tomorrow"], "90d"),
        (&["--quota", "100/week"], "10000/month"),
        (&["--quota", "0/day"], "1 to 1000000000"),
        (&["--external-id", ""], "1 to 255"),
        (&["--metadata", "[]"], "must be an object"),
        (&["--metadata", "{"], "not valid JSON"),
        (
            &["--metadata", r#"{"a":{"b":1,"b":2}}"#],
            "duplicate member: a.b",
        ),
        (
            &["--metadata", &format!("{{\"a\":\"{}\"}}", "x".repeat(4089))],
            "4096 bytes",
        ),
        (&["--scope", "not ok"], "--scope"),
        (&["--description", &long], "500"),
        (&["--secret", PRODUCTION_SECRET], "--secret"),
    ] {
        let create = ["key", "create", "--org", "acme-corp", "--name", "x"];
        let outcome = home.run(&[&create[..], args].concat());
        let line = outcome.failure(2);
        assert!(line.contains(words), "{words:?} is not in {line}");
    }
    for grace in ["8d", "-1s", "604801s", "long"] {
        let outcome = home.run(&["key", "rotate", PRODUCTION, "--grace", grace]);
        outcome.failure(2);
    }
    home.run(&["key", "create", "--org", "acme-corp"])
        .failure(2);
    home.run(&["key", "create", "--org", "nope", "--name", "x"])
        .failure(1);
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn key_create_rejects_a_name_of_only_white_space() {
    let home = TestDir::demo();
    let before = home.dump(DATABASE);
    let outcome = home.run(&["key", "create", "--org", "acme-corp", "--name", " \t"]);
    let line = outcome.failure(2);
    assert!(line.contains("not only white space"), "{line}");
    assert!(home.dump(DATABASE) == before);
}

#[test]
fn key_show_prints_the_days_that_are_requested() {
    let home = TestDir::demo();
    let server = home.serve(&[]);
    let response = server.get(&home.token(ANA, &[]), &format!("{PRODUCTION_PATH}?days=3"));
    let key = home.json(&["key", "show", PRODUCTION, "--days", "3"]);
    assert_eq!(key, response.json());
    let text = home.run(&["key", "show", PRODUCTION, "--days", "3"]);
    let text = text.success();
    let (_, days) = text.split_once("\n\n").unwrap();
    let rows: Vec<Vec<&str>> = days
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        ["DATE", "REQUESTS", "SUCCESSFUL", "RATE-LIMITED", "ERRORS"]
    );
    let daily = key["daily"].as_array().unwrap();
    for (row, day) in rows[1..].iter().zip(daily) {
        let counts = [
            "totalRequests",
            "successfulRequests",
            "rateLimitHits",
            "errors",
        ];
        let counts = counts.map(|count| day[count].to_string());
        assert_eq!(row[0], day["date"]);
        assert_eq!(row[1..], counts);
    }
    assert_eq!(rows.len(), 4);
    for days in ["0", "91", "x"] {
        home.run(&["key", "show", PRODUCTION, "--days", days])
            .failure(2);
    }
}
