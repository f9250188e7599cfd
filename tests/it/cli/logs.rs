//! The log: one line per request on standard error, without secrets.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::support::{
    ACME, ANA, Api, JWT_SECRET, PRODUCTION, PRODUCTION_PATH, PRODUCTION_SECRET, STATS_PATH, Server,
    TestDir, run, tool,
};

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

/// The lines of a log that are about requests: all but the one of the start.
fn request_lines(log: &str) -> String {
    let lines = log.split_inclusive('\n');
    lines.filter(|line| !line.contains("started")).collect()
}

pub(crate) fn assert_printable(log: &str) {
    let odd = log.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "{log:?}");
}

/// Requests of every kind, with marks in all places that are not for the log. Returns how many.
fn ask_with_marks(home: &TestDir, server: &Server) -> usize {
    let token = home.token(ANA, &["--jwt-secret", JWT_SECRET]);
    let forger = home.token(FORGER, &["--jwt-secret", JWT_SECRET]);
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
    for mark in ["MARK", token.as_str(), &forger, JWT_SECRET] {
        assert!(!log.contains(mark), "{mark} is in {log}");
    }
    asked
}

#[test]
fn log_in_text_has_one_line_per_request_without_secrets() {
    let home = TestDir::new();
    let server = home.serve(&["--demo", "--jwt-secret", JWT_SECRET, "--log-level", "debug"]);
    let asked = ask_with_marks(&home, &server);
    let log = request_lines(&server.log());
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
fn log_in_json_has_one_object_per_request_without_secrets() {
    let home = TestDir::new();
    let trust = ["--demo", "--jwt-secret", JWT_SECRET];
    let server = home.serve(
        &[
            &trust[..],
            &["--log-format", "json", "--log-level", "debug"],
        ]
        .concat(),
    );
    let asked = ask_with_marks(&home, &server);
    let log = request_lines(&server.log());
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
fn log_line_has_request_user_and_outcome() {
    let home = TestDir::new();
    let server = home.serve(&["--demo", "--log-format", "json", "--log-level", "debug"]);
    let token = home.token(ANA, &[]);
    for path in [
        PRODUCTION_PATH,
        STATS_PATH,
        "/organizations/globex/api-keys/stats",
        "/nothing",
    ] {
        server.get(&token, path);
    }
    server.get("wrong", STATS_PATH);
    let brought =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: trace-7\r\nConnection: close\r\n\r\n";
    send(&server, brought.as_bytes());

    let key = "/api/organizations/{organizationId}/api-keys/{id}";
    let stats = "/api/organizations/{organizationId}/api-keys/stats";
    let log = request_lines(&server.log());
    let told: Vec<_> = json_lines(&log)
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
    let probe = &json_lines(&log)[5];
    assert_eq!(
        (&probe["request.id"], &probe["level"]),
        (&json!("trace-7"), &json!("DEBUG"))
    );
}

/// The key's id, the organization's id and the outcome of each line.
fn validations(log: &str) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    json_lines(&request_lines(log))
        .iter()
        .map(|line| ["key.id", "organization.id", "outcome"].map(|field| text(&line[field])))
        .collect()
}

#[test]
fn log_line_of_a_validation_has_key_organization_and_outcome() {
    let home = TestDir::new();
    let server = home.serve(&["--demo", "--log-format", "json"]);
    let limits = home.sqlite("llavero.db");
    let set = |columns: &str| {
        let sql = format!("UPDATE api_keys SET {columns} WHERE id = '{PRODUCTION}'");
        limits.execute(&sql, []).unwrap();
    };
    let unknown = "sk_Rw7PqK2mYc9TzL4vHd1XsB8nGf5JeA3Cwv9F";
    let production = Api::with_key(&server.api, PRODUCTION_SECRET);
    production.validate("");
    production.validate("?scope=none");
    Api::with_key(&server.api, unknown).validate("");
    Api::with_key(&server.api, "").validate("");
    production.validate("?scopes=none");
    for columns in [
        "quota_limit = 1, quota_period = 'day'",
        "rate_limit = 1, rate_window_seconds = 2678400",
        "disabled_at = 0",
        "expires_at = created_at",
        "revoked_at = created_at",
    ] {
        set(columns);
        production.validate("");
    }
    limits
        .execute("DROP TABLE organization_daily_usage", [])
        .unwrap();
    production.validate("");

    let of_key = |outcome: &str| [PRODUCTION, ACME, outcome].map(str::to_owned);
    let of_none = |outcome: &str| ["-", "-", outcome].map(str::to_owned);
    let expected = [
        of_key("valid"),
        of_key("missing_scopes"),
        of_none("unknown"),
        of_none("missing"),
        // The request was rejected before the key was looked at.
        of_none("-"),
        of_key("over_quota"),
        of_key("rate_limited"),
        of_key("disabled"),
        of_key("expired"),
        of_key("revoked"),
        of_key("failed"),
    ];
    assert_eq!(validations(&server.log()), expected);
}

#[test]
fn log_line_of_a_validation_in_text_has_key_organization_and_outcome() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    Api::with_key(&server.api, PRODUCTION_SECRET).validate("");
    let log = request_lines(&server.log());
    let fields = format!("key.id=\"{PRODUCTION}\" organization.id=\"{ACME}\" outcome=\"valid\"");
    assert!(log.contains(&fields), "{log}");
}

