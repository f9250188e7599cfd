//! The log: one line a request on standard error, and nothing in it that a caller could use or should not see.

use std::io::{Read, Write};

use serde_json::Value;

use crate::cli::harness::{ANA, Home, PRODUCTION, SECRET, STATS, Server};

/// A user whose name would colour a terminal and forge a line.
const FORGER: &str = "\u{1b}[31mred\r\n2026-01-01T00:00:00Z  INFO forged";

/// Sends bytes that end their connection, and returns all that comes back.
pub(crate) fn send(server: &Server, request: &[u8]) -> String {
    let mut stream = server.connect();
    // The server may hang up before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// How many answers there are: each carries its request's id.
pub(crate) fn answers(text: &str) -> usize {
    text.matches("\r\nx-request-id: ").count()
}

pub(crate) fn json_lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn assert_printable(log: &str) {
    let odd = log.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "{log:?}");
}

/// Requests of every kind, with marks in all places that are not for the log. Returns how many.
fn ask_with_marks(home: &Home, server: &Server) -> usize {
    let token = home.token(ANA, &["--jwt-secret", SECRET]);
    let forger = home.token(FORGER, &["--jwt-secret", SECRET]);
    let paths = [
        "/api/organizations/MARK-path/api-keys/MARK-key?days=7&MARK-query=%1b%5b31m",
        "/api/organizations/MARK%0d%0aINFO%20forged%1b%5b31m/api-keys/stats",
        "/MARK%0d%0aINFO%20forged%1b%5b31m?MARK",
        "/api/organizations/%ffMARK/api-keys/stats",
        "/healthz?MARK",
    ];
    let mut asked = 0;
    for path in paths {
        for token in [token.as_str(), &forger, "MARK-token", "eyJNQVJL.MARK.MARK"] {
            for method in ["GET", "HEAD", "POST"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: MARK-host\r\nAuthorization: Bearer {token}\r\nUser-Agent: MARK-agent\r\nCookie: MARK=1\r\nX-Request-Id: MARK with spaces\r\nConnection: close\r\n\r\n"
                );
                assert_eq!(
                    answers(&send(server, request.as_bytes())),
                    1,
                    "{method} {path}"
                );
                asked += 1;
            }
        }
    }
    let log = server.log();
    for mark in ["MARK", token.as_str(), &forger, SECRET] {
        assert!(!log.contains(mark), "{mark} is in {log}");
    }
    asked
}

#[test]
fn a_request_is_one_line_of_text_without_anything_confidential() {
    let home = Home::new();
    let server = home.serve(&["--demo", "--jwt-secret", SECRET]);
    let asked = ask_with_marks(&home, &server);
    let log = server.log();
    assert_printable(&log);
    assert_eq!(log.lines().count(), asked, "{log}");
    for line in log.lines() {
        for field in [
            "method=",
            "route=",
            "status=",
            "duration_ms=",
            "request.id=",
        ] {
            assert!(line.contains(field), "{field} is not in {line}");
        }
    }
    assert!(log.contains("user.id=\"\\u{1b}[31mred\\r\\n2026"), "{log}");
}

#[test]
fn a_request_is_one_json_object_without_anything_confidential() {
    let home = Home::new();
    let server = home.serve(&["--demo", "--jwt-secret", SECRET, "--log-format", "json"]);
    let asked = ask_with_marks(&home, &server);
    let log = server.log();
    assert_printable(&log);
    let lines = json_lines(&log);
    assert_eq!(lines.len(), asked, "{log}");
    for line in &lines {
        assert!(
            line["method"].is_string() && line["route"].is_string(),
            "{line}"
        );
        assert!(
            line["status"].is_u64() && line["duration_ms"].is_f64(),
            "{line}"
        );
        assert!(line["request.id"].is_string(), "{line}");
        assert_eq!(line["timestamp"].as_str().map(str::len), Some(27), "{line}");
    }
    assert!(lines.iter().any(|line| line["user.id"] == FORGER), "{log}");
}

#[test]
fn a_line_says_what_was_asked_by_whom_and_how_it_went() {
    let home = Home::new();
    let server = home.serve(&["--demo", "--log-format", "json"]);
    let token = home.token(ANA, &[]);
    for path in [
        PRODUCTION,
        STATS,
        "/organizations/globex/api-keys/stats",
        "/nothing",
    ] {
        server.get(&token, path);
    }
    server.get("wrong", STATS);
    let brought =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: trace-7\r\nConnection: close\r\n\r\n";
    send(&server, brought.as_bytes());

    let key = "/api/organizations/{organizationId}/api-keys/{id}";
    let stats = "/api/organizations/{organizationId}/api-keys/stats";
    let told: Vec<_> = json_lines(&server.log())
        .iter()
        .map(|line| {
            let route = line["route"].as_str().unwrap().to_owned();
            let user = line["user.id"].as_str().map(str::to_owned);
            (route, line["status"].as_u64().unwrap(), user)
        })
        .collect();
    let ana = || Some(ANA.to_owned());
    let expected = [
        (key, 200, ana()),
        (stats, 200, ana()),
        (stats, 403, ana()),
        ("-", 404, None),
        (stats, 401, None),
        ("/healthz", 200, None),
    ];
    assert_eq!(
        told,
        expected.map(|(route, status, user)| (route.to_owned(), status, user))
    );
    assert_eq!(json_lines(&server.log())[5]["request.id"], "trace-7");
}

#[test]
fn a_failure_is_an_error_line_with_its_cause() {
    let home = Home::new();
    let server = home.serve(&["--log-format", "json"]);
    home.sqlite("llavero.db")
        .execute_batch("DROP TABLE signing_secret")
        .unwrap();
    assert_eq!(server.get_at_root("/readyz").status, 503);
    let lines = json_lines(&server.log());
    assert_eq!(
        (lines.len(), &lines[0]["level"]),
        (1, &Value::from("ERROR"))
    );
    assert!(
        lines[0]["cause"]
            .as_str()
            .unwrap()
            .contains("signing_secret"),
        "{lines:?}"
    );
}

#[test]
fn a_start_and_a_stop_in_good_order_say_nothing() {
    let home = Home::new();
    for args in [&[][..], &["--demo"], &["--log-format", "json"]] {
        assert_eq!(home.serve(args).stop().stderr, "");
    }
}

/// Where there is no `script` of util-linux, there is no terminal to be had.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_log_has_nothing_to_complain_about() {
    if std::process::Command::new("script")
        .arg("--version")
        .output()
        .is_err()
    {
        return;
    }
    let binary = env!("CARGO_BIN_EXE_llavero");
    let serve = format!("{binary} serve --listen 127.0.0.1:0 --jwt-secret short");
    // `script` gives the command a terminal of its own, for all that it writes.
    let outcome = crate::cli::harness::run(
        &mut Home::new().in_here("script", &["-qec", &serve, "/dev/null"]),
    );
    assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .starts_with("error: the HS256 secret has 5 bytes"),
        "{outcome:?}"
    );
}
