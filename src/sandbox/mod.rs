//! The sandbox: the real service on a world in memory that is the same at every start, for documentation and tests.
//!
//! Made by `llavero serve --sandbox`, used by `api::sandbox`. Nobody changes the world that all see: whoever writes
//! gets a copy of their own ([`visit`]), of which what differs from the world is kept between two requests
//! ([`changes`]) as long as they come back ([`copies`]). Everybody's token is known ([`users`]), and signed with a key
//! that is trusted here alone.

mod changes;
mod copies;
mod users;
mod visit;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use tokio::sync::Semaphore;

use self::copies::Copies;
pub use self::{
    users::SandboxUser,
    visit::{Visit, Visitor},
};
use crate::{
    app::App,
    fixtures::Demo,
    model::{Clock, Random, SecretHash, Timestamp, UserId},
    store::{self, OpenError, OpenOptions, Store},
    token::{Expected, HmacSecret, MintError, TrustedKey},
};

/// When a sandbox's clock stands still unless it is told otherwise: 2026-01-15T12:00:00.000Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_768_478_400_000);

/// What the visitors' copies may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many copies there are at most: the one that was not used for the longest time goes.
    pub copies: usize,
    /// How much all of them take at most, in bytes, likewise.
    pub bytes: usize,
    /// How long a copy is kept for a visitor who does not come back.
    pub idle: Duration,
}

/// How many copies are open at once: as many as keep some processors busy.
const OPEN_COPIES: usize = 4;

/// How often copies are looked through for those that nobody comes back to.
const SWEEP: Duration = Duration::from_mins(1);

/// How much a copy may grow, in bytes: some four thousand keys.
const ROOM: usize = 4 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            copies: 1000,
            bytes: 256 << 20,
            idle: Duration::from_mins(30),
        }
    }
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fixtures are malformed, which the tests rule out.
    #[error("the fixtures are malformed: {0}")]
    Fixtures(#[from] serde_json::Error),
    /// No memory or threads left.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The world could not be stored.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No token could be signed, which no valid secret brings about.
    #[error(transparent)]
    Sign(#[from] MintError),
}

/// A running sandbox. Clones share it.
#[derive(Clone)]
pub struct Sandbox {
    app: App,
    demo: Arc<Demo>,
    users: Arc<[SandboxUser]>,
    expired_token: Arc<str>,
    /// Whom the keys belong to that are there from the start.
    owners: Arc<HashMap<SecretHash, Visitor>>,
    world: Arc<[u8]>,
    copies: Arc<Copies>,
    open_copies: Arc<Semaphore>,
}

impl Sandbox {
    /// A sandbox whose clock is `clock`; `time` tells how long visitors stay away. Blocks for a moment.
    ///
    /// # Errors
    /// When the machine has no memory or threads left.
    pub async fn start(
        clock: Clock,
        time: Clock,
        readers: NonZeroU32,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let store = Store::in_memory(&OpenOptions {
            readers,
            // Trusted by nobody: the sandbox's own is.
            new_signing_secret: *b"this secret of a file signs none",
        })?;
        let demo = Demo::sandbox()?;
        store.seed_if_empty(demo.seed(clock.now())).await?;
        // From here on nothing changes in the world that all see, and nothing random happens in it.
        let store = store.sealed()?;
        let world = store.image()?.into();
        let trusted = TrustedKey::from_secret(&HmacSecret::of_the_sandbox());
        let app = App::new(store, trusted, Expected::default(), clock, Random::system());
        let users = users::users(&demo)?;
        let expired_token = users::expired_token(&users)?.into();
        Ok(Self {
            app,
            owners: users::owners(&demo, &users).into(),
            users: users.into(),
            expired_token,
            demo: demo.into(),
            world,
            copies: Copies::start(limits, time),
            open_copies: Arc::new(Semaphore::new(OPEN_COPIES)),
        })
    }

    /// A sandbox for one question: its clock stands at [`NOON`], and nobody visits.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn for_one_question() -> Result<Self, StartError> {
        let clock = Clock::from_fn(|| NOON);
        Self::start(clock.clone(), clock, NonZeroU32::MIN, Limits::default()).await
    }

    /// The application as it is for who has changed nothing.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// What the world holds.
    #[must_use]
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Who can ask, each with a token.
    #[must_use]
    pub fn users(&self) -> &[SandboxUser] {
        &self.users
    }

    /// The token that speaks for a user, who need not be one of [`Self::users`].
    ///
    /// # Errors
    /// When the library cannot sign.
    pub fn token(&self, user: &UserId) -> Result<String, MintError> {
        users::token(user, Timestamp::LATEST)
    }

    /// A token that has expired, whatever the clock says.
    #[must_use]
    pub fn expired_token(&self) -> &str {
        &self.expired_token
    }

    /// How many visitors have a copy now, or are in the middle of a first visit.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.copies.len()
    }

    /// What the visitors' copies may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.copies.limits()
    }
}

/// The SHA-256 of several parts, in order.
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
