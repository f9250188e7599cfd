//! A visit: one request of one visitor, in their own copy of the world.
//!
//! Called by `api::sandbox` around every operation that may write, and around all others of who has written before. A
//! visitor's visits come one after the other. What a visit makes, ids and secrets, looks random and depends on nothing
//! but who the visitor is and what they made before.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::OwnedMutexGuard, task::spawn_blocking};

use super::{ROOM, Sandbox, changes::Changes, copies::Kept, sha256};
use crate::{
    app::App,
    model::{Random, Secret, SecretHash},
    store::{self, Store},
};

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

    /// Whoever has this key, and nothing else.
    fn of_key(secret: &Secret) -> Self {
        Self(sha256(&[b"key ", secret.reveal().as_bytes()]))
    }
}

/// A request in a copy of the world.
pub struct Visit {
    /// The application that answers it.
    pub app: App,
    visitor: Visitor,
    kept: OwnedMutexGuard<Kept>,
    draws: Arc<Mutex<Draws>>,
}

impl Sandbox {
    /// Whoever uses a key and says nothing else of themselves: the visitor who made it, if it was made here.
    #[must_use]
    pub fn visitor_with_key(&self, secret: &Secret) -> Visitor {
        let maker = self.copies.maker(secret.hash());
        maker.unwrap_or_else(|| Visitor::of_key(secret))
    }

    /// Begins a visit; `None` where the world that all see will do, since the visitor has changed nothing so far, and
    /// does not mean to now.
    ///
    /// # Errors
    /// When the machine has no memory left.
    pub async fn visit(
        &self,
        visitor: Visitor,
        means_to_write: bool,
    ) -> Result<Option<Visit>, store::Error> {
        let Some(kept) = self.copies.enter(visitor, means_to_write) else {
            return Ok(None);
        };
        let kept = kept.lock_owned().await;
        let (world, changes) = (Arc::clone(&self.world), kept.changes.clone());
        let metrics = self.app.metrics.clone();
        let open = move || Store::from_image(&changes.apply(&world), world.len() + ROOM, metrics);
        let store = spawn_blocking(open).await??;
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
        } = visit;
        let world = Arc::clone(&self.world);
        let image = app.store.image().await?;
        let changes = spawn_blocking(move || Changes::between(&world, &image)).await?;
        if changes != kept.changes {
            kept.changes = changes;
            let draws = draws.lock().unwrap_or_else(PoisonError::into_inner);
            kept.drawn = draws.next;
            kept.secrets.extend(&draws.secrets);
            self.copies.changed(visitor, &kept);
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
            // Nothing but a secret takes as much.
            if part.len() == 32 {
                self.secrets.push(Secret::generate(drawn).hash());
            }
        }
    }
}
