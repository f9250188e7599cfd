//! Commands and a server write to one file at once, and a third process reads it: nothing is locked out, nothing
//! is lost, and the kept totals are the sums in every snapshot.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};

use crate::support::{ANA, Api, DATABASE, KEYS_PATH, STOPPED, TestDir};

/// The key that all writers rotate.
const SHARED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
/// How many write at once on either side.
const CLIENTS: usize = 4;
const COMMANDS: usize = 2;
/// A key's life, and the shared key between its second and its last step.
const WRITES_OF_A_LIFE: usize = 4;

fn id(key: &Value) -> &str {
    key["id"].as_str().unwrap()
}

/// One key's life over HTTP.
fn live_by_server(api: &Api) {
    let grace = json!({ "graceSeconds": 0 });
    let key = api
        .post(KEYS_PATH, &json!({ "name": "by the server" }))
        .json();
    for rotated in [id(&key), SHARED] {
        api.post(&format!("{KEYS_PATH}/{rotated}/rotate"), &grace)
            .json();
    }
    let revoked = api.delete(&format!("{KEYS_PATH}/{}", id(&key))).json();
    assert_eq!(revoked["status"], "revoked");
}

/// One key's life by four processes.
fn live_by_command(home: &TestDir) {
    let key = home.json(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        "by a command",
    ]);
    for rotated in [id(&key), SHARED] {
        home.json(&["key", "rotate", rotated, "--grace", "0s"]);
    }
    let revoked = home.json(&["key", "revoke", id(&key)]);
    assert_eq!(revoked["status"], "revoked");
}

/// In one snapshot, the rows of totals that differ from the sums over keys.
const WRONG_TOTALS: &str = "
    SELECT count(*)
      FROM organization_totals AS t
     WHERE (t.total_keys, t.revoked_keys, t.successful_requests, t.rate_limit_hits, t.errors) IS NOT (
             SELECT count(*),
                    count(k.revoked_at),
                    coalesce(sum(k.successful_requests), 0),
                    coalesce(sum(k.rate_limit_hits), 0),
                    coalesce(sum(k.errors), 0)
               FROM api_keys AS k
              WHERE k.organization_id = t.organization_id)";

/// As many writes by a server as by commands, `writes` each.
fn write_together(writes: usize) {
    let home = TestDir::new();
    let server = home.serve_long(&["--demo"]);
    let token = home.token(ANA, &[]);
    let lives = writes / WRITES_OF_A_LIFE;
    let by_server = AtomicUsize::new(lives);
    let by_commands = AtomicUsize::new(lives);
    let take = |left: &AtomicUsize| {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok()
    };
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..CLIENTS {
            threads.push(scope.spawn(|| {
                let api = server.api(&token);
                while take(&by_server) {
                    live_by_server(&api);
                }
            }));
        }
        for _ in 0..COMMANDS {
            threads.push(scope.spawn(|| {
                while take(&by_commands) {
                    live_by_command(&home);
                }
            }));
        }
        let conn = home.sqlite(DATABASE);
        let mut snapshots = 0;
        while threads.iter().any(|thread| !thread.is_finished()) || snapshots == 0 {
            let wrong: i64 = conn.query_row(WRONG_TOTALS, [], |row| row.get(0)).unwrap();
            assert_eq!(wrong, 0, "in snapshot {snapshots}");
            snapshots += 1;
        }
    });
    let stats = server.get(&token, &format!("{KEYS_PATH}/stats")).json();
    // The demo has twelve, of which one is revoked.
    assert_eq!(stats["totalKeys"], 12 + 2 * lives);
    assert_eq!(stats["revokedKeys"], 1 + 2 * lives);
    let outcome = server.stop();
    assert!(
        !outcome.stderr.contains("WARN") && !outcome.stderr.contains("ERROR"),
        "{}",
        outcome.stderr
    );

    let conn = home.sqlite(DATABASE);
    let acts = |action: &str, by_cli: bool| -> i64 {
        let sql = "SELECT count(*) FROM audit_log WHERE action = ?1 AND (actor_id IS NULL) = ?2";
        conn.query_row(sql, (action, by_cli), |row| row.get(0))
            .unwrap()
    };
    for by_cli in [true, false] {
        for (action, each) in [("key.created", 1), ("key.rotated", 2), ("key.revoked", 1)] {
            assert_eq!(acts(action, by_cli), i64::try_from(each * lives).unwrap());
        }
    }
    // In the order of the transactions.
    let created = "SELECT key_id FROM audit_log WHERE action = 'key.created' ORDER BY id";
    let mut created = conn.prepare(created).unwrap();
    let ids: Vec<String> = created
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(ids.is_sorted_by(|older, newer| older < newer), "{ids:?}");
    let check = |sql: &str| -> String { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(check("PRAGMA integrity_check"), "ok");
    let wrong: i64 = conn.query_row(WRONG_TOTALS, [], |row| row.get(0)).unwrap();
    assert_eq!(wrong, 0);
}

#[test]
fn concurrent_writes_of_server_and_commands_are_all_kept() {
    write_together(200);
}

#[test]
#[ignore = "takes a minute or two; CI runs it"]
fn concurrent_writes_of_server_and_commands_are_all_kept_ten_thousand_times() {
    write_together(10_000);
}

#[test]
fn concurrent_writes_of_commands_leave_one_file() {
    let home = TestDir::demo();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    live_by_command(&home);
                }
            });
        }
    });
    assert_eq!(home.files(), STOPPED);
    let log = home.json(&["audit", "--org", "acme-corp"]);
    assert_eq!(log.as_array().unwrap().len(), 4 * 5 * WRITES_OF_A_LIFE);
}
