//! Connection limits: which connections are served, refused with a 503, or closed to make room.

use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    api::connections::RawClient,
    support::{TestApp, limits},
};

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n";

async fn app(total: usize, per_address: usize) -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    TestApp::demo_on(listener, limits(total, per_address)).await
}

/// A connection that stays open after its first response.
async fn served(app: &TestApp) -> RawClient {
    let mut client = RawClient::connect(app).await;
    client.send(REQUEST).await;
    let response = client.response().await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    client
}

/// The response to the first request of a new connection.
async fn first_response(app: &TestApp) -> String {
    let mut client = RawClient::connect(app).await;
    client.send(REQUEST).await;
    client.response().await
}

#[tokio::test]
async fn connection_beyond_a_limit_gets_a_503() {
    for (total, per_address) in [(3, 0), (100, 3)] {
        let app = app(total, per_address).await;
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.push(served(&app).await);
        }
        let response = first_response(&app).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        for line in [
            "HTTP/1.1 503 Service Unavailable",
            "connection: close",
            "retry-after: 1",
            "x-request-id: mine",
            "cache-control: no-store",
        ] {
            assert!(head.lines().any(|found| found == line), "{line}: {head}");
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let expected = json!({
            "statusCode": 503, "message": "Service unavailable", "error": "Service Unavailable"
        });
        assert_eq!(body, expected);

        // Those that were there are served still.
        for client in &mut kept {
            client.send(REQUEST).await;
            assert!(client.response().await.starts_with("HTTP/1.1 200 "));
        }
    }
}

#[tokio::test]
async fn closed_connection_makes_room() {
    let app = app(1, 0).await;
    let client = served(&app).await;
    assert!(first_response(&app).await.starts_with("HTTP/1.1 503 "));
    drop(client);
    // The server learns of the close in its own time.
    while !first_response(&app).await.starts_with("HTTP/1.1 200 ") {}
}

#[tokio::test]
async fn silent_connections_are_closed_first_the_oldest_before_others() {
    for (total, per_address) in [(4, 0), (100, 4)] {
        let app = app(total, per_address).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(RawClient::connect(&app).await);
        }
        // One has sent a part of its request head.
        silent[0].send("GET /healthz HTTP/1.1\r\nHost:").await;
        let _first = served(&app).await;
        assert_eq!(silent[0].response().await, "");
        let _second = served(&app).await;
        assert_eq!(silent[1].response().await, "");
        // The others can still send their request.
        for client in &mut silent[2..] {
            client.send(REQUEST).await;
            assert!(client.response().await.starts_with("HTTP/1.1 200 "));
        }
    }
}

#[tokio::test]
async fn flood_of_silent_connections_does_not_keep_a_client_out() {
    let app = app(100, 16).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(RawClient::connect(&app).await);
    }
    let client = app.request(reqwest::Method::GET, "/healthz");
    assert_eq!(client.send().await.unwrap().status(), 200);
    for client in &mut silent[..180] {
        assert_eq!(client.response().await, "");
    }
}

#[tokio::test]
async fn burst_of_requests_is_served_up_to_the_limit_and_no_connection_is_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = RawClient::connect_to(address).await;
        client.send(REQUEST).await;
        clients.push(client);
    }
    // All requests have arrived before the first connection is accepted.
    let _app = TestApp::demo_on(listener, limits(100, 20)).await;
    let mut statuses = Vec::new();
    for client in &mut clients {
        let response = client.response().await;
        statuses.push(response.get(9..12).unwrap_or_default().to_owned());
    }
    let count = |status| statuses.iter().filter(|found| *found == status).count();
    assert_eq!((count("200"), count("503")), (20, 30), "{statuses:?}");
}
