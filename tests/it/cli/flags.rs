//! Every flag of `serve` is also a variable, and the flag wins over it.

use std::{fs, net::TcpListener, process::Command};

use crate::support::{ANA, Api, DATABASE, JWT_SECRET, PRODUCTION_PATH, Server, TestDir, run};

const OTHER_SECRET: &str = "another shared secret of more than 32 bytes";

/// `llavero serve` with `args` and nothing else.
fn serve(home: &TestDir, args: &[&str], variables: &[(&str, &str)]) -> Server {
    Server::start(serve_command(home, args, variables))
}

fn serve_command(home: &TestDir, args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = home.command(&[&["serve"], args].concat());
    command.env("LLAVERO_LISTEN", "127.0.0.1:0");
    command.envs(variables.iter().copied());
    command
}

#[test]
fn database_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_DATABASE", "variable.db")];
    serve(&home, &[], &variable).stop();
    assert_eq!(home.files(), ["variable.db", "variable.db-lock"]);
    serve(&home, &["--database", "flag.db"], &variable).stop();
    let flag = ["flag.db", "flag.db-lock"];
    assert_eq!(home.files()[..2], flag);
}

#[test]
fn listen_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let variable = [("LLAVERO_LISTEN", taken.as_str())];
    let outcome = run(&mut serve_command(&home, &[], &variable));
    // Unless the listener above is gone.
    assert!(outcome.failure(2).contains(&taken), "{outcome:?}");
    serve(&home, &["--listen", "127.0.0.1:0"], &variable).stop();
}

#[test]
fn base_path_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_BASE_PATH", "/variable")];
    let server = serve(&home, &[], &variable);
    assert!(server.api.ends_with("/variable"), "{}", server.api);
    server.stop();
    let server = serve(&home, &["--base-path", "/flag"], &variable);
    assert!(server.api.ends_with("/flag"), "{}", server.api);
}

#[test]
fn demo_flag_has_a_variable() {
    for (value, demo) in [
        ("true", true),
        ("1", true),
        ("yes", true),
        ("false", false),
        ("0", false),
    ] {
        let home = TestDir::new();
        let outcome = serve(&home, &[], &[("LLAVERO_DEMO", value)]).stop();
        assert_eq!(outcome.stdout.contains("Ana"), demo, "{value}");
        assert_eq!(
            home.dump(DATABASE)
                .iter()
                .any(|row| row.contains("acme-corp")),
            demo
        );
    }
    let home = TestDir::new();
    let outcome = serve(&home, &["--demo"], &[("LLAVERO_DEMO", "false")]).stop();
    assert!(outcome.stdout.contains("Ana"));
    let outcome = run(&mut serve_command(
        &home,
        &[],
        &[("LLAVERO_DEMO", "perhaps")],
    ));
    assert!(outcome.failure(2).contains("perhaps"));
}

/// The status of a read with a token that is signed with `secret`.
fn status(home: &TestDir, server: &Server, secret: &str, claims: &[&str]) -> u16 {
    let args = [&["--jwt-secret", secret], claims].concat();
    server.get(&home.token(ANA, &args), PRODUCTION_PATH).status
}

#[test]
fn jwt_secret_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_JWT_SECRET", JWT_SECRET)];
    let server = serve(&home, &["--demo"], &variable);
    assert_eq!(status(&home, &server, JWT_SECRET, &[]), 200);
    assert_eq!(status(&home, &server, OTHER_SECRET, &[]), 401);
    server.stop();
    let server = serve(&home, &["--jwt-secret", OTHER_SECRET], &variable);
    assert_eq!(status(&home, &server, JWT_SECRET, &[]), 401);
    assert_eq!(status(&home, &server, OTHER_SECRET, &[]), 200);
}

#[test]
fn jwt_secret_file_flag_wins_over_its_variable() {
    let home = TestDir::new();
    home.write("variable", JWT_SECRET);
    home.write("flag", OTHER_SECRET);
    let variable = [("LLAVERO_JWT_SECRET_FILE", "variable")];
    let server = serve(&home, &["--demo"], &variable);
    assert_eq!(status(&home, &server, JWT_SECRET, &[]), 200);
    server.stop();
    let server = serve(&home, &["--jwt-secret-file", "flag"], &variable);
    assert_eq!(status(&home, &server, JWT_SECRET, &[]), 401);
    assert_eq!(status(&home, &server, OTHER_SECRET, &[]), 200);
}

#[test]
fn jwt_public_key_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p256-public.pem");
    let variable = [("LLAVERO_JWT_PUBLIC_KEY", "missing.pem")];
    let outcome = run(&mut serve_command(&home, &[], &variable));
    assert!(outcome.failure(2).contains("missing.pem"));
    serve(&home, &["--jwt-public-key", key], &variable).stop();
}

#[test]
fn audience_and_issuer_flags_win_over_their_variables() {
    let home = TestDir::new();
    let variables = [
        ("LLAVERO_JWT_SECRET", JWT_SECRET),
        ("LLAVERO_JWT_AUDIENCE", "variable-a"),
        ("LLAVERO_JWT_ISSUER", "variable-i"),
    ];
    let of_variables = ["--audience", "variable-a", "--issuer", "variable-i"];
    let of_flags = ["--audience", "flag-a", "--issuer", "flag-i"];
    let server = serve(&home, &["--demo"], &variables);
    assert_eq!(status(&home, &server, JWT_SECRET, &of_variables), 200);
    assert_eq!(status(&home, &server, JWT_SECRET, &of_flags), 401);
    server.stop();
    let flags = ["--jwt-audience", "flag-a", "--jwt-issuer", "flag-i"];
    let server = serve(&home, &flags, &variables);
    assert_eq!(status(&home, &server, JWT_SECRET, &of_variables), 401);
    assert_eq!(status(&home, &server, JWT_SECRET, &of_flags), 200);
}

