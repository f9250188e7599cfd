//! `serve --jwt-jwks`: the certificate of an HTTPS source, restarts, SIGHUP, wrong files and URLs, metrics.

use std::process::Command;

use reqwest::StatusCode;

use crate::support::{
    ANA, CERTIFICATE, Issuer, JWT_SECRET, KeySource, PRODUCTION_PATH, Reply, Server, TestDir, get,
    set_of,
};

/// Serves the demo with the JWK set at `url`, and trusts the authority in `certificate` alone.
fn serve_trusting(home: &TestDir, certificate: &str, url: &str, args: &[&str]) -> Server {
    home.write("authority.pem", certificate);
    let mut command = home.serve_command(&[&["--demo", "--jwt-jwks", url], args].concat());
    command.env("SSL_CERT_FILE", home.path("authority.pem"));
    command.env_remove("SSL_CERT_DIR");
    Server::start(command)
}

fn serve(home: &TestDir, source: &KeySource, args: &[&str]) -> Server {
    serve_trusting(home, CERTIFICATE, &source.url, args)
}

/// Serves with the JWK set of `source`, and waits until the set is in use.
fn serve_with_set(home: &TestDir, source: &KeySource, args: &[&str]) -> Server {
    let server = serve(home, source, args);
    server.wait_for_log("a new JWK set is in use");
    server
}

fn status(server: &Server, token: &str) -> u16 {
    server.get(token, PRODUCTION_PATH).status
}

#[test]
fn set_is_fetched_over_https() {
    for issuer in Issuer::all() {
        let home = TestDir::new();
        let source = KeySource::https(Reply::set(issuer.set("a")));
        let server = serve_with_set(&home, &source, &[]);
        assert_eq!(status(&server, &issuer.token("a")), 200);
        assert_eq!(status(&server, &issuer.token("b")), 401);
        let outcome = server.stop();
        let first = outcome.stderr.lines().next().unwrap();
        assert!(first.contains("started") && first.contains("JWK set https://localhost:"));
    }
}

#[test]
fn certificate_of_another_authority_or_name_is_refused() {
    let issuer = Issuer::p256();
    let source = KeySource::https(Reply::set(issuer.set("a")));
    let other_name = source.url.replace("localhost", "127.0.0.1");
    let other_authority = include_str!("../../keys/p256-certificate.pem");
    for (certificate, url, reason) in [
        (CERTIFICATE, &other_name, "TLS handshake failed"),
        (other_authority, &source.url, "TLS handshake failed"),
        ("", &source.url, "no certificates of authorities found"),
    ] {
        let home = TestDir::new();
        let server = serve_trusting(&home, certificate, url, &[]);
        assert_eq!(status(&server, &issuer.token("a")), 503);
        let log = server.wait_for_log("the JWK set cannot be fetched");
        assert!(log.contains(reason), "{log}");
        server.stop();
    }
    assert_eq!(source.requests(), 0);
}

#[test]
fn server_without_the_source_starts_with_the_stored_set() {
    let issuer = Issuer::p256();
    let home = TestDir::new();
    let source = KeySource::https(Reply::close());
    let server = serve(&home, &source, &[]);
    assert_eq!(status(&server, &issuer.token("a")), 503);
    assert_eq!(server.get_at_root("/readyz").status, 200);
    source.reply(Reply::set(issuer.set("a")));
    server.signal("HUP");
    server.wait_for_log("the JWK set can be fetched again");
    assert_eq!(status(&server, &issuer.token("a")), 200);
    server.stop();

    source.reply(Reply::close());
    let server = serve(&home, &source, &[]);
    assert_eq!(status(&server, &issuer.token("a")), 200);
    let log = server.wait_for_log("the JWK set cannot be fetched; the last one is used");
    assert!(log.contains("the stored JWK set is used"), "{log}");
    server.stop();

    let other = KeySource::https(Reply::close());
    let server = serve(&home, &other, &[]);
    assert_eq!(status(&server, &issuer.token("a")), 503);
    server.stop();
}

