//! A visit: one request of one visitor, in their own copy of the world.
//!
//! Called by `api::sandbox` around every operation that may write, and around all others of who has written before. A
//! visitor's visits come one after the other, and a few visitors' at a time: a copy is open for a millisecond. What a
//! visit makes, ids and secrets, looks random and depends on nothing but who the visitor is and what they made before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedMutexGuard, OwnedSemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

use super::{ROOM, Sandbox, changes::Changes, copies::Kept, sha256};
use crate::{
    app::App,
    model::{Random, Secret, SecretHash},
    store::{self, Store},
};

/// How long a visit waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose copy it is. What a visitor is known by is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Visitor([u8; 32]);

impl Visitor {
    /// Whoever names this session.
    #[must_use]
    pub fn of_session(name: &str) -> Self {
        Self(sha256(&[b"session ", name.as_bytes()]))
    }

    /// Whoever has this token.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        Self(sha256(&[b"token ", token.as_bytes()]))
    }
}

/// A request in a copy of the world.
pub struct Visit {
    /// The application that answers it.
    pub app: App,
    visitor: Visitor,
    kept: OwnedMutexGuard<Kept>,
    draws: Arc<Mutex<Draws>>,
    _open: OwnedSemaphorePermit,
}

impl Sandbox {
    /// Whoever uses a key and says nothing else of themselves: the visitor who made it; of a key that is there from the
    /// start, whoever asks with the published token of its owner. So what was done to a key with a token is true of the
    /// key alone. `None` if there is no such key.
    #[must_use]
    pub fn visitor_with_key(&self, secret: &Secret) -> Option<Visitor> {
        let hash = secret.hash();
        let maker = self.copies.maker(hash);
        maker.or_else(|| self.owners.get(&hash).copied())
    }

    /// Begins a visit; `None` where the world that all see will do, since the visitor has changed nothing so far, and
    /// does not mean to now.
    ///
    /// # Errors
    /// When too many visits wait, or the machine has no memory left.
    pub async fn visit(
        &self,
        visitor: Visitor,
        means_to_write: bool,
    ) -> Result<Option<Visit>, store::Error> {
        let Some(kept) = self.copies.enter(visitor, means_to_write) else {
            return Ok(None);
        };
        let turn = async {
            let kept = kept.lock_owned().await;
            let open = Arc::clone(&self.open_copies).acquire_owned().await;
            (kept, open)
        };
        let turn = timeout(PATIENCE, turn).await;
        let Ok((kept, Ok(open))) = turn else {
            return Err(store::Error::QueueFull);
        };
        let (world, changes) = (Arc::clone(&self.world), kept.changes.clone());
        let metrics = self.app.metrics.clone();
        let copy = move || Store::from_image(&changes.apply(&world), world.len() + ROOM, metrics);
        let store = spawn_blocking(copy).await??;
        let draws = Arc::new(Mutex::new(Draws {
            visitor,
            next: kept.drawn,
            secrets: Vec::new(),
        }));
        Ok(Some(Visit {
            app: self.app.with(store, Draws::random(&draws)),
            visitor,
            kept,
            draws,
            _open: open,
        }))
    }

    /// Ends a visit: what it changed is there at the next one. One that is not ended has changed nothing.
    ///
    /// # Errors
    /// When the machine has no memory left.
    pub async fn leave(&self, visit: Visit) -> Result<(), store::Error> {
        let Visit {
            app,
            visitor,
            mut kept,
            draws,
            _open: open,
        } = visit;
        let world = Arc::clone(&self.world);
        let compare = move || Ok::<_, store::Error>(Changes::between(&world, &app.store.image()?));
        let changes = spawn_blocking(compare).await??;
        drop(open);
        if changes != kept.changes {
            let mut draws = draws.lock().unwrap_or_else(PoisonError::into_inner);
            kept.changes = changes;
            kept.drawn = draws.next;
            let secrets = std::mem::take(&mut draws.secrets);
            self.copies.changed(visitor, &kept, secrets);
        }
        Ok(())
    }

    /// Drops a visitor's copy, if there is one.
    pub fn reset(&self, visitor: Visitor) {
        self.copies.remove(visitor);
    }
}

/// What looks random in a copy.
struct Draws {
    visitor: Visitor,
    next: u64,
    /// The secrets that may have been made.
    secrets: Vec<SecretHash>,
}

impl Draws {
    fn random(draws: &Arc<Mutex<Self>>) -> Random {
        let draws = Arc::clone(draws);
        Random::from_fn(move |bytes| {
            let mut draws = draws.lock().unwrap_or_else(PoisonError::into_inner);
            draws.fill(bytes);
            Ok(())
        })
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let drawn = sha256(&[&self.visitor.0, &self.next.to_be_bytes()]);
            self.next += 1;
            part.copy_from_slice(&drawn[..part.len()]);
            // So much is drawn for a secret. Should it be for something else, nobody will ask for it as a secret.
            if part.len() == 32 {
                self.secrets.push(Secret::generate(drawn).hash());
            }
        }
    }
}