/// How many connections to its database a server has.
fn connections(server: &Server) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    files
        .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
        .filter(|file| file.ends_with(DATABASE))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn pool_size_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_POOL_SIZE", "3")];
    // One more writes, and one holds the shared lock.
    assert_eq!(connections(&serve(&home, &[], &variable)), 3 + 2);
    let flag = serve(&home, &["--pool-size", "9"], &variable);
    assert_eq!(connections(&flag), 9 + 2);
}

/// The statuses that two connections get, of which the first stays open.
fn statuses_of_two_connections(server: &Server) -> [u16; 2] {
    let [first, second] = [0, 1].map(|_| Api::new(&format!("http://{}", server.address), None));
    [&first, &second].map(|client| client.get("/healthz").status)
}

#[test]
fn connection_limit_flags_win_over_their_variables() {
    let home = TestDir::new();
    for (variable, flag) in [
        ("LLAVERO_MAX_CONNECTIONS", "--max-connections"),
        (
            "LLAVERO_MAX_CONNECTIONS_PER_ADDRESS",
            "--max-connections-per-address",
        ),
    ] {
        let one = [(variable, "1")];
        let server = serve(&home, &[], &one);
        assert_eq!(statuses_of_two_connections(&server), [200, 503], "{flag}");
        server.stop();
        let server = serve(&home, &[flag, "2"], &one);
        assert_eq!(statuses_of_two_connections(&server), [200, 200], "{flag}");
        server.stop();
    }
    let unlimited = ["--max-connections-per-address", "0"];
    let server = serve(&home, &unlimited, &[]);
    assert_eq!(statuses_of_two_connections(&server), [200, 200]);
    server.stop();
    let server = serve(&home, &["--sandbox", "--max-connections", "1"], &[]);
    assert_eq!(statuses_of_two_connections(&server), [200, 503]);
}

#[test]
fn metrics_listen_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let variable = [("LLAVERO_METRICS_LISTEN", taken.as_str())];
    let outcome = run(&mut serve_command(
        &home,
        &["--listen", "127.0.0.1:0"],
        &variable,
    ));
    assert!(
        outcome.failure(2).contains("--metrics-listen"),
        "{outcome:?}"
    );
    serve(&home, &["--metrics-listen", "127.0.0.1:0"], &variable).stop();
}

/// Whether pages of `origin` may read what the server answers.
fn may_read(server: &Server, origin: &str) -> bool {
    let api = Api::new(&server.api, None).with_header("origin", origin);
    let answer = api.get(PRODUCTION_PATH);
    assert_eq!(answer.status, 401);
    let allowed = answer.headers.get("access-control-allow-origin");
    allowed.is_some_and(|allowed| allowed == origin)
}

#[test]
fn cors_origin_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let [one, two, three] = [
        "http://localhost:5173",
        "https://app.example.com",
        "http://[::1]",
    ];
    let read_by = |args: &[&str], variable: &str| {
        let server = serve(&home, args, &[("LLAVERO_CORS_ORIGIN", variable)]);
        [one, two, three].map(|origin| may_read(&server, origin))
    };
    let both = format!("{one},{two}");
    assert_eq!(read_by(&[], &both), [true, true, false]);
    assert_eq!(
        read_by(&["--cors-origin", three], &both),
        [false, false, true]
    );
    let twice = ["--cors-origin", one, "--cors-origin", three];
    assert_eq!(read_by(&twice, &both), [true, false, true]);
    assert_eq!(
        read_by(&["--cors-origin", one, two], &both),
        [true, true, false]
    );
    let server = serve(&home, &[], &[]);
    assert!(!may_read(&server, one));
    for wrong in ["*", "null", "http://localhost:5173/", "app.example.com"] {
        let outcome = run(&mut serve_command(&home, &["--cors-origin", wrong], &[]));
        assert!(
            outcome.failure(2).contains("write an origin"),
            "{outcome:?}"
        );
    }
}

#[test]
fn log_format_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_LOG_FORMAT", "json")];
    for (args, json) in [(&[][..], true), (&["--log-format", "text"], false)] {
        let server = serve(&home, args, &variable);
        server.get_at_root("/healthz");
        assert_eq!(server.log().starts_with('{'), json, "{}", server.log());
    }
}

#[test]
fn log_level_flag_wins_over_its_variable() {
    let home = TestDir::new();
    let variable = [("LLAVERO_LOG_LEVEL", "error")];
    for (args, lines) in [(&[][..], 0), (&["--log-level", "info"], 2)] {
        let outcome = serve(&home, args, &variable).stop();
        assert_eq!(outcome.stderr.lines().count(), lines, "{outcome:?}");
    }
}

#[test]
fn help_does_not_show_the_secret_of_a_variable() {
    let home = TestDir::new();
    for command in ["serve", "token"] {
        let mut help = home.command(&[command, "--help"]);
        let outcome = run(help.env("LLAVERO_JWT_SECRET", JWT_SECRET));
        let text = outcome.success();
        assert!(
            text.contains("LLAVERO_JWT_SECRET") && !text.contains(JWT_SECRET),
            "{text}"
        );
    }
}
