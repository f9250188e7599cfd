//! `llavero token --claim` and `--sandbox`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{ANA, Api, JWT_SECRET, PRODUCTION_PATH, TestDir, run};

/// The claims of a token, in their order.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn token_has_further_claims_and_is_accepted() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let flags = [
        "--claim",
        "role=editor",
        "--claim",
        "level=7",
        "--claim",
        r#"app_metadata={"plan":"pro"}"#,
        "--claim",
        r#"tenant="42""#,
        "--audience",
        "a",
    ];
    let token = home.token(ANA, &flags);
    assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
    let claims = claims(&token);
    for (name, value) in [
        ("sub", json!(ANA)),
        ("aud", json!("a")),
        ("role", json!("editor")),
        ("level", json!(7)),
        ("app_metadata", json!({"plan": "pro"})),
        ("tenant", json!("42")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims.as_object().unwrap().len(), 8);
}

#[test]
fn token_rejects_a_claim_that_another_flag_sets() {
    let home = TestDir::new();
    let line = |claims: &[&str]| {
        let args = [
            &["token", "--user", ANA, "--jwt-secret", JWT_SECRET],
            claims,
        ]
        .concat();
        home.run(&args).failure(2).to_owned()
    };
    for (claim, advice) in [
        ("sub=beto", "--user"),
        ("exp=4102444800", "--ttl"),
        ("aud=a", "--audience"),
        ("iss=i", "--issuer"),
        ("iat=1", "leave it out"),
        ("nbf=1", "leave it out"),
        ("role", "NAME=VALUE"),
    ] {
        let line = line(&["--claim", claim]);
        assert!(line.contains(advice), "{claim}: {line}");
    }
    let twice = line(&["--claim", "a=1", "--claim", "a=2"]);
    assert!(twice.contains("--claim a is given twice"), "{twice}");
    let long = line(&["--claim", &format!("a={}", "x".repeat(8000))]);
    assert!(long.contains("servers reject more than 8192"), "{long}");
}

#[test]
fn token_of_the_sandbox_is_the_published_one_and_needs_no_database() {
    let home = TestDir::new();
    let sandbox = home.serve(&["--sandbox"]);
    let guide = sandbox.get_at_root("/sandbox").json();
    let users = guide["users"].as_array().unwrap();
    for user in users {
        let token = home.token(user["id"].as_str().unwrap(), &["--sandbox"]);
        assert_eq!(user["token"], token);
    }
    let token = home.token(ANA, &["--sandbox", "--claim", "role=editor"]);
    assert_eq!(claims(&token)["role"], "editor");
    let api = Api::new(&sandbox.api, Some(&token));
    assert_eq!(api.get(PRODUCTION_PATH).status, 200);
    assert_eq!(home.files(), [""; 0]);

    let server = home.serve(&["--demo"]);
    assert_eq!(server.get(&token, PRODUCTION_PATH).status, 401);
}

#[test]
fn token_of_the_sandbox_rejects_flags_without_effect_and_ignores_their_variables() {
    let home = TestDir::new();
    let published = home.token(ANA, &["--sandbox"]);
    for flag in [
        ["--ttl", "1h"],
        ["--audience", "a"],
        ["--issuer", "i"],
        ["--database", "llavero.db"],
        ["--jwt-secret", JWT_SECRET],
        ["--jwt-secret-file", "file"],
        ["--jwt-public-key", "file"],
        ["--jwt-jwks", "file"],
    ] {
        let args = [&["token", "--user", ANA, "--sandbox"][..], &flag].concat();
        let outcome = home.run(&args);
        let line = outcome.failure(2);
        let expected = format!("{0} has no effect", flag[0]);
        assert!(line.contains(&expected), "{line}");
    }
    let mut command = home.command(&["token", "--user", ANA, "--sandbox"]);
    command
        .env("LLAVERO_JWT_AUDIENCE", "a")
        .env("LLAVERO_JWT_SECRET", JWT_SECRET)
        .env("LLAVERO_DATABASE", "missing.db");
    assert_eq!(run(&mut command).success().trim_end(), published);
}
