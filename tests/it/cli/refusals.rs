//! Rejected command lines: exit code 2 and one line that names the problem and a valid form.
//!
//! They are rejected before the database is created.

use std::net::TcpListener;

use crate::support::{ANA, DATABASE, JWT_SECRET, PRODUCTION_PATH, STOPPED, TestDir, run};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

/// `args` are refused in one line with all of `words`, and no file is made.
fn assert_refused(args: &[&str], words: &[&str]) {
    let home = TestDir::new();
    home.write("short", "a".repeat(31));
    home.write("key.pem", JWT_SECRET);
    let before = home.files();
    // In case that it is not refused.
    let outcome = run(home.command(args).env("LLAVERO_LISTEN", "127.0.0.1:0"));
    let line = outcome.failure(2);
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line}");
    }
    assert_eq!(home.files(), before, "{line}");
}

#[test]
fn listen_on_a_port_in_use_creates_no_database() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(
        &["serve", "--listen", &address],
        &[&address, "in use", "--listen"],
    );
}

#[test]
fn serve_twice_leaves_the_first_server_alone() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let address = server.address.to_string();
    let outcome = home.run(&["serve", "--listen", &address]);
    assert!(outcome.failure(2).contains(&address), "{outcome:?}");
    assert_eq!(
        server.get(&home.token(ANA, &[]), PRODUCTION_PATH).status,
        200
    );
    server.stop();
    assert_eq!(home.files(), STOPPED);
}

#[test]
fn listen_address_must_be_this_machines() {
    let listen = ["serve", "--listen", "192.0.2.1:0"];
    assert_refused(&listen, &["cannot listen on 192.0.2.1:0", "--listen"]);
}

#[test]
fn listen_address_must_be_valid() {
    for address in [
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:65536",
        ":",
        "1.2.3.4.5:1",
    ] {
        assert_refused(
            &["serve", "--listen", address],
            &[address, "--listen", "127.0.0.1:3001"],
        );
    }
}

#[test]
fn base_path_must_be_valid() {
    for path in [
        "api", "//", "/a//b", "/a b", "/{x}", "/:x", "/*", "/..", "/docs", "/healthz",
    ] {
        let words = [path, "--base-path", "looks like `/api`"];
        assert_refused(&["serve", "--base-path", path], &words);
    }
}

#[test]
fn flag_values_out_of_range_are_rejected() {
    for size in ["0", "257", "many", ""] {
        assert_refused(&["serve", "--pool-size", size], &["--pool-size"]);
    }
    for number in ["0", "1.5", "many", ""] {
        assert_refused(
            &["serve", "--max-connections", number],
            &["--max-connections"],
        );
    }
    let flag = "--max-connections-per-address";
    assert_refused(&["serve", flag, "many"], &[flag]);
    for retention in ["61d", "0d", "400", "1y", ""] {
        let words = ["--daily-retention", "at least 62 days, for example 400d"];
        assert_refused(&["serve", "--daily-retention", retention], &words);
    }
    let format = ["serve", "--log-format", "xml"];
    assert_refused(&format, &["xml", "--log-format", "text, json"]);
}

#[test]
fn pool_size_over_the_limit_of_open_files_is_rejected() {
    let home = TestDir::new();
    let serve = "ulimit -n 40; exec \"$0\" serve --listen 127.0.0.1:0 --pool-size 256";
    let binary = env!("CARGO_BIN_EXE_llavero");
    let outcome = run(&mut home.program("sh", &["-c", serve, binary]));
    let line = outcome.failure(2);
    assert!(
        line.contains("error: cannot open ") && line.contains(DATABASE),
        "{line}"
    );
    assert!(
        line.ends_with("; allow more open files, or lower --pool-size"),
        "{line}"
    );
}

#[test]
fn unknown_commands_and_flags_are_rejected() {
    for args in [
        &["bogus"][..],
        &["serve", "--bogus"],
        &["serve", "bogus"],
        &["token", "bogus"],
    ] {
        assert_refused(args, &["bogus", "--help"]);
    }
    assert_refused(&["token"], &["--user <ID>", "--help"]);
    assert_refused(&["serve", "--database"], &["--database <FILE>", "--help"]);
}

#[test]
fn help_is_shown_without_a_command() {
    let outcome = TestDir::new().run(&[]);
    assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
    for word in ["serve", "token", "openapi", "healthcheck"] {
        assert!(outcome.stderr.contains(word), "{outcome:?}");
    }
}

#[test]
fn trust_in_two_ways_is_rejected() {
    let ways = [
        ("--jwt-secret", JWT_SECRET),
        ("--jwt-secret-file", "key.pem"),
        ("--jwt-public-key", "key.pem"),
    ];
    for (flag, value) in ways {
        for (other, other_value) in ways.into_iter().filter(|(other, _)| *other != flag) {
            for command in [&["serve"][..], &["token", "--user", "x"]] {
                let args = [command, &[flag, value, other, other_value]].concat();
                assert_refused(&args, &[flag, other, "cannot be used with"]);
            }
        }
    }
}

