//! A log that cannot be written or is not read: requests are answered, and the process stops with exit code 0.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    process::{Command, Stdio},
    thread,
};

use crate::{
    cli::logs::json_lines,
    support::{Api, JWT_SECRET, Process, STATS_PATH, Server, TestDir, get, listening},
};

/// A user id that makes a log line of about 3 KB.
fn long_user() -> String {
    "u".repeat(3000)
}

fn serve_command(home: &TestDir) -> Command {
    home.serve_command(&[
        "--metrics-listen",
        "127.0.0.1:0",
        "--jwt-secret",
        JWT_SECRET,
        "--log-format",
        "json",
    ])
}

/// Starts a server with this standard error. Returns it and the URL of its metrics.
fn serve_with_stderr(home: &TestDir, stderr: impl Into<Stdio>) -> (Server, String) {
    let mut command = serve_command(home);
    command.stderr(stderr);
    let mut server = Server::start_with_stderr(command);
    let line = server.next_line();
    let url = line.trim_end().strip_prefix("metrics on ").unwrap();
    (server, url.to_owned())
}

/// The number of dropped lines that a server reports.
fn dropped(metrics: &str) -> u64 {
    let text = get(metrics, None).body;
    let sample = |line: &str| {
        line.strip_prefix("llavero_log_dropped_total ")
            .map(str::to_owned)
    };
    text.lines().find_map(sample).unwrap().parse().unwrap()
}

/// Sends requests until the server drops lines.
fn fill_log(home: &TestDir, server: &Server, metrics: &str) {
    let api = server.api(&home.token(&long_user(), &["--jwt-secret", JWT_SECRET]));
    while dropped(metrics) == 0 {
        assert_eq!(api.get(STATS_PATH).status, 403);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn serve_answers_and_stops_while_standard_error_fails() {
    let home = TestDir::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, closed) = io::pipe().unwrap();
    drop(reader);
    for stderr in [Stdio::from(full), Stdio::from(closed)] {
        let (server, metrics) = serve_with_stderr(&home, stderr);
        for _ in 0..10 {
            assert_eq!(server.get("wrong", STATS_PATH).status, 401);
        }
        // One line for the start, and one for each request.
        while dropped(&metrics) < 11 {
            thread::yield_now();
        }
        server.stop();
    }
}

#[test]
fn serve_answers_and_stops_while_standard_error_is_closed() {
    let home = TestDir::new();
    let serve = "exec \"$0\" serve --listen 127.0.0.1:0 2>&-";
    let command = home.program("sh", &["-c", serve, env!("CARGO_BIN_EXE_llavero")]);
    let server = Server::start_with_stderr(command);
    assert_eq!(server.get("wrong", STATS_PATH).status, 401);
    server.stop();
}

#[test]
fn serve_drops_and_counts_lines_that_nobody_reads() {
    let home = TestDir::new();
    let (mut reader, stderr) = io::pipe().unwrap();
    let (server, metrics) = serve_with_stderr(&home, stderr);
    fill_log(&home, &server, &metrics);
    server.stop();
    // The pipe holds the first lines, each of them whole.
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    let lines = json_lines(&log);
    assert_eq!(lines[0]["message"], "started");
    assert!(lines.len() > 10, "{log}");
    let mut requests = lines[1..].iter();
    assert!(requests.all(|line| line["message"] == "request"), "{log}");
}

#[test]
fn serve_logs_again_once_its_log_is_read() {
    let home = TestDir::new();
    let (mut reader, stderr) = io::pipe().unwrap();
    let (server, metrics) = serve_with_stderr(&home, stderr);
    fill_log(&home, &server, &metrics);
    let log = thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    let api = Api::new(&server.api, None).with_header("x-request-id", "read-again");
    // The queue empties: at last a line is not dropped.
    loop {
        let before = dropped(&metrics);
        api.get("/nothing");
        if dropped(&metrics) == before {
            break;
        }
    }
    server.stop();
    let log = log.join().unwrap();
    let lines = json_lines(&log);
    let last = lines.last().unwrap();
    assert!(log.contains("read-again"), "{log}");
    assert_eq!(last["message"], "stopped");
}

#[test]
fn listening_line_is_whole_where_log_and_output_are_one_stream() {
    let home = TestDir::new();
    let serve = "exec \"$0\" serve --listen 127.0.0.1:0 2>&1";
    let command = home.program("sh", &["-c", serve, env!("CARGO_BIN_EXE_llavero")]);
    let mut process = Process::spawn(command);
    let [first, second] = [process.next_line(), process.next_line()];
    assert!(first.contains("started"), "{first}");
    let (url, _) = listening(&second).unwrap();
    assert!(url.ends_with("/api"), "{url}");
}

#[test]
fn command_reports_its_failure_by_exit_code_while_standard_error_fails() {
    let home = TestDir::new();
    let (reader, closed) = io::pipe().unwrap();
    drop(reader);
    let status = home.command(&["key", "show", "x"]).stderr(closed).status();
    assert_eq!(status.unwrap().code(), Some(2));
    let status = home
        .command(&["serve", "--zzz"])
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
}