#[test]
fn hangup_fetches_the_set_and_ends_tokens_of_removed_keys() {
    let (old, new) = (Issuer::p256(), Issuer::other_p256());
    let home = TestDir::new();
    let source = KeySource::https(Reply::set(old.set("old")));
    let server = serve_with_set(&home, &source, &[]);
    assert_eq!(status(&server, &old.token("old")), 200);
    source.reply(Reply::set(new.set("new")));
    server.signal("HUP");
    server.wait_for_log_lines("a new JWK set is in use", 2);
    assert_eq!(status(&server, &new.token("new")), 200);
    assert_eq!(status(&server, &old.token("old")), 401);
    server.stop();
}

#[test]
fn hangup_reads_the_file_again_and_a_broken_file_keeps_the_set() {
    let (old, new) = (Issuer::p256(), Issuer::ed25519());
    let home = TestDir::new();
    home.write("jwks.json", old.set("old"));
    let server = home.serve(&["--demo", "--jwt-jwks", "jwks.json"]);
    assert_eq!(status(&server, &old.token("old")), 200);
    assert_eq!(status(&server, &new.token("new")), 401);
    let broken = ["", "{", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct"}]}"#];
    for (content, failures) in broken.into_iter().zip(1..) {
        home.write("jwks.json", content);
        server.signal("HUP");
        server.wait_for_log_lines("the JWK set cannot be read; the last one is used", failures);
        assert_eq!(status(&server, &old.token("old")), 200);
    }
    home.write("jwks.json", new.set("new"));
    server.signal("HUP");
    server.wait_for_log_lines("a new JWK set is in use", 2);
    assert_eq!(status(&server, &new.token("new")), 200);
    assert_eq!(status(&server, &old.token("old")), 401);
    server.stop();
}

#[test]
fn rejected_key_is_ignored_with_a_log_line() {
    let issuer = Issuer::p256();
    let home = TestDir::new();
    let secret = serde_json::json!({ "kty": "oct", "kid": "shared\u{1b}[31m", "k": "c2VjcmV0" });
    home.write("jwks.json", set_of([secret, issuer.jwk("a")]));
    let server = home.serve(&["--demo", "--jwt-jwks", "jwks.json"]);
    assert_eq!(status(&server, &issuer.token("a")), 200);
    let log = server.stop().stderr;
    assert!(log.contains("a key of the JWK set is ignored"), "{log}");
    assert!(log.contains("shared") && log.contains("must not be in a JWK set"));
    assert!(
        !log.contains("c2VjcmV0") && !log.contains('\u{1b}'),
        "{log}"
    );
}

#[test]
fn set_is_combined_with_a_secret_and_replaces_that_of_the_database() {
    let issuer = Issuer::rsa();
    let home = TestDir::demo();
    home.write("jwks.json", issuer.set("a"));
    let beside = ["--jwt-jwks", "jwks.json", "--jwt-secret", JWT_SECRET];
    let server = home.serve(&beside);
    assert_eq!(status(&server, &issuer.token("a")), 200);
    assert_eq!(status(&server, &home.token(ANA, &beside)), 200);
    assert_eq!(status(&server, &home.token(ANA, &[])), 401);
    server.stop();
    let server = home.serve(&["--jwt-jwks", "jwks.json"]);
    assert_eq!(status(&server, &issuer.token("a")), 200);
    assert_eq!(status(&server, &home.token(ANA, &[])), 401);
    let outcome = server.stop();
    assert!(outcome.stderr.contains("JWK set jwks.json"), "{outcome:?}");
    let outcome = home.run(&["token", "--user", ANA, "--jwt-jwks", "jwks.json"]);
    assert!(outcome.failure(2).contains("cannot sign with a JWK set"));
}

#[test]
fn wrong_set_is_refused_at_start() {
    let home = TestDir::new();
    home.write("jwks.json", Issuer::p256().set("a"));
    home.write("empty.json", set_of([]));
    home.write("oct.json", r#"{"keys":[{"kty":"oct","kid":"x"}]}"#);
    home.write("one.json", Issuer::p256().jwk("a").to_string());
    home.write("text.json", "hello");
    home.write("open.json", Issuer::p256().set("a"));
    home.set_mode("open.json", 0o666);
    let before = home.files();
    for (value, words) in [
        (
            "missing.json",
            ["cannot read missing.json", "check the path"],
        ),
        ("empty.json", ["empty.json", "has no usable key"]),
        ("oct.json", ["has no usable key; x:", "--jwt-secret-file"]),
        ("one.json", ["one.json", "single JWK"]),
        ("text.json", ["text.json", "not a JWK set"]),
        ("open.json", ["open.json", "chmod go-w"]),
        ("", ["--jwt-jwks", "a file or a URL"]),
        (
            "http://issuer.example.com/jwks",
            ["--jwt-jwks", "over https"],
        ),
        ("ftp://127.0.0.1/jwks", ["--jwt-jwks", "over https"]),
        ("https://", ["--jwt-jwks", "not a URL"]),
        (
            "https://u:p@issuer.example.com/",
            ["--jwt-jwks", "user name"],
        ),
    ] {
        let outcome = home.run(&["serve", "--listen", "127.0.0.1:0", "--jwt-jwks", value]);
        let line = outcome.failure(2);
        assert!(
            words.iter().all(|word| line.contains(word)),
            "{value}: {line}"
        );
    }
    for (flag, value) in [("--jwt-public-key", "key.pem"), ("--sandbox", "")] {
        let args = ["serve", "--jwt-jwks", "jwks.json", flag, value];
        let args: Vec<_> = args.into_iter().filter(|arg| !arg.is_empty()).collect();
        let outcome = home.run(&args);
        let line = outcome.failure(2);
        assert!(line.contains("--jwt-jwks") && line.contains(flag), "{line}");
    }
    assert_eq!(home.files(), before);
}

#[test]
fn variable_selects_the_set_and_the_log_hides_the_query() {
    let issuer = Issuer::p256();
    let home = TestDir::new();
    let source = KeySource::http(Reply::set(issuer.set("a")));
    let mut command: Command = home.serve_command(&["--demo"]);
    command.env("LLAVERO_JWT_JWKS", format!("{}?apikey=hidden", source.url));
    let server = Server::start(command);
    let head = source.wait_for_requests(1);
    assert!(head.starts_with("GET /jwks.json?apikey=hidden "), "{head}");
    server.wait_for_log("a new JWK set is in use");
    assert_eq!(status(&server, &issuer.token("a")), 200);
    source.reply(Reply::close());
    server.signal("HUP");
    server.wait_for_log("the JWK set cannot be fetched");
    let outcome = server.stop();
    assert!(!outcome.stderr.contains("hidden"), "{}", outcome.stderr);
    assert!(!outcome.stdout.contains("hidden"), "{}", outcome.stdout);
}

#[test]
fn metrics_count_fetches_and_keys() {
    let issuer = Issuer::p256();
    let home = TestDir::new();
    let source = KeySource::https(Reply::set(issuer.set("a")));
    let mut server = serve_with_set(&home, &source, &["--metrics-listen", "127.0.0.1:0"]);
    let line = server.next_line();
    let url = line
        .trim_end()
        .strip_prefix("metrics on ")
        .unwrap()
        .to_owned();
    assert_eq!(status(&server, &issuer.token("a")), 200);
    source.reply(Reply::close());
    server.signal("HUP");
    server.wait_for_log("the JWK set cannot be fetched");
    let answer = get(&url, None);
    assert_eq!(answer.status, StatusCode::OK.as_u16());
    for sample in [
        "llavero_jwks_fetches_total{outcome=\"success\"} 1",
        "llavero_jwks_keys{algorithm=\"ES256\"} 1",
        "llavero_jwks_keys{algorithm=\"RS256\"} 0",
    ] {
        assert!(
            answer.body.lines().any(|line| line == sample),
            "{}",
            answer.body
        );
    }
    let time = "llavero_jwks_last_success_timestamp_seconds 1";
    assert!(answer.body.lines().any(|line| line.starts_with(time)));
    server.stop();
}
