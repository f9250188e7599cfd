//! Requests in a session's private copy of the database.
//!
//! Called by `api::sandbox` around every operation that may write, and around every operation of a session that has
//! written before. The requests of one session run one after the other. At most [`MAX_OPEN_COPIES`] copies are open at
//! a time; a copy is open for about a millisecond. Ids and secrets created in a copy look random, but depend only on
//! the session and on what it created before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedMutexGuard, OwnedSemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

#[cfg(doc)]
use super::MAX_OPEN_COPIES;
use super::{MAX_GROWTH, Sandbox, patch::Patch, session_store::SessionState, sha256};
use crate::{
    app::App,
    model::{Random, Secret, SecretHash},
    store::{self, Store},
};

/// How long a request waits for the session's earlier requests and for a free copy.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// Identifies a session: a hash of its name or of its bearer token, neither of which is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// The session with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self(sha256(&[b"session ", name.as_bytes()]))
    }

    /// The session of requests that carry this bearer token and no session name.
    #[must_use]
    pub fn from_token(token: &str) -> Self {
        Self(sha256(&[b"token ", token.as_bytes()]))
    }
}

/// One request in a session's copy of the database. Dropping it discards the changes.
pub struct SessionTx {
    /// The application that handles the request.
    pub app: App,
    session: SessionId,
    state: OwnedMutexGuard<SessionState>,
    random: Arc<Mutex<SeededRandom>>,
    _open_copy: OwnedSemaphorePermit,
}

impl Sandbox {
    /// Returns the session for a request that carries only an API key: the session that created the key or, for a
    /// fixture key, the token session of its organization's owner. `None` if the key is unknown.
    ///
    /// A change that the owner makes to a fixture key with the published token is therefore visible to requests that
    /// use the key.
    #[must_use]
    pub fn session_of_key(&self, secret: &Secret) -> Option<SessionId> {
        let hash = secret.hash();
        let creator = self.sessions.creator(hash);
        creator.or_else(|| self.owners.get(&hash).copied())
    }

    /// Opens the session's copy of the database for one request. `None` if the shared read-only database is enough:
    /// the session has changed nothing so far, and `writes` is false.
    ///
    /// # Errors
    /// If the session's earlier requests do not finish in time, or memory runs out.
    pub async fn begin(
        &self,
        session: SessionId,
        writes: bool,
    ) -> Result<Option<SessionTx>, store::Error> {
        let Some(state) = self.sessions.enter(session, writes) else {
            return Ok(None);
        };
        let turn = async {
            let state = state.lock_owned().await;
            let open_copy = Arc::clone(&self.open_copies).acquire_owned().await;
            (state, open_copy)
        };
        let turn = timeout(QUEUE_TIMEOUT, turn).await;
        let Ok((state, Ok(open_copy))) = turn else {
            return Err(store::Error::QueueFull);
        };
        let (base, patch) = (Arc::clone(&self.base_image), state.patch.clone());
        let metrics = self.app.metrics.clone();
        let open =
            move || Store::deserialize(&patch.apply(&base), base.len() + MAX_GROWTH, metrics);
        let store = spawn_blocking(open).await??;
        let random = Arc::new(Mutex::new(SeededRandom {
            session,
            next: state.drawn,
            secrets: Vec::new(),
        }));
        Ok(Some(SessionTx {
            app: self.app.with(store, SeededRandom::random(&random)),
            session,
            state,
            random,
            _open_copy: open_copy,
        }))
    }

    /// Keeps the changes of a request for the session's next one.
    ///
    /// # Errors
    /// If memory runs out.
    pub async fn commit(&self, tx: SessionTx) -> Result<(), store::Error> {
        let SessionTx {
            app,
            session,
            mut state,
            random,
            _open_copy: open_copy,
        } = tx;
        let base = Arc::clone(&self.base_image);
        let compare = move || Ok::<_, store::Error>(Patch::diff(&base, &app.store.serialize()?));
        let patch = spawn_blocking(compare).await??;
        drop(open_copy);
        if patch != state.patch {
            let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
            state.patch = patch;
            state.drawn = random.next;
            let secrets = std::mem::take(&mut random.secrets);
            self.sessions.changed(session, &state, secrets);
        }
        Ok(())
    }

    /// Discards everything that a session has changed.
    pub fn reset(&self, session: SessionId) {
        self.sessions.remove(session);
    }
}

/// A random sequence that depends only on the session.
struct SeededRandom {
    session: SessionId,
    next: u64,
    /// Hashes of the secrets that may have been created.
    secrets: Vec<SecretHash>,
}

impl SeededRandom {
    fn random(shared: &Arc<Mutex<Self>>) -> Random {
        let shared = Arc::clone(shared);
        Random::from_fn(move |bytes| {
            let mut random = shared.lock().unwrap_or_else(PoisonError::into_inner);
            random.fill(bytes);
            Ok(())
        })
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let block = sha256(&[&self.session.0, &self.next.to_be_bytes()]);
            self.next += 1;
            part.copy_from_slice(&block[..part.len()]);
            // A secret is made from 32 bytes. A draw of 32 bytes for another purpose adds a hash that no request
            // looks up.
            if part.len() == 32 {
                self.secrets.push(Secret::generate(block).hash());
            }
        }
    }
}
