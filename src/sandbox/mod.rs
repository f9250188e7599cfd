//! The sandbox: the service on an in-memory database with the same contents at every start.
//!
//! Created by `llavero serve --sandbox`, used by `api::sandbox`. Every session starts from one shared read-only
//! database. The first write gives a session a private copy ([`session`]); between two requests only the difference
//! from the shared database is kept ([`patch`]), until the session is evicted ([`session_store`]). Each user has a
//! published token ([`users`]), signed with a secret that only a sandbox trusts.

mod patch;
mod session;
mod session_store;
mod users;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use tokio::sync::Semaphore;

use self::session_store::SessionStore;
pub use self::{
    session::{SessionId, SessionTx},
    users::{SandboxUser, token},
};
use crate::{
    app::App,
    fixtures::Fixtures,
    model::{Clock, Random, SecretHash, Timestamp},
    store::{self, OpenError, OpenOptions, Store},
    token::{ExpectedClaims, HmacSecret, MintError, TrustedKey},
};

/// The instant at which a sandbox's clock stands unless `--clock` sets another one: 2026-01-15T12:00:00.000Z.
pub const DEFAULT_CLOCK: Timestamp = Timestamp::from_millis(1_768_478_400_000);

/// Limits on the sessions' private copies.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The maximum number of sessions with changes.
    pub sessions: usize,
    /// The maximum size of all sessions together, in bytes.
    pub bytes: usize,
    /// How long a session is kept without a request.
    pub idle_timeout: Duration,
}

/// The maximum number of copies that are open at once, enough to keep a few processors busy.
const MAX_OPEN_COPIES: usize = 4;

/// The interval between two evictions of idle sessions.
const EVICTION_INTERVAL: Duration = Duration::from_mins(1);

/// How much a copy may grow, in bytes. About four thousand keys fit.
pub const MAX_GROWTH: usize = 4 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 1000,
            bytes: 256 << 20,
            idle_timeout: Duration::from_mins(30),
        }
    }
}

/// Reasons why a sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fixtures are malformed. The tests rule this out.
    #[error("the fixtures are malformed: {0}")]
    Fixtures(#[from] serde_json::Error),
    /// Memory or threads ran out.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The fixtures could not be stored.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A token could not be signed. A valid secret rules this out.
    #[error(transparent)]
    Sign(#[from] MintError),
}

/// A running sandbox. Clones share it.
#[derive(Clone)]
pub struct Sandbox {
    app: App,
    demo: Arc<Fixtures>,
    users: Arc<[SandboxUser]>,
    expired_token: Arc<str>,
    /// The session that each fixture key belongs to.
    owners: Arc<HashMap<SecretHash, SessionId>>,
    base_image: Arc<[u8]>,
    sessions: Arc<SessionStore>,
    open_copies: Arc<Semaphore>,
}

impl Sandbox {
    /// Starts a sandbox whose API reads the time from `clock`; `time` measures how long sessions are idle. Blocks for
    /// a moment.
    ///
    /// # Errors
    /// If memory or threads run out.
    pub async fn start(
        clock: Clock,
        time: Clock,
        readers: NonZeroU32,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let store = Store::in_memory(&OpenOptions {
            readers,
            // Not trusted by any verifier: the sandbox has a secret of its own.
            new_signing_secret: *b"this secret of a file signs none",
        })?;
        let demo = Fixtures::sandbox()?;
        store.seed_if_empty(demo.seed(clock.now())).await?;
        // From here on the shared database is read-only and no longer consumes randomness.
        let store = store.into_read_only()?;
        let base_image = store.serialize()?.into();
        let trusted = TrustedKey::from_secret(&HmacSecret::sandbox());
        let app = App::new(
            store,
            trusted,
            ExpectedClaims::default(),
            clock,
            Random::system(),
        );
        let users = users::users(&demo)?;
        let expired_token = users::expired_token(&users)?.into();
        Ok(Self {
            app,
            owners: users::owners(&demo, &users).into(),
            users: users.into(),
            expired_token,
            demo: demo.into(),
            base_image,
            sessions: SessionStore::start(limits, time),
            open_copies: Arc::new(Semaphore::new(MAX_OPEN_COPIES)),
        })
    }

    /// Starts a sandbox for a single request, with its clock at [`DEFAULT_CLOCK`].
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn oneshot() -> Result<Self, StartError> {
        let clock = Clock::from_fn(|| DEFAULT_CLOCK);
        Self::start(clock.clone(), clock, NonZeroU32::MIN, Limits::default()).await
    }

    /// Returns the application on the shared read-only database.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns the fixtures.
    #[must_use]
    pub fn demo(&self) -> &Fixtures {
        &self.demo
    }

    /// Returns the users, each with a token.
    #[must_use]
    pub fn users(&self) -> &[SandboxUser] {
        &self.users
    }

    /// Returns a token that has expired at any clock setting.
    #[must_use]
    pub fn expired_token(&self) -> &str {
        &self.expired_token
    }

    /// Returns the number of sessions, including those in their first request.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Returns the limits on sessions.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.sessions.limits()
    }
}

/// Computes the SHA-256 of the concatenated parts.
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
