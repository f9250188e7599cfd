//! `llavero healthcheck`: exit code 0 for a ready server, otherwise 1 and one line that names the URL.

use std::{fs, net::TcpListener};

use serde_json::json;

use crate::support::{ANA, Api, DATABASE, JWT_SECRET, Outcome, Server, TestDir, run};

/// An address without a server: port 1 is reserved.
const UNUSED_ADDRESS: &str = "127.0.0.1:1";

fn with_variable(home: &TestDir, listen: &str, args: &[&str]) -> Outcome {
    let mut command = home.command(&[&["healthcheck"], args].concat());
    run(command.env("LLAVERO_LISTEN", listen))
}

#[test]
fn healthcheck_succeeds_for_a_ready_server() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let listen = server.address.to_string();
    let url = format!("http://{listen}/readyz");
    let any = format!("0.0.0.0:{}", server.address.port());
    for args in [["--listen", &listen], ["--listen", &any], ["--url", &url]] {
        assert_eq!(
            home.run(&[&["healthcheck"], &args[..]].concat()).success(),
            "",
            "{args:?}"
        );
        assert_eq!(
            with_variable(&home, UNUSED_ADDRESS, &args).success(),
            "",
            "{args:?}"
        );
    }
    assert_eq!(with_variable(&home, &listen, &[]).success(), "");
    assert_eq!(with_variable(&home, &any, &[]).success(), "");
}

#[test]
fn healthcheck_does_not_depend_on_the_base_path() {
    let home = TestDir::new();
    let server = home.serve(&["--base-path", "/v2"]);
    with_variable(&home, &server.address.to_string(), &[]).success();
}

#[test]
fn healthcheck_fails_without_a_server() {
    let home = TestDir::new();
    let url = format!("http://{UNUSED_ADDRESS}/readyz");
    for args in [["--listen", UNUSED_ADDRESS], ["--url", &url]] {
        let outcome = home.run(&[&["healthcheck"], &args[..]].concat());
        assert!(outcome.failure(1).contains(&url), "{outcome:?}");
    }
    assert!(
        with_variable(&home, UNUSED_ADDRESS, &[])
            .failure(1)
            .contains(&url)
    );
}

#[test]
fn healthcheck_fails_for_a_stopped_process() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let listen = server.address.to_string();
    with_variable(&home, &listen, &[]).success();
    server.stop();
    with_variable(&home, &listen, &[]).failure(1);
}

#[test]
fn healthcheck_fails_for_a_server_without_its_database() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let listen = server.address.to_string();
    let sql = "ALTER TABLE signing_secret RENAME TO gone";
    home.sqlite(DATABASE).execute_batch(sql).unwrap();
    assert!(
        with_variable(&home, &listen, &[])
            .failure(1)
            .contains("503")
    );
    let sql = "ALTER TABLE gone RENAME TO signing_secret";
    home.sqlite(DATABASE).execute_batch(sql).unwrap();
    with_variable(&home, &listen, &[]).success();
}

/// The statuses of what needs the file: readiness, a valid key, an unknown key, and a write.
fn statuses(home: &TestDir, server: &Server, secret: &str) -> [u16; 4] {
    let validate = |secret: &str| {
        let api = Api::with_key(&server.api, secret);
        api.validate("").status
    };
    let keys = "/organizations/acme-corp/api-keys";
    let token = home.token(ANA, &["--jwt-secret", JWT_SECRET]);
    [
        server.get_at_root("/readyz").status,
        validate(secret),
        validate(UNKNOWN_SECRET),
        server
            .api(&token)
            .post(keys, &json!({ "name": "x" }))
            .status,
    ]
}

/// A secret in the right form that no key has.
const UNKNOWN_SECRET: &str = "sk_Rw7PqK2mYc9TzL4vHd1XsB8nGf5JeA3Cwv9F";

#[test]
fn healthcheck_uses_and_writes_fail_while_the_database_file_is_moved() {
    let home = TestDir::demo();
    let [path, aside] = [DATABASE, "aside.db"].map(|name| home.path(name));
    let rotated = home.json(&["key", "rotate", "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d07"]);
    let secret = rotated["key"].as_str().unwrap();
    let server = home.serve(&["--jwt-secret", JWT_SECRET]);
    let listen = server.address.to_string();
    let in_place = [200, 200, 401, 201];
    assert_eq!(statuses(&home, &server, secret), in_place);

    fs::rename(&path, &aside).unwrap();
    assert_eq!(statuses(&home, &server, secret), [503; 4], "renamed");
    with_variable(&home, &listen, &[]).failure(1);
    fs::copy(&aside, &path).unwrap();
    assert_eq!(statuses(&home, &server, secret), [503; 4], "replaced");
    fs::rename(&aside, &path).unwrap();
    assert_eq!(statuses(&home, &server, secret), in_place, "back again");
    fs::remove_file(&path).unwrap();
    assert_eq!(statuses(&home, &server, secret), [503; 4], "removed");
    assert!(server.log().contains("removed, renamed or replaced"));
}

#[test]
fn healthcheck_fails_for_another_service() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let url = format!("http://{}/nothing-here", server.address);
    let outcome = home.run(&["healthcheck", "--url", &url]);
    let line = outcome.failure(1);
    assert!(line.contains(&url) && line.contains("404"), "{line}");
}

#[test]
fn healthcheck_fails_for_a_silent_server() {
    let home = TestDir::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = silent.local_addr().unwrap().to_string();
    assert!(
        with_variable(&home, &listen, &[])
            .failure(1)
            .contains(&listen)
    );
}

#[test]
fn healthcheck_rejects_an_invalid_url() {
    let home = TestDir::new();
    for [flag, value] in [
        ["--url", "https://127.0.0.1/readyz"],
        ["--url", "/readyz"],
        ["--url", "not a url"],
        ["--listen", "nonsense"],
    ] {
        let outcome = home.run(&["healthcheck", flag, value]);
        let line = outcome.failure(2);
        assert!(line.contains(flag) && line.contains(value), "{line}");
    }
}
