//! A running llavero for one test: its own database file, its own port, a clock that stands still.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use llavero::{
    api::{self, BasePath, ConnectionLimits, Cors},
    app::App,
    dashboard,
    fixtures::Fixtures,
    key_set::KeySetSource,
    model::{
        Clock, OrganizationId, OrganizationRef, Random, Secret, Seed, Timestamp, UsageEvent,
        UsageTotals, UserId,
    },
    store::{self, OpenOptions, Store},
    token::{ExpectedClaims, HmacSecret, NewToken, TrustedKey, Verifier, mint},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    ACME, ANA, Client, Documented, LocalServer, NOW, Request, body, keys_path,
    local_server::{Http, page_only},
};

/// The HS256 secret of every test's database.
pub(crate) const SECRET: [u8; 32] = *b"a secret of thirty-two bytes, ok";

pub(crate) struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    pub(crate) store: Store,
    pub(crate) directory: TempDir,
    /// The source of the JWK set, if there is one. It fetches only when a test says so, or for an unknown key.
    pub(crate) key_set: Option<KeySetSource>,
    clock: Arc<AtomicI64>,
    client: Client,
    server: LocalServer,
}

/// What an application trusts.
pub(crate) enum Trust {
    /// The database's own secret.
    Secret,
    /// One key.
    Key(TrustedKey, ExpectedClaims),
    /// The JWK set at a URL, and perhaps the database's own secret beside it.
    KeySet { url: String, with_secret: bool },
}

impl TestApp {
    /// With the demo fixtures, loaded at [`NOW`].
    pub(crate) async fn demo() -> Self {
        Self::with_seed(Fixtures::load().unwrap().seed(NOW)).await
    }

    /// With the demo fixtures, for web pages as `cors` says.
    pub(crate) async fn demo_with_cors(cors: Cors) -> Self {
        let seed = Fixtures::load().unwrap().seed(NOW);
        let directory = tempfile::tempdir().unwrap();
        let http = Http::new(cors).await;
        Self::start(Trust::Secret, seed, directory, http).await
    }

    /// With the demo fixtures, for browsers that reach it at `public_url`.
    pub(crate) async fn demo_at(public_url: &str) -> Self {
        let seed = Fixtures::load().unwrap().seed(NOW);
        let directory = tempfile::tempdir().unwrap();
        let mut http = Http::new(page_only()).await;
        http.public_url = Some(public_url.parse().unwrap());
        Self::start(Trust::Secret, seed, directory, http).await
    }

