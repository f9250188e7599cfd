//! A running llavero for one test: its own database file, its own port, a clock that stands still.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use llavero::{
    api::{self, ConnectionLimits, Cors, Service},
    app::App,
    fixtures::Fixtures,
    model::{Clock, Random, Secret, Seed, Timestamp, UsageEvent, UsageTotals, UserId},
    store::{self, OpenOptions, Store},
    token::{ExpectedClaims, HmacSecret, NewToken, TrustedKey, mint},
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) const ACME: &str = "550e8400-e29b-41d4-a716-446655440000";
pub(crate) const GLOBEX: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
pub(crate) const INITECH: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub(crate) const ANA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const BETO: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const CARLA: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const DIEGO: &str = "44444444-4444-4444-8444-444444444444";
pub(crate) const EVA: &str = "55555555-5555-4555-8555-555555555555";
pub(crate) const PRODUCTION: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
pub(crate) const GLOBEX_WEBSITE: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d11";

/// The one origin whose pages may use the API.
pub(crate) const PAGE: &str = "http://localhost:5173";

/// 2026-01-15T12:00:00.000Z, where the clock of every test begins.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_768_478_400_000);

/// The HS256 secret of every test's database.
pub(crate) const SECRET: [u8; 32] = *b"a secret of thirty-two bytes, ok";

pub(crate) struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    pub(crate) store: Store,
    pub(crate) directory: TempDir,
    clock: Arc<AtomicI64>,
    client: Client,
    server: Server,
}

/// An endpoint that is served on a port of its own.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(endpoint: impl Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, endpoint, limits(1024, 0))
    }

    /// Serves on a listener that may have connections already.
    pub(crate) fn start_on(
        listener: TcpListener,
        endpoint: impl Service,
        limits: ConnectionLimits,
    ) -> Self {
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(api::serve(listener, endpoint, limits, async {
            let _ = stopped.await;
        }));
        Self {
            origin,
            stop,
            served,
        }
    }

    /// Stops serving and waits for it.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
    }
}

/// Where and how the service is reached.
struct Http {
    listener: TcpListener,
    limits: ConnectionLimits,
    cors: Cors,
}

impl Http {
    /// On a free port, without a limit per address.
    async fn new(cors: Cors) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            limits: limits(1024, 0),
            cors,
        }
    }
}

/// Connection limits; 0 connections per address means no limit.
pub(crate) fn limits(total: usize, per_address: usize) -> ConnectionLimits {
    ConnectionLimits {
        total: NonZeroUsize::new(total).unwrap(),
        per_address: NonZeroUsize::new(per_address),
    }
}

impl TestApp {
    /// With the demo fixtures, loaded at [`NOW`].
    pub(crate) async fn demo() -> Self {
        Self::with_seed(Fixtures::load().unwrap().seed(NOW)).await
    }

    /// With the demo fixtures, for web pages as `cors` says.
    pub(crate) async fn demo_with_cors(cors: Cors) -> Self {
        let trusted = TrustedKey::from_secret(&HmacSecret::from(SECRET));
        let seed = Fixtures::load().unwrap().seed(NOW);
        let directory = tempfile::tempdir().unwrap();
        let http = Http::new(cors).await;
        Self::start(trusted, ExpectedClaims::default(), seed, directory, http).await
    }

    /// With `seed`, trusting the database's own secret.
    pub(crate) async fn with_seed(seed: Seed) -> Self {
        let trusted = TrustedKey::from_secret(&HmacSecret::from(SECRET));
        Self::trusting(trusted, ExpectedClaims::default(), seed).await
    }

    /// On the database that another one left behind.
    pub(crate) async fn again(directory: TempDir) -> Self {
        let trusted = TrustedKey::from_secret(&HmacSecret::from(SECRET));
        let (expected, seed) = (ExpectedClaims::default(), Seed::default());
        let http = Http::new(page_only()).await;
        Self::start(trusted, expected, seed, directory, http).await
    }

    /// With `seed`, trusting another key.
    pub(crate) async fn trusting(
        trusted: TrustedKey,
        expected: ExpectedClaims,
        seed: Seed,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let http = Http::new(page_only()).await;
        Self::start(trusted, expected, seed, directory, http).await
    }

    /// With the demo fixtures, on a listener that may have connections already.
    pub(crate) async fn demo_on(listener: TcpListener, limits: ConnectionLimits) -> Self {
        let trusted = TrustedKey::from_secret(&HmacSecret::from(SECRET));
        let seed = Fixtures::load().unwrap().seed(NOW);
        let directory = tempfile::tempdir().unwrap();
        let http = Http {
            listener,
            limits,
            cors: page_only(),
        };
        Self::start(trusted, ExpectedClaims::default(), seed, directory, http).await
    }

