//! One server to a file: a second one is refused, commands are not, and the lock ends with its process.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Stdio,
};

use crate::support::{DATABASE, KillOnDrop, TestDir, run};

const LOCK: &str = "llavero.db-lock";

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[test]
fn second_server_of_a_file_is_refused_and_the_first_goes_on() {
    let home = TestDir::new();
    let first = home.serve(&["--demo"]);
    let before = fs::read(home.path(DATABASE)).unwrap();
    let line = home.run(&SERVE).failure(2).to_owned();
    for words in [DATABASE, "is already served", "--database"] {
        assert!(line.contains(words), "{words:?} is not in {line}");
    }
    assert_eq!(fs::read(home.path(DATABASE)).unwrap(), before);
    assert_eq!(first.get_at_root("/readyz").status, 200);
    first.stop();
    home.serve(&[]).stop();
}

#[test]
fn second_server_with_the_same_address_is_told_of_the_file() {
    let home = TestDir::new();
    let first = home.serve(&[]);
    let address = first.address.to_string();
    let line = home.run(&["serve", "--listen", &address]);
    for words in [&address, "in use", "is already served"] {
        assert!(line.failure(2).contains(words), "{line:?}");
    }
    let other = ["serve", "--listen", &address, "--database", "other.db"];
    let line = home.run(&other);
    assert!(!line.failure(2).contains("already served"), "{line:?}");
    assert!(!home.path("other.db").exists());
}

#[test]
fn second_server_through_another_path_is_refused() {
    let home = TestDir::new();
    fs::create_dir(home.path("data")).unwrap();
    symlink("data", home.path("link")).unwrap();
    let first = home.serve(&["--database", "data/x.db"]);
    for path in ["link/x.db", "./data/../data/x.db"] {
        let refused = home.run(&[&SERVE[..], &["--database", path]].concat());
        assert!(refused.failure(2).contains("already served"), "{path}");
    }
    first.stop();
}

#[test]
fn command_runs_beside_a_server() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    home.run(&["org", "create", "--name", "Acme"]).success();
    assert_eq!(home.json(&["org", "list"])[0]["slug"], "acme");
    server.stop();
}

#[test]
fn killed_server_releases_the_lock() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    server.signal("KILL");
    server.wait();
    assert!(home.path(LOCK).exists());
    home.serve(&[]).stop();
}

#[test]
fn lock_file_is_private_and_stays() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    let lock = fs::metadata(home.path(LOCK)).unwrap();
    assert_eq!(lock.permissions().mode(), 0o100_600);
    assert_eq!(lock.len(), 0);
}

#[test]
fn lock_file_that_cannot_be_opened_is_named() {
    let home = TestDir::new();
    fs::create_dir(home.path(LOCK)).unwrap();
    let line = home.run(&SERVE);
    assert!(line.failure(2).contains(LOCK), "{line:?}");
    assert_eq!(home.files(), [LOCK]);
}

/// Each round starts several servers at once over a missing file.
#[test]
fn servers_that_start_together_over_a_missing_file_leave_one() {
    for _ in 0..5 {
        let home = TestDir::new();
        let mut servers: Vec<_> = (0..4)
            .map(|_| {
                let mut command = home.serve_command(&[]);
                command.stdout(Stdio::piped()).stderr(Stdio::null());
                KillOnDrop(command.spawn().unwrap())
            })
            .collect();
        // The others have ended when one is left.
        let mut refused = 0;
        while refused < 3 {
            servers.retain_mut(|server| match server.0.try_wait().unwrap() {
                Some(status) => {
                    assert_eq!(status.code(), Some(2));
                    refused += 1;
                    false
                }
                None => true,
            });
            std::thread::yield_now();
        }
        assert_eq!(servers.len(), 1);
        run(&mut home.command(&["org", "create", "--name", "Acme"])).success();
        let check = "PRAGMA integrity_check";
        let found: String = home
            .sqlite(DATABASE)
            .query_row(check, [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, "ok");
    }
}
