//! Shutdown: requests in flight are finished, no client can delay it for long, and one file is left.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc,
    thread,
};

use crate::support::{ANA, Outcome, PRODUCTION_PATH, STOPPED, Server, TestDir};

const HALF: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n";

fn assert_good_order(home: &TestDir, outcome: &Outcome) {
    assert_eq!(outcome.status.code(), Some(0), "{outcome:?}");
    assert_eq!(home.files(), STOPPED);
}

#[test]
fn stop_by_sigterm_or_sigint_exits_with_0() {
    for signal in ["TERM", "INT"] {
        for args in [&[][..], &["--demo"]] {
            let home = TestDir::new();
            let server = home.serve(args);
            server.signal(signal);
            assert_good_order(&home, &server.wait());
        }
    }
}

#[test]
fn stop_after_requests_exits_with_0() {
    let home = TestDir::new();
    let server = home.serve(&["--demo"]);
    let token = home.token(ANA, &[]);
    assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
    assert_good_order(&home, &server.stop());
}

#[test]
fn stop_does_not_wait_for_idle_connections() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let silent = server.connect();
    let mut idle = server.connect();
    idle.write_all(&[HALF, b"\r\n"].concat()).unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let outcome = server.stop();
    assert!(!outcome.stderr.contains("in flight"), "{outcome:?}");
    assert_good_order(&home, &outcome);
    drop((silent, idle));
}

#[test]
fn stop_waits_for_lingering_connections_for_less_than_the_drain() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let mut client = server.connect();
    client
        .write_all(b"POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
    let outcome = server.stop();
    assert!(!outcome.stderr.contains("in flight"), "{outcome:?}");
    assert_good_order(&home, &outcome);
    drop(client);
}

/// A connection on which the server has read half a request.
#[cfg(target_os = "linux")]
fn half_sent(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(HALF).unwrap();
    let ports = [stream.peer_addr().unwrap(), stream.local_addr().unwrap()]
        .map(|address| format!(":{:04X}", address.port()));
    // The server's end is accepted (it has an inode) and its receive queue is empty.
    let is_read = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[1].ends_with(&ports[0])
            && fields[2].ends_with(&ports[1])
            && fields[4].ends_with(":00000000")
            && fields[9] != "0"
    };
    let read = || {
        fs::read_to_string("/proc/net/tcp")
            .unwrap()
            .lines()
            .any(is_read)
    };
    while !read() {
        thread::yield_now();
    }
    stream
}

#[cfg(target_os = "linux")]
#[test]
fn stop_finishes_a_request_in_flight() {
    let home = TestDir::new();
    let server = home.serve(&[]);
    let mut stream = half_sent(&server);
    server.signal("TERM");
    server.wait_until_closed();
    stream.write_all(b"\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{\"status\":\"ok\"}"), "{answer}");
    assert_good_order(&home, &server.wait());
}

/// A connection whose peer asks and asks, and never reads an answer.
fn unread(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    let request = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    loop {
        match stream.write(&request) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return stream,
            Err(error) => panic!("{error}"),
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn stop_closes_connections_that_neither_finish_nor_read() {
    let homes = [TestDir::new(), TestDir::new()];
    let servers = [0, 1].map(|at: usize| homes[at].serve(&[]));
    let peers = [half_sent(&servers[0]), unread(&servers[1])];
    // Both at once: this takes as long as requests in flight are given.
    for server in &servers {
        server.signal("TERM");
    }
    for (home, server) in homes.iter().zip(servers) {
        assert_good_order(home, &server.wait());
    }
    drop(peers);
}

#[cfg(target_os = "linux")]
#[test]
fn stop_by_a_second_signal_does_not_wait_and_loses_nothing() {
    for signals in [["TERM", "TERM"], ["INT", "INT"], ["TERM", "INT"]] {
        let home = TestDir::new();
        let server = home.serve(&["--demo"]);
        let token = home.token(ANA, &[]);
        let stream = half_sent(&server);
        server.signal(signals[0]);
        server.wait_until_closed();
        server.signal(signals[1]);
        // Waiting for the peer would have ended with 0.
        assert_eq!(server.wait().status.code(), Some(1), "{signals:?}");
        drop(stream);

        let server = home.serve(&[]);
        assert_eq!(server.get(&token, PRODUCTION_PATH).status, 200);
        assert_good_order(&home, &server.stop());
    }
}

/// Sends requests until the server is gone. A response that has begun must be complete.
fn ask_until_the_end(server: &Server, token: &str, answered: &mpsc::Sender<()>) {
    let path = format!("/api{PRODUCTION_PATH}");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    loop {
        let Ok(mut stream) = TcpStream::connect(server.address) else {
            return;
        };
        let mut answer = Vec::new();
        let asked = stream.write_all(request.as_bytes());
        let read = asked.and_then(|()| stream.read_to_end(&mut answer));
        if answer.is_empty() {
            continue;
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            read.is_ok() && answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{read:?} {answer}"
        );
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            serde_json::from_str::<serde_json::Value>(body).is_ok(),
            "{answer}"
        );
        // The counter is not needed any more.
        let _ = answered.send(());
        let _ = stream.shutdown(Shutdown::Both);
    }
}

#[test]
fn stop_under_load_cuts_no_response_short() {
    for _ in 0..5 {
        let home = TestDir::new();
        let server = home.serve(&["--demo"]);
        let token = home.token(ANA, &[]);
        let (sender, answered) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..4 {
                let sender = sender.clone();
                let (server, token) = (&server, &token);
                scope.spawn(move || ask_until_the_end(server, token, &sender));
            }
            for _ in 0..50 {
                answered.recv().unwrap();
            }
            server.signal("TERM");
        });
        assert_good_order(&home, &server.wait());
    }
}