#[test]
fn log_of_a_500_has_level_error_and_the_cause() {
    let home = TestDir::new();
    let server = home.serve(&["--log-format", "json"]);
    home.sqlite("llavero.db")
        .execute_batch("DROP TABLE signing_secret")
        .unwrap();
    assert_eq!(server.get_at_root("/readyz").status, 503);
    let lines = json_lines(&request_lines(&server.log()));
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
fn log_begins_with_the_configuration_and_ends_with_the_stop() {
    let home = TestDir::new();
    let json = ["--log-format", "json"];
    let args = [
        "--demo",
        "--jwt-secret",
        JWT_SECRET,
        "--cors-origin",
        "http://localhost:5173",
    ];
    let outcome = home.serve(&[&json[..], &args].concat()).stop();
    assert!(!outcome.stderr.contains(JWT_SECRET), "{outcome:?}");
    let lines = json_lines(&outcome.stderr);
    assert_eq!(lines.len(), 2, "{outcome:?}");
    for (field, value) in [
        ("message", json!("started")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("database", json!("llavero.db")),
        ("demo", json!(true)),
        ("base_path", json!("/api")),
        ("jwt_key", json!("secret")),
        ("cors_origins", json!("http://localhost:5173")),
        ("log_format", json!("json")),
        ("log_level", json!("info")),
    ] {
        assert_eq!(lines[0][field], value, "{field} in {}", lines[0]);
    }
    assert_eq!(lines[1]["message"], "stopped");

    let outcome = home.serve(&[&json[..], &["--sandbox"]].concat()).stop();
    let lines = json_lines(&outcome.stderr);
    assert_eq!(lines[0]["sandbox.clock"], "2026-01-15T12:00:00.000Z");
    assert!(lines[0].get("database").is_none(), "{}", lines[0]);
    assert_eq!(lines[1]["message"], "stopped");
}

#[test]
fn log_level_decides_which_events_are_logged() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    for (level, expected) in [
        ("debug", &["started", "/healthz", "-", "stopped"][..]),
        ("info", &["started", "-", "stopped"]),
        ("warn", &[]),
        ("error", &[]),
    ] {
        let server = home.serve(&["--log-format", "json", "--log-level", level]);
        server.get_at_root("/healthz");
        server.get_at_root("/nothing");
        let lines = json_lines(&server.stop().stderr);
        let logged = lines.iter().map(|line| match line["message"].as_str() {
            Some("request") => line["route"].as_str().unwrap(),
            message => message.unwrap(),
        });
        assert_eq!(logged.collect::<Vec<_>>(), expected, "{level}");
    }
}

#[test]
fn log_contains_no_secret_from_a_method_a_request_id_or_a_sub() {
    let home = TestDir::new();
    let server = home.serve(&["--jwt-secret", JWT_SECRET, "--log-format", "json"]);
    let token = home.token(PRODUCTION_SECRET, &["--jwt-secret", JWT_SECRET]);
    let send = |method: &str, id: &str| {
        let request = format!(
            "{method} /api{STATS_PATH} HTTP/1.1\r\nHost: x\r\nX-Request-Id: {id}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        send(&server, request.as_bytes())
    };
    // The response still names the method.
    let response = send(PRODUCTION_SECRET, "a");
    assert!(
        response.contains(&format!("Cannot {PRODUCTION_SECRET} /api")),
        "{response}"
    );
    assert!(response.contains("\r\nx-request-id: a\r\n"), "{response}");
    for id in [
        PRODUCTION_SECRET,
        "trace:sk_qBhy",
        &format!("x{PRODUCTION_SECRET}"),
    ] {
        let response = send("GET", id);
        assert!(response.contains("HTTP/1.1 403"), "{response}");
        assert!(!response.contains(id), "{response}");
    }
    assert!(send("GET", "task_7").contains("\r\nx-request-id: task_7\r\n"));

    let log = server.log();
    for part in ["sk_q", &PRODUCTION_SECRET[3..19]] {
        assert!(!log.contains(part), "{part} is in {log}");
    }
    let lines = json_lines(&request_lines(&log));
    assert_eq!((lines.len(), &lines[0]["method"]), (5, &json!("other")));
    assert!(
        lines.iter().all(|line| line.get("user.id").is_none()),
        "{log}"
    );
}

/// `script` of util-linux makes the terminal.
#[test]
#[cfg(target_os = "linux")]
fn log_on_a_terminal_has_only_the_error_of_a_failed_start() {
    if !tool("script") {
        return;
    }
    let binary = env!("CARGO_BIN_EXE_llavero");
    let serve = format!("{binary} serve --listen 127.0.0.1:0 --jwt-secret short");
    // `script` gives the command a terminal of its own, for all that it writes.
    let outcome = run(&mut TestDir::new().program("script", &["-qec", &serve, "/dev/null"]));
    assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .starts_with("error: the HS256 secret has 5 bytes"),
        "{outcome:?}"
    );
}
