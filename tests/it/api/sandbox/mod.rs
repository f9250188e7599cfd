//! The sandbox over real sockets: a running sandbox here, one file a subject beside it.

mod browsers;
mod document;
mod preference;
mod scenarios;
mod session_copies;
mod sessions;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use llavero::{
    api,
    model::{Clock, Timestamp},
    sandbox::{DEFAULT_CLOCK, Limits, Sandbox},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{ANA, Client, Documented, LocalServer, Request, body};

/// A running sandbox. Its clock stands still; the time that visitors stay away is the test's.
struct SandboxApp {
    origin: String,
    sandbox: Sandbox,
    time: Arc<AtomicI64>,
    client: Client,
    server: LocalServer,
}

impl SandboxApp {
    async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let time = Arc::new(AtomicI64::new(0));
        let passing = Clock::from_fn({
            let time = Arc::clone(&time);
            move || Timestamp::from_millis(time.load(Ordering::SeqCst))
        });
        let clock = Clock::from_fn(|| DEFAULT_CLOCK);
        let readers = NonZeroU32::new(2).unwrap();
        let sandbox = Sandbox::start(clock, passing, readers, limits).await;
        let sandbox = sandbox.unwrap();
        let base = "/api".parse().unwrap();
        let endpoint = api::sandbox_endpoint(&sandbox, &base, 0xfeed).await;
        let endpoint = endpoint.unwrap();
        let server = LocalServer::start(endpoint).await;
        let document = api::sandbox_document(&sandbox, &base, None).await;
        let documented = Documented::new(&document.unwrap(), &["/api", ""]);
        let client = Client::new(&server.origin, reqwest::Client::new(), documented);
        Self {
            origin: server.origin.clone(),
            server,
            sandbox,
            time,
            client,
        }
    }

    /// Lets so many seconds pass.
    fn wait(&self, seconds: i64) {
        self.time.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The published token of a user.
    fn token(&self, user: &str) -> &str {
        let mut users = self.sandbox.users().iter();
        let known = users.find(|known| known.user.id.as_str() == user);
        &known.unwrap().token
    }

    /// A request to `path` at the root, without a token.
    fn request(&self, method: Method, path: &str) -> Request {
        self.client.request(method, path)
    }

    /// The answer to Ana's GET.
    async fn get(&self, path: &str) -> Response {
        let request = self.request(Method::GET, path);
        request.bearer_auth(self.token(ANA)).send().await.unwrap()
    }

    /// The body of Ana's GET, which must succeed.
    async fn json(&self, path: &str) -> Value {
        body(self.get(path).await, 200).await
    }

    /// Requests of Ana in the session `name`.
    fn session(&self, name: &str) -> Session<'_> {
        Session {
            app: self,
            name: name.to_owned(),
        }
    }

    async fn stop(self) {
        self.server.stop().await;
    }
}

struct Session<'a> {
    app: &'a SandboxApp,
    name: String,
}

impl Session<'_> {
    fn request(&self, method: Method, path: &str) -> Request {
        let request = self.app.request(method, path);
        let request = request.bearer_auth(self.app.token(ANA));
        request.header("X-Sandbox-Session", self.name.as_str())
    }

    async fn json(&self, path: &str) -> Value {
        let request = self.request(Method::GET, path);
        body(request.send().await.unwrap(), 200).await
    }

    /// Creates a key in Initech, which has none.
    async fn create(&self, name: &str) -> Value {
        let request = self
            .request(Method::POST, KEYS)
            .json(&json!({ "name": name }));
        body(request.send().await.unwrap(), 201).await
    }

    /// The names of Initech's keys.
    async fn names(&self) -> Vec<String> {
        names(&self.json(KEYS).await)
    }

    async fn reset(&self) {
        let request = self.request(Method::POST, "/sandbox/reset");
        assert_eq!(request.send().await.unwrap().status(), 204);
    }
}

/// Initech's keys.
const KEYS: &str = "/organizations/initech/api-keys";

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    let name = |key: &Value| key["name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = items.iter().map(name).collect();
    names.sort();
    names
}
