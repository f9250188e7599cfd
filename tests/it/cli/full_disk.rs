//! A full disk: the server is not ready, recovers by itself, and loses nothing.
//!
//! A limit on the size of files stands for the full disk, since it needs no rights: a write beyond it fails with EFBIG
//! where the signal for it is ignored. `prlimit` moves the limit of a process that runs.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::metrics::{metrics_url, samples};
use crate::support::{ANA, Api, PRODUCTION_PATH, Server, TestDir, run};

/// A key of the demo without a rate limit.
const UNLIMITED: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d07";

const WAL: &str = "llavero.db-wal";

/// Longer than the server waits before it tries a commit by itself.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(25);

/// `llavero` with `args`, for which no file may grow beyond `limit` KiB.
fn with_limit(home: &TestDir, limit: &str, args: &[&str]) -> Command {
    let script = format!(r#"trap '' XFSZ; ulimit -S -f {limit}; exec "$0" "$@""#);
    let llavero = env!("CARGO_BIN_EXE_llavero");
    home.program("bash", &[&["-c", &script, llavero], args].concat())
}

/// Moves the limit of a server that runs.
fn set_limit(server: &Server, bytes: &str) {
    let pid = server.pid().to_string();
    let limit = format!("--fsize={bytes}:");
    run(Command::new("prlimit").args(["--pid", &pid, &limit])).success();
}

fn readiness(server: &Server) -> u16 {
    server.get_at_root("/readyz").status
}

fn wait_until_ready(server: &Server) {
    let deadline = Instant::now() + RECOVERY_TIMEOUT;
    while readiness(server) != 200 {
        assert!(Instant::now() < deadline, "not ready: {}", server.log());
        thread::yield_now();
    }
}

#[test]
fn readyz_is_503_while_the_disk_is_full_and_200_once_a_commit_succeeds_without_a_request() {
    let home = TestDir::demo();
    let rotated = home.json(&["key", "rotate", UNLIMITED]);
    let used_before = used(&home);
    let token = home.token(ANA, &[]);
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
    ];
    let mut server = Server::start(with_limit(&home, "unlimited", &serve));
    let metrics = metrics_url(&mut server);
    let metric = |name: &str| samples(&metrics)[name].parse::<u64>().unwrap();
    let failed = "llavero_writer_failed_commits_total";
    let api = Api::with_key(&server.api, rotated["key"].as_str().unwrap());
    let validate = || api.validate("").status;
    let health = ["healthcheck", "--listen", &server.address.to_string()];
    assert_eq!([validate(), validate(), readiness(&server)], [200; 3]);
    assert_eq!([metric("llavero_ready"), metric(failed)], [1, 0]);

    let full = fs::metadata(home.path(WAL)).unwrap().len().to_string();
    set_limit(&server, &full);
    assert_eq!(readiness(&server), 200, "no commit has failed yet");
    assert_eq!([validate(), validate(), readiness(&server)], [503; 3]);
    assert!(home.run(&health).failure(1).contains("503"));
    assert!(metric("llavero_ready") == 0 && metric(failed) >= 2);
    assert_eq!(server.get_at_root("/healthz").status, 200);
    assert_eq!(
        server.get(&token, PRODUCTION_PATH).status,
        200,
        "reads go on"
    );

    set_limit(&server, "unlimited");
    wait_until_ready(&server);
    home.run(&health).success();
    assert_eq!(metric("llavero_ready"), 1);
    assert_eq!(validate(), 200);
    assert_eq!(used(&home), used_before + 3);
    let log = server.stop().stderr;
    for line in ["writes fail", "writes succeed again"] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}

fn used(home: &TestDir) -> i64 {
    let key: Value = home.json(&["key", "show", UNLIMITED]);
    key["usage"]["totalRequests"].as_i64().unwrap()
}

#[test]
fn org_create_on_a_full_disk_names_the_disk_and_leaves_nothing_behind() {
    let home = TestDir::new();
    let create = ["org", "create", "--name", "Acme"];
    // Room for nothing, for a part of the schema, for the schema, and for the write-ahead log's index.
    for limit in ["0", "32", "128", "192"] {
        let outcome = run(&mut with_limit(&home, limit, &create));
        if outcome.status.success() {
            assert_ne!(limit, "0");
            break;
        }
        let line = outcome.failure(2);
        assert!(line.contains("disk"), "{limit} KiB: {line}");
        assert!(!line.contains("permissions"), "{limit} KiB: {line}");
        assert_eq!(home.files(), Vec::<String>::new(), "{limit} KiB: {line}");
    }
    home.run(&create);
    assert_eq!(home.json(&["org", "list"])[0]["slug"], "acme");
}

#[test]
fn serve_on_a_full_disk_names_the_disk_and_leaves_nothing_behind() {
    let home = TestDir::new();
    let outcome = run(&mut with_limit(
        &home,
        "0",
        &["serve", "--listen", "127.0.0.1:0"],
    ));
    let line = outcome.failure(2);
    assert!(line.contains("the disk of "), "{line}");
    assert_eq!(home.files(), Vec::<String>::new());
}