    async fn start(
        trusted: TrustedKey,
        expected: ExpectedClaims,
        seed: Seed,
        directory: TempDir,
        http: Http,
    ) -> Self {
        let instant = Arc::new(AtomicI64::new(NOW.as_millis()));
        let clock = Clock::from_fn({
            let instant = Arc::clone(&instant);
            move || match instant.load(Ordering::SeqCst) {
                i64::MIN => panic!("the clock is broken"),
                millis => Timestamp::from_millis(millis),
            }
        });
        let options = OpenOptions {
            readers: NonZeroU32::new(2).unwrap(),
            new_signing_secret: SECRET,
        };
        let store = Store::open(&directory.path().join("test.db"), &options).unwrap();
        store.seed_if_empty(seed).await.unwrap();

        let app = App::new(store.clone(), trusted, expected, clock, Random::system());
        let base = "/api".parse().unwrap();
        let endpoint = api::endpoint(&app, &base, http.cors, 0xfeed).unwrap();
        let server = Server::start_on(http.listener, endpoint, http.limits);
        Self {
            origin: server.origin.clone(),
            server,
            store,
            directory,
            clock: instant,
            client: Client::new(),
        }
    }

    /// Moves the clock.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.clock.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Makes the clock panic: whoever asks it brings down a handler.
    pub(crate) fn break_clock(&self) {
        self.clock.store(i64::MIN, Ordering::SeqCst);
    }

    /// Adds events to the totals.
    pub(crate) async fn import(&self, events: &[UsageEvent]) -> Result<(), store::Error> {
        import(&self.store, events).await
    }

    /// A connection to the same file, as another program would have it.
    pub(crate) fn other_connection(&self) -> rusqlite::Connection {
        #[expect(clippy::disallowed_methods, reason = "another program")]
        let conn = rusqlite::Connection::open(self.directory.path().join("test.db")).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        conn
    }

    /// A request to `path`, which begins with `/`, without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.origin))
    }

    /// A GET of `path` on behalf of `user`.
    pub(crate) async fn get(&self, user: &str, path: &str) -> Response {
        self.get_with_token(&lasting_token(user), path).await
    }

    /// A GET of `path` with a token.
    pub(crate) async fn get_with_token(&self, token: &str, path: &str) -> Response {
        let request = self.request(Method::GET, path).bearer_auth(token);
        request.send().await.unwrap()
    }

    /// A POST of a JSON body on behalf of `user`.
    pub(crate) async fn post(&self, user: &str, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).json(body);
        let request = request.bearer_auth(lasting_token(user));
        request.send().await.unwrap()
    }

    /// A DELETE on behalf of `user`.
    pub(crate) async fn delete(&self, user: &str, path: &str) -> Response {
        let request = self.request(Method::DELETE, path);
        request
            .bearer_auth(lasting_token(user))
            .send()
            .await
            .unwrap()
    }

    /// The key that a secret opens now; `None` when it opens none.
    pub(crate) async fn key_of(&self, secret: &Value) -> Option<String> {
        let secret = Secret::parse(secret.as_str().unwrap()).unwrap();
        let now = Timestamp::from_millis(self.clock.load(Ordering::SeqCst));
        let found = self.store.key_with_secret(secret.hash(), now).await;
        found.unwrap().map(|key| key.id.0.to_string())
    }

    /// The body of a GET that must succeed.
    pub(crate) async fn json(&self, user: &str, path: &str) -> Value {
        let response = self.get(user, path).await;
        let status = response.status();
        let body = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Stops serving and waits for it.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.store.close();
        self.directory
    }
}

/// Allows [`PAGE`] and no other origin.
fn page_only() -> Cors {
    Cors::Only(vec![PAGE.parse().unwrap()])
}

/// The body of an answer that must have `status`.
pub(crate) async fn body(answer: Response, status: u16) -> Value {
    let found = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The message of a failure that must have `status`.
pub(crate) async fn message(answer: Response, status: u16) -> String {
    let body = body(answer, status).await;
    body["message"].as_str().unwrap().to_owned()
}

/// `millis` after [`NOW`].
pub(crate) fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

/// A token for `user`, good for an hour from [`NOW`].
pub(crate) fn token(user: &str) -> String {
    token_for(user, Duration::from_hours(1))
}

/// A token for `user` that outlives whatever a test does to the clock.
pub(crate) fn lasting_token(user: &str) -> String {
    token_for(user, Duration::from_hours(3650 * 24))
}

fn token_for(user: &str, ttl: Duration) -> String {
    let token = NewToken {
        user: UserId::new(user).unwrap(),
        ttl,
        audience: None,
        issuer: None,
    };
    mint(&HmacSecret::from(SECRET), &token, NOW).unwrap()
}

/// `/api/organizations/ORGANIZATION/api-keys/KEY`
pub(crate) fn key_path(organization: &str, key: &str) -> String {
    format!("/api/organizations/{organization}/api-keys/{key}")
}

/// `/api/organizations/ORGANIZATION/api-keys/stats`
pub(crate) fn stats_path(organization: &str) -> String {
    key_path(organization, "stats")
}

/// `/api/organizations/ORGANIZATION/api-keys`
pub(crate) fn keys_path(organization: &str) -> String {
    format!("/api/organizations/{organization}/api-keys")
}

/// Adds events to the totals of a store, all or nothing.
pub(crate) async fn import(store: &Store, events: &[UsageEvent]) -> Result<(), store::Error> {
    let mut totals = UsageTotals::default();
    for event in events {
        assert!(totals.add(*event), "the totals overflow");
    }
    store.import_usage(totals, None, NOW).await.map(drop)
}
