//! The JWK set of an issuer: fetches it from a URL, and keeps the verifier's copy current.
//!
//! Started by `serve`. The [`App`](crate::app::App) waits here when a token names an unknown key, or when it has no set.
//! [`schedule`] decides when to fetch, [`mod@fetch`] fetches. Invariants: a set is used for at most [`MAX_AGE`] after its
//! fetch, across restarts too; a failed fetch changes nothing; a source that does not respond delays the start of the server
//! by a second at most.

mod fetch;
mod schedule;
mod url;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, timeout},
};

pub use self::url::{KeySetUrl, KeySetUrlError};
use self::{
    fetch::{FetchError, Fetched, fetch},
    schedule::{Schedule, Wait},
};
use crate::{
    metrics::KeySetMetrics,
    model::{Clock, Timestamp},
    store::{FetchedKeySet, Store},
    token::{KeySet, ParsedKeySet, Verifier},
};

/// How long a set is used after its fetch while the source fails.
const MAX_AGE: Duration = Duration::from_hours(24);

/// How long a request with an unknown key waits for a fetch.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How often [`KeySetSource::run`] looks whether a fetch is due.
const TICK: Duration = Duration::from_secs(1);

/// The URL of a JWK set, and the verifier that uses the set. Clones share it.
#[derive(Clone)]
pub struct KeySetSource(Arc<Parts>);

struct Parts {
    url: KeySetUrl,
    verifier: Arc<Verifier>,
    store: Store,
    clock: Clock,
    schedule: Mutex<Schedule>,
    /// Notified when a fetch was requested.
    requested: Notify,
    /// Changes when a fetch ends.
    ended: watch::Sender<()>,
}

impl KeySetSource {
    /// Creates a source whose first fetch is due.
    #[must_use]
    pub fn new(url: KeySetUrl, verifier: Arc<Verifier>, store: Store, clock: Clock) -> Self {
        Self(Arc::new(Parts {
            url,
            verifier,
            store,
            clock,
            schedule: Mutex::default(),
            requested: Notify::new(),
            ended: watch::Sender::new(()),
        }))
    }

    /// Uses the set that the database has of an earlier fetch from the same URL, unless it is too old. Returns whether it does.
    pub async fn use_stored_set(&self) -> bool {
        let Parts {
            url, store, clock, ..
        } = &*self.0;
        let stored = match store.fetched_key_set(url.reveal()).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(%error, "the stored JWK set cannot be read");
                return false;
            }
        };
        let Some(FetchedKeySet {
            body, fetched_at, ..
        }) = stored
        else {
            return false;
        };
        // The clock may have been set back since.
        let now = clock.now();
        let fetched_at = fetched_at.min(now);
        let parsed = KeySet::parse(body.as_bytes()).ok();
        let Some(parsed) = parsed.filter(|_| now.since(fetched_at) < MAX_AGE) else {
            return false;
        };
        tracing::info!(%fetched_at, "the stored JWK set is used until the next one is fetched");
        self.0.use_set(parsed, fetched_at);
        true
    }

    /// Fetches whenever a fetch is due or requested. Never ends.
    pub async fn run(self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.fetch_if_due().await;
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.0.requested.notified() => {}
            }
        }
    }

    /// Fetches if a fetch is due and none runs. Returns when it has ended.
    pub async fn fetch_if_due(&self) {
        let begins = self.0.schedule().begin_if_due(self.0.clock.elapsed());
        if begins {
            Fetch::new(&self.0).run().await;
        }
    }

    /// Requests a fetch, even if the set is fresh.
    pub fn request_fetch(&self) {
        self.0.schedule().request();
        self.0.requested.notify_one();
    }

    /// Called for a token with an unknown key. Starts a fetch, if the last one for this reason was long ago, and waits for
    /// the fetch that runs, for at most [`MAX_WAIT`].
    pub async fn wait_for_unknown_key(&self) {
        self.wait(Schedule::unknown_key).await;
    }

    /// Called at the start, and for a token while there is no set. Starts a fetch if one is due, and waits for the fetch that
    /// runs, for at most [`MAX_WAIT`].
    pub async fn wait_for_set(&self) {
        self.wait(Schedule::without_set).await;
    }

    async fn wait(&self, decide: impl FnOnce(&mut Schedule, Duration) -> Wait) {
        // Subscribes first, so that the end of a fetch that runs now is not missed.
        let mut ended = self.0.ended.subscribe();
        let decision = decide(&mut self.0.schedule(), self.0.clock.elapsed());
        match decision {
            Wait::Nothing => return,
            Wait::RunningFetch => {}
            // A task of its own: the fetch goes on if the client of this request leaves.
            Wait::NewFetch => {
                tokio::spawn(Fetch::new(&self.0).run());
            }
        }
        // After the time, the token is decided by the set at hand.
        let _ = timeout(MAX_WAIT, ended.changed()).await;
    }
}

