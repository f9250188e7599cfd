//! The baseline: poem's own server with one handler that returns fixed bytes. Runs as a separate process.

use std::env;

use poem::{Response, Route, Server, endpoint::make_sync, get, listener::TcpAcceptor};
use tokio::{net::TcpListener, runtime::Runtime};

/// The argument that starts the baseline instead of the benchmark.
pub(crate) const FLAG: &str = "--bare";

/// The environment variable with the body of the response.
pub(crate) const BODY: &str = "BENCH_BODY";

pub(crate) fn serve() {
    let body = env::var(BODY).expect("a body to return");
    Runtime::new().expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!(
            "listening on http://{}",
            listener.local_addr().expect("an address")
        );
        let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
        let answer = make_sync(move |_| {
            Response::builder()
                .content_type("application/json; charset=utf-8")
                .body(body.clone())
        });
        let routes = Route::new().at("/", get(answer));
        Server::new_with_acceptor(acceptor)
            .run(routes)
            .await
            .expect("a server that runs");
    });
}
