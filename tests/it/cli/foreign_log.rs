//! A copy put in the place of a database whose server was killed: the log that the server has left is not replayed into it.
//! And no false alarm: a server that is killed at any moment starts again.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use rusqlite::{Connection, MAIN_DB};
use serde_json::json;

use crate::support::{ANA, DATABASE, KEYS_PATH, KillOnDrop, Server, TestDir};

const LOG: &str = "llavero.db-wal";

/// More commits than pages of the log after which SQLite moves it into the file, and begins it anew.
const MANY: usize = 400;

type MakeCopy = fn(&TestDir, &str);

fn vacuum_into(home: &TestDir, to: &str) {
    let to = home.path(to);
    home.sqlite(DATABASE)
        .execute("VACUUM INTO ?1", [to.to_str().unwrap()])
        .unwrap();
}

fn backup_api(home: &TestDir, to: &str) {
    let conn = home.sqlite(DATABASE);
    conn.backup(MAIN_DB, home.path(to), None).unwrap();
}

fn cp(home: &TestDir, to: &str) {
    fs::copy(home.path(DATABASE), home.path(to)).unwrap();
}

/// A stopped demo database. A large one has 30,000 more keys.
fn home(is_large: bool) -> TestDir {
    let home = TestDir::demo();
    if is_large {
        let sql = "
            INSERT INTO api_keys (id, organization_id, secret_hash, preview, name, created_at)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            SELECT printf('00000000-0000-4000-8000-%012x', i), (SELECT id FROM organizations LIMIT 1),
                   randomblob(32), 'sk_...aaaa', 'x', 0
              FROM n;
            UPDATE organization_totals
               SET total_keys = total_keys + 30000,
                   never_used_keys = never_used_keys + 30000
             WHERE organization_id = (SELECT id FROM organizations LIMIT 1);";
        home.sqlite(DATABASE).execute_batch(sql).unwrap();
    }
    home
}

fn create_keys(server: &Server, token: &str, count: usize) {
    let api = server.api(token);
    for _ in 0..count {
        assert_eq!(api.post(KEYS_PATH, &json!({ "name": "x" })).status, 201);
    }
}

fn key_count(home: &TestDir, name: &str) -> i64 {
    let sql = "SELECT count(*) FROM api_keys";
    home.sqlite(name)
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

/// Serves, copies, creates `more` keys, kills the server and puts the copy in the place of the database. Returns the number
/// of keys in the copy and before the kill.
fn restore_beside_the_log(home: &TestDir, make_copy: MakeCopy, more: usize) -> [i64; 2] {
    let token = home.token(ANA, &[]);
    let server = home.serve(&[]);
    create_keys(&server, &token, 3);
    make_copy(home, "copy.db");
    create_keys(&server, &token, more);
    let at_the_end = key_count(home, DATABASE);
    server.signal("KILL");
    server.wait();
    assert!(fs::metadata(home.path(LOG)).unwrap().len() > 0);
    fs::copy(home.path("copy.db"), home.path("probe.db")).unwrap();
    let in_the_copy = key_count(home, "probe.db");
    fs::remove_file(home.path("probe.db")).unwrap();
    fs::copy(home.path("copy.db"), home.path(DATABASE)).unwrap();
    [in_the_copy, at_the_end]
}

/// A server and a command refuse the database, say what to do, and change no byte. After that was done, the copy is served.
fn assert_refused_until_the_log_is_moved(home: &TestDir, in_the_copy: i64) {
    let before = home.snapshot();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for args in [&serve[..], &["key", "list", "--org", "acme-corp"]] {
        let outcome = home.run(args);
        let line = outcome.failure(2);
        for words in [
            DATABASE,
            LOG,
            "restored from a copy",
            "move",
            "put the original",
        ] {
            assert!(line.contains(words), "{words:?} is not in {line}");
        }
        assert!(home.snapshot() == before, "{line}: {:?}", home.files());
    }
    fs::rename(home.path(LOG), home.path("aside")).unwrap();
    home.serve(&[]).stop();
    assert_eq!(key_count(home, DATABASE), in_the_copy);
}

#[test]
fn copy_made_by_sqlite_beside_the_log_of_the_original_is_refused() {
    for is_large in [false, true] {
        for make_copy in [vacuum_into as MakeCopy, backup_api] {
            for more in [1, MANY] {
                let home = home(is_large);
                let [in_the_copy, _] = restore_beside_the_log(&home, make_copy, more);
                assert_refused_until_the_log_is_moved(&home, in_the_copy);
            }
        }
    }
}

#[test]
fn copy_of_a_stopped_database_beside_a_later_log_is_refused() {
    for is_large in [false, true] {
        let home = home(is_large);
        cp(&home, "stopped.db");
        let in_the_copy = key_count(&home, "stopped.db");
        restore_beside_the_log(&home, cp, 1);
        fs::copy(home.path("stopped.db"), home.path(DATABASE)).unwrap();
        assert_refused_until_the_log_is_moved(&home, in_the_copy);
    }
}

/// The log has been moved into the file, and begun anew, since the copy.
#[test]
fn copy_of_the_file_alone_beside_a_later_log_is_refused() {
    for is_large in [false, true] {
        let home = home(is_large);
        restore_beside_the_log(&home, cp, MANY);
        let in_the_copy = {
            fs::copy(home.path("copy.db"), home.path("probe.db")).unwrap();
            key_count(&home, "probe.db")
        };
        assert_refused_until_the_log_is_moved(&home, in_the_copy);
    }
}

/// The file is as it was when the log was begun.
#[test]
fn copy_of_the_file_alone_is_continued_by_the_log_begun_right_after_it() {
    let home = home(false);
    let [_, at_the_end] = restore_beside_the_log(&home, cp, 1);
    home.serve(&[]).stop();
    assert_eq!(key_count(&home, DATABASE), at_the_end);
}

#[test]
fn copy_of_file_and_log_is_accepted() {
    let home = home(false);
    let token = home.token(ANA, &[]);
    let server = home.serve(&[]);
    create_keys(&server, &token, 3);
    let elsewhere = TestDir::new();
    for name in [DATABASE, LOG] {
        fs::copy(home.path(name), elsewhere.path(name)).unwrap();
    }
    let expected = key_count(&home, DATABASE);
    create_keys(&server, &token, MANY);
    drop(server);
    assert_eq!(
        elsewhere.json(&["org", "list"]).as_array().unwrap().len(),
        3
    );
    elsewhere.serve(&[]).stop();
    assert_eq!(key_count(&elsewhere, DATABASE), expected);
}

#[test]
fn log_of_a_database_that_was_deleted_is_refused() {
    let home = home(false);
    home.serve(&[]).signal("KILL");
    fs::write(home.path(LOG), "left over").unwrap();
    fs::remove_file(home.path(DATABASE)).unwrap();
    let before = home.snapshot();
    for args in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["org", "create", "--name", "x"],
    ] {
        assert!(home.run(args).failure(2).contains(LOG));
        assert!(home.snapshot() == before, "{:?}", home.files());
    }
}

