//! Starts that succeed: which file they make, what survives a restart, and where they listen.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{ANA, DATABASE, PRODUCTION_PATH, STOPPED, Server, TestDir, get};

fn modes(home: &TestDir) -> Vec<(String, u32)> {
    let mode = |name: &String| fs::metadata(home.path(name)).unwrap().permissions().mode();
    let files = home.files();
    let modes: Vec<u32> = files.iter().map(mode).collect();
    files.into_iter().zip(modes).collect()
}

#[test]
fn start_creates_files_that_only_their_owner_can_read() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let private = 0o100_600;
    let lock = "llavero.db-lock";
    let expected = [DATABASE, lock, "llavero.db-shm", "llavero.db-wal"];
    assert_eq!(
        modes(&home),
        expected.map(|name| (name.to_owned(), private))
    );
    server.stop();
    let expected = [DATABASE, lock];
    assert_eq!(
        modes(&home),
        expected.map(|name| (name.to_owned(), private))
    );
}

#[test]
fn start_with_two_hard_links_to_the_database_logs_a_warning() {
    let home = TestDir::new();
    let warnings = |log: &str| {
        let lines = log.lines();
        lines
            .filter(|line| line.contains("WARN"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let outcome = home.serve(&[]).stop();
    assert_eq!(warnings(&outcome.stderr), [""; 0]);
    fs::hard_link(home.path(DATABASE), home.path("other.db")).unwrap();
    let outcome = home.serve(&[]).stop();
    let warnings = warnings(&outcome.stderr);
    assert_eq!(warnings.len(), 1, "{outcome:?}");
    assert!(
        warnings[0].contains("hard link") && warnings[0].contains(DATABASE),
        "{outcome:?}"
    );
}

#[test]
fn start_again_finds_all_data() {
    let home = TestDir::new();
    home.serve(&["--demo"]).stop();
    let token = home.token(ANA, &[]);
    let before = home.dump(DATABASE);
    assert!(
        before.iter().any(|row| row.contains("acme-corp")),
        "{before:?}"
    );
    assert!(
        before.iter().any(|row| row.starts_with("signing_secret: ")),
        "{before:?}"
    );

    for _ in 0..2 {
        let server = home.serve(&[]);
        assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
        server.stop();
        assert!(home.dump(DATABASE) == before, "the content has changed");
    }
}

#[test]
fn start_after_a_kill_finds_all_data() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let token = home.token(ANA, &[]);
    let answer = server.get(&token, PRODUCTION_PATH);
    server.signal("KILL");
    assert_eq!(server.wait().status.code(), None);

    let server = home.serve(&[]);
    assert_eq!(server.get(&token, PRODUCTION_PATH).json(), answer.json());
    server.stop();
    assert_eq!(home.files(), STOPPED);
}

#[test]
fn start_generates_a_secret_per_database() {
    let (home, other) = (TestDir::new(), TestDir::new());
    let server = home.serve(&["--demo"]);
    other.serve(&["--demo"]).stop();
    assert_eq!(
        server.get(&home.token(ANA, &[]), PRODUCTION_PATH).status,
        200
    );
    assert_eq!(
        server.get(&other.token(ANA, &[]), PRODUCTION_PATH).status,
        401
    );
}

#[test]
fn start_on_an_empty_file_makes_a_database() {
    let home = TestDir::new();
    home.write(DATABASE, "");
    let server = home.serve(&["--demo"]);
    assert_eq!(
        server.get(&home.token(ANA, &[]), PRODUCTION_PATH).status,
        200
    );
}

#[test]
fn start_on_port_0_prints_the_port() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    assert_ne!(server.address.port(), 0);
    assert_eq!(
        server.api,
        format!("http://127.0.0.1:{}/api", server.address.port())
    );
    assert_eq!(server.get_at_root("/healthz").status, 200);
    let other = home.serve(&["--database", "other.db"]);
    assert_ne!(other.address, server.address);
}

#[test]
fn start_listens_on_a_host_name() {
    let home = TestDir::new();
    let server = Server::start(home.command(&["serve", "--listen", "localhost:0"]));
    assert!(server.address.ip().is_loopback(), "{}", server.address);
    assert_eq!(server.get_at_root("/readyz").status, 200);
}

#[test]
fn start_serves_the_api_below_the_base_path_only() {
    let home = TestDir::new();
    home.serve(&["--demo"]).stop();
    let token = home.token(ANA, &[]);
    for (flag, base) in [
        ("/v2", "/v2"),
        ("/v2/", "/v2"),
        ("/a/b.c", "/a/b.c"),
        ("/", ""),
    ] {
        let server = home.serve(&["--base-path", flag]);
        let origin = format!("http://{}", server.address);
        assert_eq!(server.api, format!("{origin}{base}"), "{flag}");
        assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200, "{flag}");
        assert_eq!(server.get(&token, "/openapi.json").status, 200, "{flag}");
        let default = get(&format!("{origin}/api{PRODUCTION_PATH}"), Some(&token));
        assert_eq!(default.status, 404, "{flag}");
        assert_eq!(server.get_at_root("/readyz").status, 200, "{flag}");
    }
}

#[test]
fn start_takes_a_database_path_literally() {
    for name in ["file:x.db?mode=memory", "mis datos ñ.db", ":memory:"] {
        let home = TestDir::new();
        home.serve(&["--database", name]).stop();
        assert_eq!(home.files(), [name.to_owned(), format!("{name}-lock")]);
    }
}

#[test]
fn start_follows_a_linked_directory() {
    let home = TestDir::new();
    fs::create_dir(home.path("real")).unwrap();
    std::os::unix::fs::symlink("real", home.path("link")).unwrap();
    home.serve(&["--database", "link/x.db"]).stop();
    assert!(home.path("real/x.db").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn backlog_takes_clients_that_connect_while_the_server_is_busy() {
    use std::io::{Read, Write};

    let home = TestDir::new();
    let server = home.serve(&[]);
    server.signal("STOP");
    // With the usual backlog of 128, the others would have to repeat their SYN, in vain.
    let mut clients: Vec<_> = (0..300).map(|_| server.connect()).collect();
    server.signal("CONT");
    for client in &mut clients {
        client
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    server.stop();
}