#[test]
fn trust_by_a_variable_and_another_flag_is_rejected() {
    let home = TestDir::new();
    let mut command = home.serve_command(&["--jwt-public-key", "key.pem"]);
    command.env("LLAVERO_JWT_SECRET", JWT_SECRET);
    let outcome = run(&mut command);
    let line = outcome.failure(2);
    assert!(
        line.contains("--jwt-secret") && line.contains("--jwt-public-key"),
        "{line}"
    );
    assert!(!line.contains(JWT_SECRET), "{line}");
}

#[test]
fn secret_that_is_too_short_is_not_printed() {
    let short = "hunter2-hunter2-hunter2-hunter2";
    let words = ["31 bytes", "at least 32", "openssl rand"];
    for command in [&["serve"][..], &["token", "--user", "x"]] {
        assert_refused(&[command, &["--jwt-secret-file", "short"]].concat(), &words);
        let home = TestDir::new();
        let outcome = home.run(&[command, &["--jwt-secret", short]].concat());
        let line = outcome.failure(2);
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
        assert!(!line.contains(short), "{line}");
    }
}

#[test]
fn secret_file_that_is_too_short_is_named() {
    assert_refused(
        &["serve", "--jwt-secret-file", "short"],
        &["short:", "31 bytes"],
    );
}

#[test]
fn key_file_must_be_readable() {
    for flag in ["--jwt-secret-file", "--jwt-public-key"] {
        assert_refused(&["serve", flag, "missing"], &["missing", "check the path"]);
        assert_refused(&["serve", flag, "/"], &["directory", "check the path"]);
    }
}

#[test]
fn key_file_must_not_be_writable_by_others() {
    for mode in [0o602, 0o620, 0o666] {
        for flag in ["--jwt-secret-file", "--jwt-public-key"] {
            let home = TestDir::new();
            home.write("key", JWT_SECRET);
            home.set_mode("key", mode);
            let outcome = home.run(&["serve", flag, "key"]);
            let line = outcome.failure(2);
            assert!(line.contains("chmod go-w key"), "{mode:o}: {line}");
            assert_eq!(home.files(), ["key"]);
        }
    }
}

#[test]
fn key_file_must_not_be_endless() {
    for flag in ["--jwt-secret-file", "--jwt-public-key"] {
        assert_refused(&["serve", flag, "/dev/zero"], &["/dev/zero", "a device"]);
        let home = TestDir::new();
        home.write("large", vec![b'x'; 64 * 1024 + 1]);
        let outcome = home.run(&["serve", flag, "large"]);
        assert!(outcome.failure(2).contains("64 KiB"), "{outcome:?}");
        let serve = format!("yes | \"$0\" serve {flag} /dev/stdin");
        let outcome = run(&mut home.program("sh", &["-c", &serve, env!("CARGO_BIN_EXE_llavero")]));
        assert!(outcome.failure(2).contains("64 KiB"), "{outcome:?}");
        assert_eq!(home.files(), ["large"]);
    }
}

#[test]
fn key_file_may_be_a_pipe_or_readable_by_others() {
    let home = TestDir::new();
    home.write("key", JWT_SECRET);
    home.set_mode("key", 0o644);
    let from_file = home.run(&["token", "--user", ANA, "--jwt-secret-file", "key"]);
    from_file.success();
    let token = "cat key | \"$0\" token --user x --jwt-secret-file /dev/stdin";
    let from_pipe = run(&mut home.program("sh", &["-c", token, env!("CARGO_BIN_EXE_llavero")]));
    from_pipe.success();
}

#[test]
fn public_key_file_must_not_hold_a_private_key() {
    for name in ["p256", "ed25519", "rsa-2048"] {
        let file = format!("{KEYS}/{name}-private.pem");
        let args = ["serve", "--jwt-public-key", &file];
        assert_refused(&args, &[&file, "private key", "openssl pkey -pubout"]);
    }
}

#[test]
fn public_key_file_must_have_a_supported_public_key() {
    for (name, word) in [
        ("p384-public", "P-256"),
        ("rsa-1024-public", "2048"),
        ("x25519-public", "Ed25519"),
        ("p256-certificate", "public key in PEM"),
    ] {
        let file = format!("{KEYS}/{name}.pem");
        assert_refused(&["serve", "--jwt-public-key", &file], &[&file, word]);
    }
    let secret = ["serve", "--jwt-public-key", "key.pem"];
    assert_refused(&secret, &["key.pem", "public key in PEM"]);
}
