//! `llavero get`: the API's answer without a server.

use serde_json::Value;

use crate::support::{ANA, Api, DATABASE, DIEGO, PRODUCTION_PATH, STATS_PATH, TestDir, run};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn get_prints_the_response_of_a_server_on_the_same_file() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    for path in [PRODUCTION_PATH, STATS_PATH] {
        let answer = server.get(&home.token(ANA, &[]), path).body;
        let printed = home.run(&["get", &format!("/api{path}"), "--user", ANA]);
        assert_eq!(printed.success(), answer + "\n");
    }
}

#[test]
fn get_exit_code_is_0_only_for_a_success() {
    let home = TestDir::demo();
    for (path, user, status) in [
        (STATS_PATH.to_owned(), Some(DIEGO), 403),
        (STATS_PATH.to_owned(), None, 401),
        (format!("{STATS_PATH}?days=0"), Some(ANA), 400),
        (PRODUCTION_PATH.replace("d01", "d99"), Some(ANA), 404),
        ("/nowhere".to_owned(), Some(ANA), 404),
    ] {
        let path = format!("/api{path}");
        let mut args = vec!["get", &path];
        args.extend(user.map(|user| ["--user", user]).into_iter().flatten());
        let outcome = home.run(&args);
        assert_eq!(outcome.status.code(), Some(1), "{outcome:?}");
        assert_eq!(json(&outcome.stdout)["statusCode"], status, "{path}");
        assert_eq!(outcome.stderr, "");
    }
    assert!(home.run(&["get", "/readyz"]).success().contains("ok"));
}

#[test]
fn get_from_demo_and_sandbox_creates_no_file() {
    let home = TestDir::new();
    let path = format!("/api{STATS_PATH}");
    let of = |flag| json(home.run(&["get", &path, "--user", ANA, flag]).success());
    assert_eq!(of("--demo")["totalKeys"], 12);
    assert_eq!(of("--sandbox"), of("--sandbox"));
    let key = format!("/api{PRODUCTION_PATH}");
    let key = home.run(&["get", &key, "--user", ANA, "--sandbox"]);
    assert_eq!(
        json(key.success())["lastUsedAt"],
        "2026-01-15T11:58:00.000Z"
    );
    // A database named by a variable is ignored.
    for flag in ["--demo", "--sandbox"] {
        let mut command = home.command(&["get", "/healthz", flag]);
        command.env("LLAVERO_DATABASE", "x.db");
        run(&mut command).success();
    }
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn get_from_the_sandbox_equals_its_servers_response() {
    let home = TestDir::new();
    let server = home.serve(&["--sandbox"]);
    let origin = format!("http://{}", server.address);
    let token = server.get_at_root("/sandbox").json()["users"][0]["token"].clone();
    let api = Api::new(&origin, token.as_str());
    for path in [
        STATS_PATH,
        "/sandbox",
        "/api/openapi.json",
        "/openapi.json",
        "/nowhere",
    ] {
        let printed = home.run(&["get", path, "--user", ANA, "--sandbox"]);
        assert_eq!(
            printed.stdout.trim_end(),
            api.get(path).body.trim_end(),
            "{path}"
        );
    }
}

#[test]
fn get_observes_the_base_path() {
    let home = TestDir::new();
    for (base, path, code) in [
        ("/v2", "/v2/openapi.json", 0),
        ("/v2", "/api/openapi.json", 1),
        ("/", "/openapi.json", 0),
    ] {
        let outcome = home.run(&["get", path, "--demo", "--base-path", base]);
        assert_eq!(outcome.status.code(), Some(code), "{base} {path}");
    }
}

#[test]
fn get_rejects_invalid_arguments() {
    let home = TestDir::new();
    let missing = home.run(&["get", "/api/x"]);
    assert!(missing.failure(2).contains(DATABASE), "{missing:?}");
    assert_eq!(home.files(), Vec::<String>::new());
    for wrong in ["api/x", "", "http://localhost/api", "/a b", "/\n"] {
        let outcome = home.run(&["get", wrong, "--demo"]);
        assert!(
            outcome.failure(2).contains("beginning with /"),
            "{outcome:?}"
        );
    }
    for args in [
        ["--demo", "--sandbox"],
        ["--demo", "--database=x"],
        ["--sandbox", "--database=x"],
    ] {
        home.run(&[&["get", "/healthz"], &args[..]].concat())
            .failure(2);
    }
}
