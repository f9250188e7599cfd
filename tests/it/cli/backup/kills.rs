//! `kill -9` of a backup and of a restore, at moments that are spread over the time that each takes.
//!
//! After a kill of a backup there is a whole copy or none. After a kill of a restore, the database is the old one, the new
//! one, or refused until it is restored again. Either way the next run succeeds.

#![expect(clippy::print_stderr, reason = "a long run prints what the kills left")]

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{COPY, aside, assert_whole, back_up, create_key, id, restore};
use crate::support::{DATABASE, TestDir};

/// How often each command is killed in the short tests.
const SHORT: u32 = 30;

/// How often in the long ones.
const LONG: u32 = 1000;

/// Runs `llavero` and kills it after `delay`. Returns whether it had ended before.
fn run_and_kill(home: &TestDir, args: &[&str], delay: Duration) -> bool {
    let mut command = home.command(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // The moment of the kill is the input of the test, not something that is awaited.
    thread::sleep(delay);
    let _ = child.kill();
    child.wait().unwrap().success()
}

/// Returns how long a command takes.
fn duration(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Returns the delay of a round: all parts of the duration and a little more, in an order that visits each early.
fn delay(whole: Duration, round: u32, rounds: u32) -> Duration {
    whole * (round * 617 % rounds) / rounds * 12 / 10
}

fn kill_backups(rounds: u32) {
    let home = TestDir::demo();
    let whole = duration(|| back_up(&home));
    let content = home.dump(COPY);
    let (mut complete, mut partial) = (0, 0);
    for round in 0..rounds {
        fs::remove_file(home.path(COPY)).unwrap();
        run_and_kill(&home, &["backup", COPY], delay(whole, round, rounds));
        partial += u32::from(home.path("copy.db.partial").exists());
        if home.path(COPY).exists() {
            complete += 1;
        } else {
            back_up(&home);
        }
        assert_whole(&home, COPY);
        assert!(home.dump(COPY) == content, "round {round}");
        let left: Vec<_> = home
            .files()
            .into_iter()
            .filter(|name| name.contains("partial"))
            .collect();
        assert!(left.is_empty() || home.path(COPY).exists(), "{left:?}");
    }
    eprintln!(
        "{rounds} backups killed: {complete} copies were complete, {partial} were left partial"
    );
}

/// A database whose state differs from the copy and from the restored copy.
fn kill_restores(rounds: u32) {
    let home = TestDir::demo();
    let key = create_key(&home, "revoked since");
    back_up(&home);
    home.run(&["key", "revoke", id(&key)]).success();
    create_key(&home, "lost");
    fs::copy(home.path(DATABASE), home.path("old.db")).unwrap();
    let old = home.dump("old.db");
    let whole = duration(|| drop(restore(&home, &[])));
    let keys = |name: &str| -> String {
        let sql = "SELECT group_concat(name || ':' || (revoked_at IS NOT NULL), ',' ORDER BY id) FROM api_keys";
        home.sqlite(name)
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let new = keys(DATABASE);
    let (mut olds, mut news, mut marked) = (0, 0, 0);
    for round in 0..rounds {
        put_old_in_place(&home);
        run_and_kill(&home, &["restore", COPY], delay(whole, round, rounds));
        let outcome = home.run(&["org", "list"]);
        if outcome.status.success() {
            assert_whole(&home, DATABASE);
            if home.dump(DATABASE) == old {
                olds += 1;
            } else {
                assert_eq!(keys(DATABASE), new, "round {round}");
                news += 1;
            }
        } else {
            assert!(
                outcome.failure(2).contains("run `llavero restore` again"),
                "{outcome:?}"
            );
            marked += 1;
        }
        restore(&home, &[]);
        assert_whole(&home, DATABASE);
        assert_eq!(keys(DATABASE), new, "round {round}");
        assert!(
            aside(&home)
                .iter()
                .any(|name| name.ends_with('Z') && home.dump(name) == old),
            "round {round}: the old file is gone: {:?}",
            home.files()
        );
    }
    eprintln!(
        "{rounds} restores killed: {olds} times the old file, {news} times the new one, {marked} times refused"
    );
}

fn put_old_in_place(home: &TestDir) {
    for name in home.files() {
        if name.starts_with(DATABASE) && name != "llavero.db-lock" {
            fs::remove_file(home.path(&name)).unwrap();
        }
    }
    fs::copy(home.path("old.db"), home.path(DATABASE)).unwrap();
}

#[test]
fn killed_backup_leaves_a_whole_copy_or_none() {
    kill_backups(SHORT);
}

#[test]
#[ignore = "takes minutes; run `just kills`"]
fn killed_backup_leaves_a_whole_copy_or_none_a_thousand_times() {
    kill_backups(LONG);
}

#[test]
fn killed_restore_leaves_the_old_file_or_the_new_one_or_a_marker() {
    kill_restores(SHORT);
}

#[test]
#[ignore = "takes minutes; run `just kills`"]
fn killed_restore_leaves_the_old_file_or_the_new_one_or_a_marker_a_thousand_times() {
    kill_restores(LONG);
}
