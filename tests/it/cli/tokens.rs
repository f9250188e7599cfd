//! `llavero token`: `serve` with the same flags accepts its tokens.

use std::process::Command;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use crate::support::{
    ANA, DATABASE, DIEGO, JWT_SECRET, PRODUCTION_PATH, STOPPED, Server, TestDir, run,
};

/// The status of a read with a token for Ana that `llavero token` mints with `args`.
fn status(home: &TestDir, server: &Server, args: &[&str]) -> u16 {
    server.get(&home.token(ANA, args), PRODUCTION_PATH).status
}

#[test]
fn token_signed_with_the_database_is_accepted_by_its_server() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    assert_eq!(status(&home, &server, &[]), 200);
    assert_eq!(status(&home, &server, &["--database", DATABASE]), 200);
    assert_eq!(
        server.get(&home.token(DIEGO, &[]), PRODUCTION_PATH).status,
        403
    );
    let mut command = home.command(&["token", "--user", ANA]);
    let outcome = run(command.env("LLAVERO_DATABASE", home.path(DATABASE)));
    let token = outcome.success().trim_end().to_owned();
    assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
}

#[test]
fn token_leaves_a_stopped_servers_database_as_one_file() {
    let home = TestDir::new();
    home.serve(&[]).stop();
    let before = home.dump(DATABASE);
    for _ in 0..20 {
        home.token(ANA, &[]);
        assert_eq!(home.files(), STOPPED);
    }
    assert!(home.dump(DATABASE) == before, "the content has changed");
}

#[test]
fn token_without_a_database_creates_none() {
    let home = TestDir::new();
    for args in [&[][..], &["--database", "missing.db"]] {
        let outcome = home.run(&[&["token", "--user", ANA], args].concat());
        let line = outcome.failure(2);
        assert!(
            line.contains("no database at") && line.contains("llavero serve"),
            "{line}"
        );
        assert_eq!(home.files(), [""; 0]);
    }
}

#[test]
fn token_and_serve_read_a_secret_file_alike() {
    let home = TestDir::new();
    home.write("bare", JWT_SECRET);
    home.write("unix", format!("{JWT_SECRET}\n"));
    home.write("windows", format!("{JWT_SECRET}\r\n"));
    home.write("two-lines", format!("{JWT_SECRET}\n\n"));
    let alike = ["bare", "unix", "windows"];
    for served in alike {
        let server = home.serve(&["--demo", "--jwt-secret-file", served]);
        for signed in alike {
            assert_eq!(
                status(&home, &server, &["--jwt-secret-file", signed]),
                200,
                "{served}, {signed}"
            );
        }
        assert_eq!(
            status(&home, &server, &["--jwt-secret", JWT_SECRET]),
            200,
            "{served}"
        );
        assert_eq!(
            status(&home, &server, &["--jwt-secret-file", "two-lines"]),
            401,
            "{served}"
        );
        assert_eq!(status(&home, &server, &[]), 401, "{served}");
    }
}

#[test]
fn token_secret_file_may_have_any_bytes() {
    let home = TestDir::new();
    home.write("bytes", [0xff; 40]);
    home.write("bytes-and-break", [&[0xff; 40][..], b"\n"].concat());
    let server = home.serve(&["--demo", "--jwt-secret-file", "bytes-and-break"]);
    assert_eq!(
        status(&home, &server, &["--jwt-secret-file", "bytes-and-break"]),
        200
    );
    assert_eq!(status(&home, &server, &["--jwt-secret-file", "bytes"]), 401);
}

#[test]
fn token_and_serve_take_the_secret_from_the_environment() {
    let home = TestDir::new();
    let with_secret = |mut command: Command| {
        command.env("LLAVERO_JWT_SECRET", JWT_SECRET);
        command
    };
    let server = Server::start(with_secret(home.serve_command(&["--demo"])));
    let outcome = run(&mut with_secret(home.command(&["token", "--user", ANA])));
    let token = outcome.success().trim_end();
    assert_eq!(server.get(token, PRODUCTION_PATH).status, 200);
    assert_eq!(status(&home, &server, &["--jwt-secret", JWT_SECRET]), 200);
    assert_eq!(status(&home, &server, &[]), 401);
}

#[test]
fn token_audience_and_issuer_are_required_by_serve() {
    let home = TestDir::new();
    let server = home.serve(&["--demo", "--jwt-audience", "a", "--jwt-issuer", "i"]);
    for (args, expected) in [
        (&["--audience", "a", "--issuer", "i"][..], 200),
        (&["--jwt-audience", "a", "--jwt-issuer", "i"], 200),
        (&["--audience", "A", "--issuer", "i"], 401),
        (&["--audience", "a", "--issuer", "I"], 401),
        (&["--audience", "a"], 401),
        (&["--issuer", "i"], 401),
        (&[], 401),
    ] {
        assert_eq!(status(&home, &server, args), expected, "{args:?}");
    }
    let mut command = home.command(&["token", "--user", ANA]);
    command
        .env("LLAVERO_JWT_AUDIENCE", "a")
        .env("LLAVERO_JWT_ISSUER", "i");
    let outcome = run(&mut command);
    assert_eq!(
        server
            .get(outcome.success().trim_end(), PRODUCTION_PATH)
            .status,
        200
    );
}

#[test]
fn token_cannot_be_signed_with_a_public_key() {
    let home = TestDir::new();
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p256-public.pem");
    let outcome = home.run(&["token", "--user", ANA, "--jwt-public-key", key]);
    let line = outcome.failure(2);
    assert!(
        line.contains("public key") && line.contains("issuer"),
        "{line}"
    );

    let server = home.serve(&["--demo", "--jwt-public-key", key]);
    let issuer = EncodingKey::from_ec_pem(include_bytes!("../../keys/p256-private.pem")).unwrap();
    // The year 2100.
    let claims = json!({ "sub": ANA, "exp": 4_102_444_800_i64 });
    let token = encode(&Header::new(Algorithm::ES256), &claims, &issuer).unwrap();
    assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
    assert_eq!(status(&home, &server, &[]), 401);
}

#[test]
fn token_rejects_an_empty_file_and_leaves_it_empty() {
    let home = TestDir::new();
    home.write("llavero.db", "");
    let outcome = home.run(&["token", "--user", ANA]);
    let line = outcome.failure(2);
    assert!(
        line.contains("no database at") && line.contains("llavero serve"),
        "{line}"
    );
    assert_eq!(std::fs::read(home.path("llavero.db")).unwrap(), b"");
}
