//! The private copies of the sandbox's sessions, and their eviction.
//!
//! Called by [`super::session`]. Sessions are bounded in number and in total size; the least recently used session is
//! evicted first. Evicting a session during a request does not disturb the request: it finishes on its copy, and the
//! next request of that session starts from the shared database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::sleep,
};

use super::{EVICTION_INTERVAL, Limits, SessionId, patch::Patch};
use crate::model::{Clock, SecretHash};

/// Memory for one secret: its hash in the session, and its hash and session id in the index.
const BYTES_PER_SECRET: usize = 2 * size_of::<SecretHash>() + size_of::<SessionId>();

/// All sessions of a sandbox.
pub(super) struct SessionStore {
    limits: Limits,
    time: Clock,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<SessionId, Session>,
    /// The session that created each secret.
    creators: HashMap<SecretHash, SessionId>,
    last_eviction: Duration,
}

struct Session {
    state: Arc<AsyncMutex<SessionState>>,
    last_used: Duration,
    /// Memory in bytes; 0 until the session changes something.
    bytes: usize,
    /// The secrets created in this session.
    secrets: Vec<SecretHash>,
}

/// The state of a session between two requests.
#[derive(Default)]
pub(super) struct SessionState {
    /// The difference from the shared database.
    pub(super) patch: Patch,
    /// The number of blocks drawn from the session's random sequence.
    pub(super) drawn: u64,
}

impl SessionStore {
    /// Starts empty, and spawns a task that evicts idle sessions until the store is dropped.
    pub(super) fn start(limits: Limits, time: Clock) -> Arc<Self> {
        let store = Arc::new(Self {
            limits,
            time,
            inner: Mutex::default(),
        });
        let weak = Arc::downgrade(&store);
        tokio::spawn(async move {
            while let Some(store) = weak.upgrade() {
                store.evict_idle();
                drop(store);
                sleep(EVICTION_INTERVAL).await;
            }
        });
        store
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the state of a session and marks it as used. Creates the session if it is missing and `create` is set.
    pub(super) fn enter(
        &self,
        session: SessionId,
        create: bool,
    ) -> Option<Arc<AsyncMutex<SessionState>>> {
        let now = self.time.elapsed();
        let mut inner = self.lock();
        inner.evict_idle(now, self.limits.idle_timeout);
        let session = match inner.sessions.get_mut(&session) {
            Some(session) => session,
            None if !create => return None,
            None => inner.sessions.entry(session).or_insert(Session {
                state: Arc::default(),
                last_used: now,
                bytes: 0,
                secrets: Vec::new(),
            }),
        };
        session.last_used = now;
        Some(Arc::clone(&session.state))
    }

    /// Records that a request changed `state` and created `secrets`, then evicts the least recently used sessions
    /// until the rest is within the limits. Ignores a session that was evicted in the meantime.
    pub(super) fn changed(
        &self,
        id: SessionId,
        state: &OwnedMutexGuard<SessionState>,
        secrets: Vec<SecretHash>,
    ) {
        let mut inner = self.lock();
        let changed = OwnedMutexGuard::mutex(state);
        let session = inner.sessions.get_mut(&id);
        let Some(session) = session.filter(|session| Arc::ptr_eq(&session.state, changed)) else {
            return;
        };
        session.secrets.extend(&secrets);
        session.bytes = state.patch.bytes() + session.secrets.len() * BYTES_PER_SECRET;
        let created = secrets.into_iter().map(|secret| (secret, id));
        inner.creators.extend(created);
        inner.evict_to_fit(&self.limits);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Evicts idle sessions.
    pub(super) fn evict_idle(&self) {
        let now = self.time.elapsed();
        self.lock().evict_idle(now, self.limits.idle_timeout);
    }

    /// Removes a session.
    pub(super) fn remove(&self, session: SessionId) {
        self.lock().remove(session);
    }

    /// Returns the session that created a secret, unless it was removed.
    pub(super) fn creator(&self, secret: SecretHash) -> Option<SessionId> {
        self.lock().creators.get(&secret).copied()
    }

    /// Locks the sessions. A poisoned lock is safe to use: no code below can panic half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Evicts sessions idle for longer than `idle_timeout`, and unchanged sessions that are not in use. Scans at most
    /// once per second.
    fn evict_idle(&mut self, now: Duration, idle_timeout: Duration) {
        if now < self.last_eviction + Duration::from_secs(1) {
            return;
        }
        self.last_eviction = now;
        let is_unchanged =
            |session: &Session| session.bytes == 0 && Arc::strong_count(&session.state) == 1;
        let is_idle = |session: &Session| session.last_used + idle_timeout <= now;
        let evicted: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| is_idle(session) || is_unchanged(session))
            .map(|(id, _)| *id)
            .collect();
        for id in evicted {
            self.remove(id);
        }
    }

    /// Evicts the least recently used changed sessions until the rest is within the limits.
    fn evict_to_fit(&mut self, limits: &Limits) {
        loop {
            let changed = || {
                self.sessions
                    .iter()
                    .filter(|(_, session)| session.bytes > 0)
            };
            let bytes: usize = changed().map(|(_, session)| session.bytes).sum();
            if changed().count() <= limits.sessions && bytes <= limits.bytes {
                return;
            }
            let oldest = changed().min_by_key(|(_, session)| session.last_used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                return;
            };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: SessionId) {
        let secrets = self.sessions.remove(&id).map(|session| session.secrets);
        for secret in secrets.into_iter().flatten() {
            self.creators.remove(&secret);
        }
    }
}
