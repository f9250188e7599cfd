//! `llavero healthcheck`: 0 when a server can answer, else 1 and one line that says who did not.

use std::net::TcpListener;

use crate::cli::harness::{DATABASE, Home, Outcome, run};

/// Nobody listens there: the port is reserved, and never handed out.
const NOBODY: &str = "127.0.0.1:1";

fn with_variable(home: &Home, listen: &str, args: &[&str]) -> Outcome {
    let mut command = home.command(&[&["healthcheck"], args].concat());
    run(command.env("LLAVERO_LISTEN", listen))
}

#[test]
fn a_server_that_can_answer_is_healthy() {
    let home = Home::new();
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
            with_variable(&home, NOBODY, &args).success(),
            "",
            "{args:?}"
        );
    }
    assert_eq!(with_variable(&home, &listen, &[]).success(), "");
    assert_eq!(with_variable(&home, &any, &[]).success(), "");
}

#[test]
fn the_base_path_does_not_matter() {
    let home = Home::new();
    let server = home.serve(&["--base-path", "/v2"]);
    with_variable(&home, &server.address.to_string(), &[]).success();
}

#[test]
fn nobody_there_is_unhealthy() {
    let home = Home::new();
    let url = format!("http://{NOBODY}/readyz");
    for args in [["--listen", NOBODY], ["--url", &url]] {
        let outcome = home.run(&[&["healthcheck"], &args[..]].concat());
        assert!(outcome.failure(1).contains(&url), "{outcome:?}");
    }
    assert!(with_variable(&home, NOBODY, &[]).failure(1).contains(&url));
}

#[test]
fn a_stopped_server_is_unhealthy() {
    let home = Home::new();
    let server = home.serve(&[]);
    let listen = server.address.to_string();
    with_variable(&home, &listen, &[]).success();
    server.stop();
    with_variable(&home, &listen, &[]).failure(1);
}

#[test]
fn a_server_that_cannot_read_its_database_is_unhealthy() {
    let home = Home::new();
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

#[test]
fn another_answer_is_unhealthy() {
    let home = Home::new();
    let server = home.serve(&[]);
    let url = format!("http://{}/nothing-here", server.address);
    let outcome = home.run(&["healthcheck", "--url", &url]);
    let line = outcome.failure(1);
    assert!(line.contains(&url) && line.contains("404"), "{line}");
}

#[test]
fn a_server_that_says_nothing_is_unhealthy() {
    let home = Home::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = silent.local_addr().unwrap().to_string();
    assert!(
        with_variable(&home, &listen, &[])
            .failure(1)
            .contains(&listen)
    );
}

#[test]
fn what_cannot_be_asked_is_named() {
    let home = Home::new();
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
