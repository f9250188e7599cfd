//! The output of `--demo`: tokens, and curl lines that can be pasted.

use serde_json::Value;

use crate::support::{ANA, JWT_SECRET, STATS_PATH, Server, TestDir, get, run, tool};

/// The output of a start with `--demo`: the users' tokens by name, and the curl lines.
pub(crate) struct DemoOutput {
    pub(crate) tokens: Vec<(String, String)>,
    pub(crate) curls: Vec<String>,
}

impl DemoOutput {
    /// Reads on until the last of it.
    pub(crate) fn of(server: &mut Server) -> Self {
        let mut greeting = Self {
            tokens: Vec::new(),
            curls: Vec::new(),
        };
        while greeting.curls.len() < 2 {
            let line = server.next_line();
            assert_ne!(line, "", "its end");
            if let Some(user) = line.strip_prefix("# ") {
                let name = user.split(',').next().unwrap().to_owned();
                let token = server.next_line().trim_end().to_owned();
                greeting.tokens.push((name, token));
            } else if line.starts_with("curl ") {
                greeting.curls.push(line.trim_end().to_owned());
            }
        }
        greeting
    }
}

/// The response to a printed curl line. Without curl, the request is sent by the test.
pub(crate) fn paste(home: &TestDir, line: &str) -> Value {
    if tool("curl") {
        let line = line.replacen("curl ", "curl -sf ", 1);
        let outcome = run(&mut home.program("sh", &["-c", &line]));
        return serde_json::from_str(outcome.success()).unwrap();
    }
    let quoted: Vec<&str> = line.split('\'').collect();
    let [_, url, _, header, _] = quoted[..] else {
        panic!("{line}");
    };
    get(url, header.strip_prefix("Authorization: Bearer ")).json()
}

#[test]
fn demo_curl_lines_work() {
    for args in [
        &["--listen", "127.0.0.1:0"][..],
        &["--listen", "0.0.0.0:0"],
        &["--listen", "127.0.0.1:0", "--base-path", "/"],
    ] {
        let home = TestDir::new();
        let mut server = Server::start(home.command(&[&["serve", "--demo"], args].concat()));
        let DemoOutput { curls, .. } = DemoOutput::of(&mut server);
        let [key, stats] = [0, 1].map(|line| paste(&home, &curls[line]));
        assert_eq!(key["name"], "Production server", "{args:?}");
        assert_eq!(stats["totalKeys"], 12, "{args:?}");
    }
}

#[test]
fn demo_tokens_have_the_audience_and_issuer_of_the_flags() {
    let home = TestDir::new();
    let flags = [
        "--demo",
        "--jwt-secret",
        JWT_SECRET,
        "--jwt-audience",
        "it's",
        "--jwt-issuer",
        "\"us\"",
    ];
    let mut server = home.serve(&flags);
    let DemoOutput { tokens, curls } = DemoOutput::of(&mut server);
    for line in &curls {
        let body = paste(&home, line);
        assert!(body["id"].is_string() || body["totalKeys"] == 12, "{body}");
    }
    // The same server refuses a token without the required claims.
    let plain = home.token(ANA, &["--jwt-secret", JWT_SECRET]);
    assert_eq!(server.get(&plain, STATS_PATH).status, 401);
    assert_eq!(server.get(&tokens[0].1, STATS_PATH).status, 200);
}

#[test]
fn demo_prints_no_tokens_with_a_public_key() {
    let home = TestDir::new();
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p256-public.pem");
    let outcome = home.serve(&["--demo", "--jwt-public-key", key]).stop();
    assert!(
        outcome.stdout.contains("private key") && !outcome.stdout.contains("eyJ"),
        "{outcome:?}"
    );
}
