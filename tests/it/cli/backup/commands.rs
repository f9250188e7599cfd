//! Commands beside a restore: a key that was created is in the file that was moved aside, or in the restored one.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::Value;

use super::{COPY, aside, assert_whole, back_up};
use crate::support::{DATABASE, Outcome, TestDir};

const ROUNDS: usize = 5;

/// Creates keys until `is_done`. Returns the ids of those whose creation succeeded.
fn create_keys(home: &TestDir, is_done: &AtomicBool) -> Vec<String> {
    let mut created = Vec::new();
    while !is_done.load(Ordering::SeqCst) {
        let args = [
            "key",
            "create",
            "--org",
            "acme-corp",
            "--name",
            "x",
            "--json",
        ];
        let outcome = home.run(&args);
        if outcome.status.success() {
            let key: Value = serde_json::from_str(&outcome.stdout).unwrap();
            created.push(key["id"].as_str().unwrap().to_owned());
        } else {
            outcome.failure(2);
        }
    }
    created
}

/// Restores the copy. Repeats a restore that found no moment between two commands, as its message asks for.
fn restore_between_commands(home: &TestDir) -> Outcome {
    loop {
        let outcome = home.run(&["restore", COPY, "--as-it-was"]);
        if !outcome.stderr.contains("another process is writing") {
            return outcome;
        }
    }
}

#[test]
fn restore_beside_commands_loses_no_change_that_succeeded() {
    let home = TestDir::demo();
    back_up(&home);
    for round in 0..ROUNDS {
        let is_done = AtomicBool::new(false);
        let created: Vec<String> = thread::scope(|scope| {
            let clients: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| create_keys(&home, &is_done)))
                .collect();
            let restored = restore_between_commands(&home);
            is_done.store(true, Ordering::SeqCst);
            restored.success();
            let created = clients.into_iter().map(|client| client.join().unwrap());
            created.flatten().collect()
        });
        let mut files = aside(&home);
        files.retain(|name| name.ends_with('Z'));
        assert_eq!(files.len(), round + 1);
        files.push(DATABASE.to_owned());
        for name in &files {
            assert_whole(&home, name);
        }
        for id in created {
            let has_key = |name: &String| -> bool {
                let sql = "SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ?1)";
                let conn = home.sqlite(name);
                conn.query_row(sql, [&id], |row| row.get(0)).unwrap()
            };
            assert!(files.iter().any(has_key), "round {round}: {id} is lost");
        }
    }
}