/// A fetch that has begun. It ends when it is dropped, so that a panic counts as a failure.
struct Fetch {
    parts: Arc<Parts>,
    /// The time for which the set is fresh, if the fetch succeeds.
    lifetime: Option<Duration>,
}

impl Fetch {
    fn new(parts: &Arc<Parts>) -> Self {
        Self {
            parts: Arc::clone(parts),
            lifetime: None,
        }
    }

    async fn run(mut self) {
        match self.parts.fetch().await {
            Ok(lifetime) => self.lifetime = Some(lifetime),
            Err(error) => self.parts.log_failure(&error),
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.parts.end(self.lifetime);
    }
}

impl Parts {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metrics(&self) -> &KeySetMetrics {
        &self.store.metrics().key_set
    }

    /// Fetches the set, uses it and stores it. Returns the time for which it is fresh.
    async fn fetch(&self) -> Result<Duration, FetchError> {
        let Fetched { body, lifetime } = fetch(&self.url).await?;
        let parsed = KeySet::parse(&body)?;
        let now = self.clock.now();
        self.use_set(parsed, now);
        // JSON is UTF-8, so nothing is replaced.
        let body = String::from_utf8_lossy(&body).into_owned();
        self.store_set(body, now).await;
        Ok(lifetime)
    }

    /// Ends a fetch: with the time for which its set is fresh, or without a set.
    fn end(&self, lifetime: Option<Duration>) {
        let now = self.clock.elapsed();
        if let Some(lifetime) = lifetime {
            if self.schedule().succeed(now, lifetime) {
                tracing::info!("the JWK set can be fetched again");
            }
        } else {
            self.schedule().fail(now);
        }
        self.metrics().fetched(lifetime.is_some());
        self.ended.send_replace(());
    }

    fn use_set(&self, parsed: ParsedKeySet, fetched_at: Timestamp) {
        let until = fetched_at.after(MAX_AGE);
        install(&self.verifier, parsed, Some(until), self.metrics());
        self.metrics().set_last_success(fetched_at.as_secs());
    }

    /// Stores the set for a restart. A server that cannot write uses it nevertheless.
    async fn store_set(&self, body: String, fetched_at: Timestamp) {
        let set = FetchedKeySet {
            url: self.url.reveal(),
            body,
            fetched_at,
        };
        if let Err(error) = self.store.set_fetched_key_set(set).await {
            tracing::warn!(%error, "the JWK set was not stored; after a restart it must be fetched again");
        }
    }

    fn log_failure(&self, error: &FetchError) {
        let url = self.url.to_string();
        match self.verifier.key_set_end() {
            Some(end) if self.clock.now() < end => {
                tracing::warn!(%error, url, used_until = %end, "the JWK set cannot be fetched; the last one is used");
            }
            _ => {
                tracing::error!(%error, url, "the JWK set cannot be fetched; bearer tokens get a 503 until it can");
            }
        }
    }
}

/// Gives the verifier a set. Logs the set if it is new.
pub fn install(
    verifier: &Verifier,
    parsed: ParsedKeySet,
    usable_until: Option<Timestamp>,
    metrics: &KeySetMetrics,
) {
    let counts = parsed.set.counts();
    metrics.set_keys(counts);
    let is_empty = parsed.set.is_empty();
    if !verifier.replace_key_set(parsed.set, usable_until) {
        return;
    }
    for rejected in parsed.rejected {
        let (kid, reason) = (rejected.name, rejected.reason);
        tracing::warn!(kid, %reason, "a key of the JWK set is ignored");
    }
    if is_empty {
        tracing::warn!("the JWK set has no usable key");
    }
    let [(_, es256), (_, rs256), (_, eddsa)] = counts;
    tracing::info!(es256, rs256, eddsa, "a new JWK set is in use");
}
