//! The log's hint for developers whose web page cannot read responses because of its origin.

use serde_json::Value;

use super::logs::{json_lines, send};
use crate::support::{Api, Server, TestDir};

const ALLOWED: &str = "http://localhost:5173";
const REFUSED: &str = "http://localhost:5174";

fn get(server: &Server, path: &str, origin: &str) -> u16 {
    let url = format!("http://{}", server.address);
    let api = Api::new(&url, None).with_header("origin", origin);
    api.get(path).status
}

/// The preflight of a page that sends a token.
fn preflight(server: &Server, origin: &str) {
    let request = format!(
        "OPTIONS /api/organizations/acme-corp/api-keys/stats HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\nConnection: close\r\n\r\n",
        server.address
    );
    let response = send(server, request.as_bytes());
    assert!(
        !response.contains("access-control-allow-origin"),
        "{response}"
    );
}

/// The lines with a hint.
fn hints(log: &str) -> Vec<Value> {
    let lines = json_lines(log).into_iter();
    lines.filter(|line| line.get("hint").is_some()).collect()
}

#[test]
fn log_has_one_hint_for_each_refused_origin() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json", "--cors-origin", ALLOWED]);
    preflight(&server, REFUSED);
    preflight(&server, REFUSED);
    for origin in [
        REFUSED,
        ALLOWED,
        "null",
        &format!("http://{}", server.address),
    ] {
        assert_eq!(get(&server, "/healthz", origin), 200);
    }
    // CORS does not apply to the pages of the dashboard.
    get(&server, "/login", "http://localhost:5175");
    get(&server, "/readyz", "https://other.example");
    let hints = hints(&server.stop().stderr);
    let fields = hints.iter().map(|line| {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        (text("level"), text("origin"), text("hint"))
    });
    let expected = [REFUSED, "https://other.example"].map(|origin| {
        let hint = format!("--cors-origin {origin}");
        ("INFO".to_owned(), origin.to_owned(), hint)
    });
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[test]
fn log_has_few_hints_for_many_refused_origins() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json"]);
    for port in 1..100 {
        get(
            &server,
            "/healthz",
            &format!("http://attacker.example:{port}00"),
        );
    }
    assert_eq!(hints(&server.stop().stderr).len(), 16);
}

#[test]
fn log_of_the_demo_has_no_hint_for_pages_of_this_machine() {
    let home = TestDir::new();
    let server = home.serve(&["--demo", "--log-format", "json"]);
    for origin in [REFUSED, "http://127.0.0.1:8080", "http://[::1]:3000"] {
        get(&server, "/healthz", origin);
    }
    get(&server, "/healthz", "https://localhost:5173");
    assert_eq!(hints(&server.stop().stderr).len(), 1);
    let sandbox = home.serve(&["--sandbox", "--log-format", "json"]);
    get(&sandbox, "/healthz", REFUSED);
    assert_eq!(hints(&sandbox.stop().stderr).len(), 0);
}
