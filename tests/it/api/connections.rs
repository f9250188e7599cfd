//! HTTP/1.1 connections: unread bodies, half-closed clients, `Host` and `Transfer-Encoding`, on raw sockets.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{ACME, ANA, PRODUCTION, TestApp, key_path, keys_path, lasting_token};

const MEGABYTES: usize = 3_000_000;

/// A connection to the service that is used byte by byte.
pub(super) struct RawClient(TcpStream);

impl RawClient {
    pub(super) async fn connect(app: &TestApp) -> Self {
        let address = app.origin.strip_prefix("http://").unwrap();
        Self::connect_to(address.parse().unwrap()).await
    }

    pub(super) async fn connect_to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(super) async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// One response, its body included; empty if the server has closed the connection.
    pub(super) async fn response(&mut self) -> String {
        let mut text = String::new();
        while !is_whole(&text) {
            let mut bytes = [0; 4096];
            match self.0.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(length) => text += str::from_utf8(&bytes[..length]).unwrap(),
            }
        }
        text
    }

    /// Everything until the server closes the connection.
    pub(super) async fn responses(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).await.unwrap();
        text
    }
}

/// Whether `text` is a response as long as its `Content-Length` says.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}

fn status(response: &str) -> &str {
    response.get(9..12).unwrap_or(response)
}

fn announces_close(response: &str) -> bool {
    header(response, "connection") == Some("close")
}

/// A request head with a token, which announces a body.
fn head(line: &str, content_type: &str, length: usize) -> String {
    let token = lasting_token(ANA);
    format!(
        "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn response_before_the_body_was_read_reaches_every_client() {
    let app = TestApp::demo().await;
    let (keys, key) = (keys_path(ACME), key_path(ACME, PRODUCTION));
    let anonymous =
        format!("POST {keys} HTTP/1.1\r\nHost: x\r\nContent-Length: {MEGABYTES}\r\n\r\n");
    let json = "application/json";
    let cases = [
        (anonymous, "401"),
        (head("POST /nope", json, MEGABYTES), "404"),
        (head(&format!("PUT {keys}"), json, MEGABYTES), "405"),
        (head(&format!("POST {keys}"), json, MEGABYTES), "413"),
        (
            head(&format!("POST {keys}"), "text/plain", MEGABYTES),
            "415",
        ),
        (head(&format!("DELETE {key}"), json, MEGABYTES), "200"),
        (head("GET /healthz", json, MEGABYTES), "200"),
    ];
    let body = "x".repeat(MEGABYTES);
    for (head, expected) in cases {
        for attempt in 0..20 {
            let mut client = RawClient::connect(&app).await;
            client.send(&head).await;
            // Reads only when all is sent, as a blocking client does.
            client.send(&body).await;
            let response = client.responses().await;
            assert_eq!(status(&response), expected, "{attempt}: {response}");
            assert!(announces_close(&response), "{response}");
        }
    }
}

#[tokio::test]
async fn chunked_body_that_was_not_read_lingers_too() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    let chunk = format!("{:x}\r\n{}\r\n", MEGABYTES, "x".repeat(MEGABYTES));
    let head = "POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head).await;
    client.send(&chunk).await;
    client.send("0\r\n\r\n").await;
    let response = client.responses().await;
    assert_eq!(status(&response), "404");
    assert!(announces_close(&response), "{response}");
}

#[tokio::test]
async fn client_that_asks_for_an_upgrade_reads_the_response_too() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    let head = format!(
        "POST /nope HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: {MEGABYTES}\r\n\r\n"
    );
    client.send(&head).await;
    client.send(&"x".repeat(MEGABYTES)).await;
    assert_eq!(status(&client.responses().await), "404");
}

#[tokio::test]
async fn short_unread_body_keeps_the_connection() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    for length in [1, 1000, 16 * 1024] {
        let line = format!("POST {}", keys_path(ACME));
        client.send(&head(&line, "text/plain", length)).await;
        client.send(&"x".repeat(length)).await;
        let response = client.response().await;
        assert_eq!(status(&response), "415", "{response}");
        assert!(!announces_close(&response), "{response}");
    }
    client
        .send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_eq!(status(&client.response().await), "200");
}

#[tokio::test]
async fn get_that_announces_a_body_is_answered_without_it() {
    let app = TestApp::demo().await;
    for (line, expected) in [
        ("GET /api/api-keys/validate", "401"),
        ("GET /healthz", "200"),
        ("HEAD /healthz", "200"),
    ] {
        let mut client = RawClient::connect(&app).await;
        client.send(&head(line, "text/plain", 100)).await;
        let response = client.responses().await;
        assert_eq!(status(&response), expected, "{response}");
        assert!(announces_close(&response), "{response}");
    }
}