    /// With `seed`, trusting the database's own secret.
    pub(crate) async fn with_seed(seed: Seed) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let http = Http::new(page_only()).await;
        Self::start(Trust::Secret, seed, directory, http).await
    }

    /// On the database in `directory`, which another one has left.
    pub(crate) async fn again(directory: TempDir) -> Self {
        let http = Http::new(page_only()).await;
        Self::start(Trust::Secret, Seed::default(), directory, http).await
    }

    /// With `seed`, trusting another key.
    pub(crate) async fn trusting(
        trusted: TrustedKey,
        expected: ExpectedClaims,
        seed: Seed,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let http = Http::new(page_only()).await;
        Self::start(Trust::Key(trusted, expected), seed, directory, http).await
    }

    /// With the demo fixtures, unless the database in `directory` has them already.
    pub(crate) async fn demo_in(directory: TempDir, trust: Trust) -> Self {
        let seed = Fixtures::load().unwrap().seed(NOW);
        let http = Http::new(page_only()).await;
        Self::start(trust, seed, directory, http).await
    }

    /// With the demo fixtures, on a listener that may have connections already.
    pub(crate) async fn demo_on(listener: TcpListener, limits: ConnectionLimits) -> Self {
        let seed = Fixtures::load().unwrap().seed(NOW);
        let directory = tempfile::tempdir().unwrap();
        let http = Http {
            listener,
            limits,
            cors: page_only(),
            public_url: None,
        };
        Self::start(Trust::Secret, seed, directory, http).await
    }

    async fn start(trust: Trust, seed: Seed, directory: TempDir, http: Http) -> Self {
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

        let app = app_trusting(trust, store.clone(), clock).await;
        let base: BasePath = "/api".parse().unwrap();
        let pages = dashboard::pages(http.public_url, base.clone());
        let endpoint = api::endpoint(&app, &base, http.cors, 0xfeed, Some(pages)).unwrap();
        let server = LocalServer::start_on(http.listener, endpoint, http.limits);
        let documented = Documented::service("/api");
        let client = Client::new(&server.origin, reqwest::Client::new(), documented);
        Self {
            origin: server.origin.clone(),
            server,
            store,
            directory,
            key_set: app.key_set.clone(),
            clock: instant,
            client,
        }
    }

    /// Moves the clock.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.clock.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Makes the clock panic, and with it every handler that reads it.
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
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        self.client.request(method, path)
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

    /// A PATCH with a JSON body on behalf of `user`.
    pub(crate) async fn patch(&self, user: &str, path: &str, body: &Value) -> Response {
        let request = self.request(Method::PATCH, path).json(body);
        let request = request.bearer_auth(lasting_token(user));
        request.send().await.unwrap()
    }

    /// Creates a key of Acme Corp on behalf of Ana, named "x" unless `settings` has a name. Returns it with its secret.
    pub(crate) async fn create_key(&self, settings: Value) -> Value {
        let mut asked = json!({ "name": "x" });
        let fields = settings.as_object().unwrap().clone();
        asked.as_object_mut().unwrap().extend(fields);
        body(self.post(ANA, &keys_path(ACME), &asked).await, 201).await
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

    /// The ids of an organization and of a user, as the store takes them.
    pub(crate) async fn membership(&self, slug: &str, user: &str) -> (OrganizationId, UserId) {
        let organization = OrganizationRef::parse(slug);
        let organization = self.store.organization(organization).await.unwrap();
        (organization.unwrap().id, UserId::new(user).unwrap())
    }

    /// The id of the key that has this secret now.
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

async fn app_trusting(trust: Trust, store: Store, clock: Clock) -> App {
    let random = Random::system();
    let secret = || TrustedKey::from_secret(&HmacSecret::from(SECRET));
    match trust {
        Trust::Secret => App::new(store, secret(), ExpectedClaims::default(), clock, random),
        Trust::Key(trusted, expected) => App::new(store, trusted, expected, clock, random),
        Trust::KeySet { url, with_secret } => {
            let secret = with_secret.then(secret);
            let verifier = Arc::new(Verifier::with_key_set(secret, ExpectedClaims::default()));
            let url = url.parse().unwrap();
            let source =
                KeySetSource::new(url, Arc::clone(&verifier), store.clone(), clock.clone());
            source.use_stored_set().await;
            App::with_verifier(store, verifier, Some(source), clock, random)
        }
    }
}

/// A token for `user`, good for an hour from [`NOW`].
pub(crate) fn token(user: &str) -> String {
    token_for(user, Duration::from_hours(1))
}

/// A token for `user` that is still valid after a test has moved the clock.
pub(crate) fn lasting_token(user: &str) -> String {
    token_for(user, Duration::from_hours(3650 * 24))
}

fn token_for(user: &str, ttl: Duration) -> String {
    let token = NewToken {
        user: UserId::new(user).unwrap(),
        ttl,
        audience: None,
        issuer: None,
        further_claims: serde_json::Map::new(),
    };
    mint(&HmacSecret::from(SECRET), &token, NOW).unwrap()
}

/// Adds events to the totals of a store, all or nothing.
pub(crate) async fn import(store: &Store, events: &[UsageEvent]) -> Result<(), store::Error> {
    let mut totals = UsageTotals::default();
    for event in events {
        assert!(totals.add(*event), "the totals overflow");
    }
    store.import_usage(totals, None, NOW).await.map(drop)
}