/// A pseudo-random number below `below`.
fn random(round: u64, below: u64) -> u64 {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) % below
}

/// Kills `process` after a random time below `millis`.
fn kill_within(process: &mut KillOnDrop, round: u64, millis: u64) {
    thread::sleep(Duration::from_micros(random(round, millis * 1000)));
    // Fails if it has ended.
    let _ = process.0.kill();
    let _ = process.0.wait();
}

/// Kills a server or a command at a moment that depends on `round`: during its start, in the middle of writing, during its
/// end.
fn kill_once(home: &TestDir, token: &str, round: u64) {
    let spawn = |args: &[&str]| {
        let mut command = home.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        KillOnDrop(command.spawn().unwrap())
    };
    match round % 4 {
        0 => kill_within(
            &mut spawn(&["serve", "--listen", "127.0.0.1:0"]),
            round,
            150,
        ),
        1 => {
            let server = home.serve(&[]);
            create_keys(&server, token, usize::try_from(random(round, 300)).unwrap());
            server.signal("KILL");
            server.wait();
        }
        2 => {
            let mut server = home.serve(&[]);
            create_keys(&server, token, 2);
            server.signal("TERM");
            thread::sleep(Duration::from_micros(random(round, 30_000)));
            server.kill();
            server.wait();
        }
        _ => {
            let create = ["key", "create", "--org", "acme-corp", "--name", "x"];
            kill_within(&mut spawn(&create), round, 60);
        }
    }
}

fn integrity(path: &Path) -> String {
    #[expect(clippy::disallowed_methods, reason = "another program")]
    let conn = Connection::open(path).unwrap();
    conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap()
}

fn kill_at_random_moments(rounds: u64) {
    let home = home(false);
    let token = home.token(ANA, &["--ttl", "1d"]);
    for round in 0..rounds {
        kill_once(&home, &token, round);
        // What the next round finds differs: what the killed process has left, or what a command has left after it.
        if round % 3 == 0 {
            home.json(&["org", "list"]);
        }
        if round % 5 == 0 {
            home.serve(&[]).stop();
            assert_eq!(integrity(&home.path(DATABASE)), "ok");
        }
    }
    home.serve(&[]).stop();
    assert_eq!(integrity(&home.path(DATABASE)), "ok");
}

#[test]
fn server_or_command_killed_at_any_moment_leaves_a_log_that_is_accepted() {
    kill_at_random_moments(40);
}

#[test]
#[ignore = "takes some minutes; CI runs it"]
fn server_or_command_killed_at_any_moment_leaves_a_log_that_is_accepted_600_times() {
    kill_at_random_moments(600);
}
