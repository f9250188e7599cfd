//! `--sandbox`: deterministic responses, tokens that no server accepts, no files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    cli::demo_output::{DemoOutput, paste},
    support::{Answer, Api, PRODUCTION_PATH, STATS_PATH, Server, TestDir, run},
};

/// The published secret of every sandbox, spelt once more: it must not change.
const PUBLIC_SECRET: &str = "llavero sandbox: everyone knows this secret, no server trusts it";

fn sandbox(home: &TestDir, args: &[&str]) -> Server {
    home.serve(&[&["--sandbox"], args].concat())
}

fn origin(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn guide(server: &Server) -> Value {
    server.get_at_root("/sandbox").json()
}

fn token_of(guide: &Value, name: &str) -> String {
    let users = guide["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["name"] == name).unwrap();
    user["token"].as_str().unwrap().to_owned()
}

/// A response without the headers that differ from request to request.
fn bytes(answer: &Answer) -> (u16, BTreeMap<String, Vec<u8>>, String) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    (answer.status, headers.collect(), answer.body.clone())
}

/// Everything there is to ask, and a visitor's whole stay.
fn everything(server: &Server) -> Vec<(u16, BTreeMap<String, Vec<u8>>, String)> {
    let before = reads(server);
    let mut answers = visits(server);
    // The shared database is unchanged: Ana sees it again after a reset.
    let token = token_of(&guide(server), "Ana");
    let reset = Api::new(&origin(server), Some(&token)).post("/sandbox/reset", &json!({}));
    assert_eq!(reset.status, 204);
    assert!(reads(server) == before);
    answers.extend(before);
    answers
}

fn reads(server: &Server) -> Vec<(u16, BTreeMap<String, Vec<u8>>, String)> {
    let guide = guide(server);
    let origin = origin(server);
    let mut answers = Vec::new();
    for user in guide["users"].as_array().unwrap() {
        let api = Api::new(&origin, user["token"].as_str());
        for organization in guide["organizations"].as_array().unwrap() {
            for by in ["id", "slug"] {
                let keys = format!(
                    "/api/organizations/{}/api-keys",
                    organization[by].as_str().unwrap()
                );
                for rest in ["", "?limit=3", "/stats", "/stats?days=90", "/nothing"] {
                    answers.push(api.get(&format!("{keys}{rest}")));
                }
                for key in organization["keys"].as_array().unwrap() {
                    answers.push(api.get(&format!("{keys}/{}", key["id"].as_str().unwrap())));
                }
            }
        }
    }
    let unauthenticated = Api::new(&origin, None);
    for path in [
        "/sandbox",
        "/",
        "/docs",
        "/openapi.json",
        "/api/openapi.json",
        "/healthz",
        "/readyz",
        "/nowhere",
    ] {
        answers.push(unauthenticated.get(path));
    }
    answers.push(
        Api::new(&origin, None)
            .with_header("accept", "text/html")
            // The page shows the address that the client used, and each server has a port of its own.
            .with_header("host", "sandbox.example.com")
            .get("/sandbox"),
    );
    for operation in guide["operations"].as_array().unwrap() {
        for answer in operation["answers"].as_array().unwrap() {
            let wish = format!("code={}", answer["code"]);
            let api = Api::new(&origin, None).with_header("prefer", &wish);
            let path = operation["path"].as_str().unwrap();
            answers.push(match operation["method"].as_str().unwrap() {
                "GET" => api.get(path),
                "POST" => api.post(path, &json!({})),
                _ => api.delete(path),
            });
        }
    }
    answers.iter().map(bytes).collect()
}

fn visits(server: &Server) -> Vec<(u16, BTreeMap<String, Vec<u8>>, String)> {
    let guide = guide(server);
    let origin = origin(server);
    let mut answers = Vec::new();
    let secret = guide["organizations"][0]["keys"][0]["secret"]
        .as_str()
        .unwrap();
    for credentials in ["Basic Zm9vOmJhcg==", "Bearer nonsense"] {
        let api = Api::with_key(&origin, secret).with_header("authorization", credentials);
        answers.push(api.get("/api-keys/validate"));
    }
    for session in ["one", "two"] {
        let token = token_of(&guide, "Ana");
        let api = Api::new(&origin, Some(&token)).with_header("x-sandbox-session", session);
        let keys = "/organizations/initech/api-keys";
        let rate = json!({ "limit": 2, "windowSeconds": 60 });
        let made = api.post(keys, &json!({ "name": session, "rateLimit": rate }));
        let secret = made.json()["key"].as_str().unwrap().to_owned();
        let path = format!("{keys}/{}", made.json()["id"].as_str().unwrap());
        answers.push(made);
        for _ in 0..3 {
            answers.push(Api::with_key(&origin, &secret).get("/api-keys/validate"));
        }
        answers.push(api.post(&format!("{path}/rotate"), &json!({ "graceSeconds": 60 })));
        answers.push(api.delete(&path));
        answers.push(api.get(&path));
        answers.push(api.get(&format!("{keys}/stats?days=2")));
    }
    answers.iter().map(bytes).collect()
}

#[test]
fn sandbox_responses_are_the_same_bytes_on_every_start() {
    let home = TestDir::new();
    let (one, two) = (sandbox(&home, &[]), sandbox(&home, &[]));
    let (first, second) = (everything(&one), everything(&two));
    assert!(first.len() > 300, "{}", first.len());
    for (n, (first, second)) in first.iter().zip(&second).enumerate() {
        assert_eq!(first, second, "answer {n}");
    }
    assert_eq!(first.len(), second.len());
    let statuses: BTreeMap<u16, usize> = first.iter().fold(BTreeMap::new(), |mut all, answer| {
        *all.entry(answer.0).or_default() += 1;
        all
    });
    for status in [200, 201, 400, 401, 403, 404, 409, 413, 415, 429, 500, 503] {
        assert!(statuses.contains_key(&status), "{status}: {statuses:?}");
    }
}

#[test]
fn sandbox_token_is_rejected_by_a_server() {
    let home = TestDir::new();
    let tokens: Vec<String> = {
        let guide = guide(&sandbox(&home, &[]));
        let users = guide["users"].as_array().unwrap().iter();
        users
            .map(|user| user["token"].as_str().unwrap().to_owned())
            .collect()
    };
    let with_a_secret = [
        "--demo",
        "--jwt-secret",
        "a secret of one's own, of 32 bytes or more",
    ];
    for args in [&["--demo"][..], &with_a_secret] {
        let server = home.serve(args);
        for token in &tokens {
            assert_eq!(server.get(token, STATS_PATH).status, 401);
        }
        server.stop();
    }
    // Nor can a server be told to trust them. HMAC would take the hash of a longer secret for the secret.
    assert_eq!(PUBLIC_SECRET.len(), 64);
    home.write("secret", format!("{PUBLIC_SECRET}\n"));
    for args in [
        ["--jwt-secret", PUBLIC_SECRET],
        ["--jwt-secret-file", "secret"],
    ] {
        for command in [&["serve"][..], &["token", "--user", "ana"]] {
            let outcome = home.run(&[command, &args].concat());
            assert!(
                outcome.failure(2).contains("published secret"),
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn sandbox_rejects_a_servers_token() {
    let home = TestDir::demo();
    let token = home.token("11111111-1111-4111-8111-111111111111", &[]);
    assert_eq!(sandbox(&home, &[]).get(&token, STATS_PATH).status, 401);
}

#[test]
fn sandbox_secret_never_changes() {
    let home = TestDir::new();
    let guide = guide(&sandbox(&home, &[]));
    let token = token_of(&guide, "Ana");
    assert_eq!(
        guide["signing"],
        json!({ "algorithm": "HS256", "secret": PUBLIC_SECRET })
    );
    // Clients may verify it and sign more: header, payload and HS256 as published.
    assert_eq!(
        token,
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
         eyJzdWIiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJpYXQiOjAsImV4cCI6MjUzNDAyMzAwNzk5fQ.\
         8nYuDBXyaZCI0c6ynEXgvMjI2XZ5A7agCP74sIzC_k8"
    );
}

#[test]
fn sandbox_prints_tokens_and_curl_lines_that_work() {
    let home = TestDir::new();
    let mut server = sandbox(&home, &[]);
    let DemoOutput { tokens, curls } = DemoOutput::of(&mut server);
    let guide = guide(&server);
    for (name, token) in &tokens {
        assert_eq!(*token, token_of(&guide, name));
    }
    assert_eq!(tokens.len(), 5);
    assert_eq!(paste(&home, &curls[0])["name"], "Production server");
    assert_eq!(paste(&home, &curls[1])["totalKeys"], 12);
}

#[test]
fn sandbox_leaves_no_files() {
    let home = TestDir::new();
    let server = sandbox(&home, &[]);
    let token = token_of(&guide(&server), "Ana");
    let made = server
        .api(&token)
        .post("/organizations/initech/api-keys", &json!({ "name": "x" }));
    assert_eq!(made.status, 201);
    let outcome = server.stop();
    assert!(!outcome.stderr.contains("WARN"), "{outcome:?}");
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn sandbox_clock_stands_where_it_is_set() {
    let home = TestDir::new();
    let server = sandbox(&home, &["--clock", "2030-06-01T00:00:00+02:00"]);
    let guide = guide(&server);
    assert_eq!(guide["clock"], "2030-05-31T22:00:00.000Z");
    let key = server.get(&token_of(&guide, "Ana"), PRODUCTION_PATH).json();
    assert_eq!(key["lastUsedAt"], "2030-05-31T21:58:00.000Z");
    for edge in ["2000-01-01T00:00:00.000Z", "9998-12-31T23:59:59.999Z"] {
        assert_eq!(
            self::guide(&sandbox(&home, &["--clock", edge]))["clock"],
            edge
        );
    }
    let real = sandbox(&home, &["--clock", "real"]);
    let clock = |server: &Server| self::guide(server)["clock"].as_str().unwrap().to_owned();
    let first = clock(&real);
    assert!(first.as_str() > "2026-01-15T12:00:00.000Z", "{first}");
    let goes = (0..10_000).any(|_| clock(&real) != first);
    assert!(goes, "{first}");
}

#[test]
fn sandbox_rejects_flags_that_it_does_not_use() {
    let home = TestDir::new();
    for args in [
        &["--database", "x.db"][..],
        &["--database", "llavero.db"],
        &["--demo"],
        &["--jwt-secret", "a secret of one's own, of 32 bytes or more"],
        &["--jwt-audience", "x"],
        &["--cors-origin", "http://localhost:5173"],
    ] {
        let outcome = home.run(&[&["serve", "--sandbox"], args].concat());
        assert!(outcome.failure(2).contains("--sandbox"), "{outcome:?}");
    }
    let outcome = home.run(&["serve", "--clock", "real"]);
    assert!(outcome.failure(2).contains("--sandbox"), "{outcome:?}");
    let outcome = home.run(&["serve", "--sandbox", "--clock", "yesterday"]);
    assert!(
        outcome.failure(2).contains("2026-01-15T12:00:00.000Z"),
        "{outcome:?}"
    );
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn sandbox_serves_the_base_path_and_the_root() {
    let home = TestDir::new();
    let server = sandbox(&home, &["--base-path", "/v2"]);
    let guide = guide(&server);
    assert_eq!(guide["document"], "/v2/openapi.json");
    let fetched = server.get_at_root("/v2/openapi.json").json();
    assert_eq!(fetched["servers"][0]["url"], "/v2");
    assert_eq!(server.get_at_root("/openapi.json").json(), fetched);
    let printed = home.run(&["openapi", "--sandbox", "--base-path", "/v2"]);
    let document: Value = serde_json::from_str(printed.success()).unwrap();
    assert_eq!(document["servers"][0]["url"], "http://localhost:3001/v2");
    assert_eq!(document["paths"], fetched["paths"]);
    let api = Api::new(&origin(&server), Some(&token_of(&guide, "Ana")));
    for (base, status) in [("/v2", 200), ("", 200), ("/api", 404)] {
        assert_eq!(
            api.get(&format!("{base}{STATS_PATH}")).status,
            status,
            "{base}"
        );
    }
    let mut command = home.command(&["openapi", "--sandbox"]);
    command.env("LLAVERO_BASE_PATH", "/v2");
    assert_eq!(run(&mut command).success(), printed.success());
    home.run(&["openapi", "--base-path", "/v2"]).failure(2);
    let server = sandbox(&home, &["--base-path", "/"]);
    assert_eq!(server.get_at_root("/openapi.json").status, 200);
}

#[test]
fn sandbox_flags_have_variables() {
    let home = TestDir::new();
    let mut command = home.serve_command(&[]);
    command
        .env("LLAVERO_SANDBOX", "true")
        .env("LLAVERO_CLOCK", "2027-01-01T00:00:00Z");
    assert_eq!(
        guide(&Server::start(command))["clock"],
        "2027-01-01T00:00:00.000Z"
    );
    // A database named by a variable is ignored.
    let mut command = home.serve_command(&["--sandbox"]);
    command
        .env("LLAVERO_DATABASE", "x.db")
        .env("LLAVERO_JWT_SECRET", "x");
    command.env("LLAVERO_CORS_ORIGIN", "http://localhost:5173");
    Server::start(command).stop();
    assert_eq!(home.files(), Vec::<String>::new());
    // A variable with the value false does not conflict.
    let mut command = home.serve_command(&["--demo", "--database", "x.db"]);
    command.env("LLAVERO_SANDBOX", "false");
    assert_eq!(Server::start(command).get_at_root("/sandbox").status, 404);
}

#[test]
fn sandbox_logs_preferred_errors_as_no_faults() {
    let home = TestDir::new();
    let server = sandbox(&home, &[]);
    let api = Api::new(&server.api, None).with_header("prefer", "code=503");
    assert_eq!(api.get(STATS_PATH).status, 503);
    let log = server.log();
    assert!(
        log.contains("status=503") && !log.contains("ERROR"),
        "{log}"
    );
}

#[test]
fn sandbox_document_is_printed_as_served() {
    let home = TestDir::new();
    let server = sandbox(&home, &[]);
    let printed = run(&mut home.command(&["openapi", "--sandbox"]));
    let without_servers = |mut document: Value| {
        document.as_object_mut().unwrap().remove("servers");
        document
    };
    let fetched = server.get_at_root("/api/openapi.json").json();
    let of_the_sandbox: Value = serde_json::from_str(printed.success()).unwrap();
    assert_eq!(without_servers(of_the_sandbox), without_servers(fetched));
    assert_ne!(printed.success(), home.run(&["openapi"]).success());
}