#[tokio::test]
async fn body_that_waits_for_100_continue_is_not_asked_for_unless_it_is_read() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    let expect =
        "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    client.send(expect).await;
    let response = client.responses().await;
    assert_eq!(status(&response), "404", "{response}");
    assert!(announces_close(&response), "{response}");

    let mut client = RawClient::connect(&app).await;
    let body = r#"{"name":"x"}"#;
    let line = format!("POST {}", keys_path(ACME));
    let head = head(&line, "application/json", body.len());
    let expect = head.replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
    client.send(&expect).await;
    assert_eq!(client.response().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(body).await;
    assert_eq!(status(&client.response().await), "201");
}

#[tokio::test]
async fn body_that_ends_early_is_a_400_that_announces_the_close() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    let line = format!("POST {}", keys_path(ACME));
    client.send(&head(&line, "application/json", 100)).await;
    client.send("{").await;
    client.0.shutdown().await.unwrap();
    let response = client.responses().await;
    assert_eq!(status(&response), "400", "{response}");
    assert!(announces_close(&response), "{response}");
}

#[tokio::test]
async fn client_that_half_closes_gets_its_response() {
    let app = TestApp::demo().await;
    for line in ["GET /healthz", "GET /readyz", "GET /api/openapi.json"] {
        let mut client = RawClient::connect(&app).await;
        client
            .send(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        client.0.shutdown().await.unwrap();
        let response = client.responses().await;
        assert_eq!(status(&response), "200", "{line}: {response}");
        assert!(is_whole(&response), "{line}");
    }
}

#[tokio::test]
async fn malformed_head_is_a_400_that_reaches_a_client_that_is_still_sending() {
    let app = TestApp::demo().await;
    let mut client = RawClient::connect(&app).await;
    client
        .send("GET /healthz HTTP/1.1\r\nno colon\r\n\r\n")
        .await;
    client.send(&"x".repeat(MEGABYTES)).await;
    assert_eq!(status(&client.responses().await), "400");
}

/// The status of a request, and its message if the response has one.
async fn outcome(app: &TestApp, request: &str) -> (String, Option<String>) {
    let mut client = RawClient::connect(app).await;
    client.send(request).await;
    let response = client.response().await;
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let body: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = body.and_then(|body| Some(body["message"].as_str()?.to_owned()));
    (status(&response).to_owned(), message)
}

#[tokio::test]
async fn host_is_required_exactly_once() {
    let app = TestApp::demo().await;
    let once = "Host must be sent exactly once";
    let valid = "Host must be a host name or address, optionally with a port";
    for (head, expected, problem) in [
        ("HTTP/1.1", "400", Some(once)),
        ("HTTP/1.1\r\nHost: x\r\nHost: x", "400", Some(once)),
        ("HTTP/1.1\r\nHost: x, y", "400", Some(valid)),
        ("HTTP/1.1\r\nHost: user@x", "400", Some(valid)),
        ("HTTP/1.0\r\nHost: x\r\nHost: y", "400", Some(once)),
        ("HTTP/1.1\r\nHost: localhost:3001", "200", None),
        ("HTTP/1.1\r\nHost: [::1]:3001", "200", None),
        ("HTTP/1.1\r\nHost:", "200", None),
        ("HTTP/1.0", "200", None),
    ] {
        let (status, message) = outcome(&app, &format!("GET /healthz {head}\r\n\r\n")).await;
        assert_eq!(status, expected, "{head}");
        assert_eq!(message.as_deref(), problem, "{head}");
    }
}

#[tokio::test]
async fn transfer_coding_other_than_chunked_is_a_501() {
    let app = TestApp::demo().await;
    let problem = Some("Transfer-Encoding must be chunked".to_owned());
    for coding in [
        "x, chunked",
        "gzip,chunked",
        "x\r\nTransfer-Encoding: chunked",
    ] {
        let request = format!(
            "POST /api/api-keys/validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
        );
        let expected = ("501".to_owned(), problem.clone());
        assert_eq!(outcome(&app, &request).await, expected, "{coding}");
    }
    // Without a final `chunked` the length is unknown: malformed, and hyper's own 400.
    let request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n";
    assert_eq!(outcome(&app, request).await, ("400".to_owned(), None));
}

#[tokio::test]
async fn content_length_beside_transfer_encoding_smuggles_no_request() {
    let app = TestApp::demo().await;
    let smuggled = "0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let fields = [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            smuggled.len()
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            smuggled.len()
        ),
    ];
    for fields in fields {
        let mut client = RawClient::connect(&app).await;
        let request = format!("POST /nope HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{smuggled}");
        client.send(&request).await;
        let responses = client.responses().await;
        assert_eq!(responses.matches("HTTP/1.1 ").count(), 1, "{responses}");
        assert!(announces_close(&responses), "{responses}");
    }
}
