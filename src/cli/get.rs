//! `llavero get`: what the API answers, without a server.
//!
//! The same endpoint as `serve` has, asked in this process: for scripts, for snippets in documentation, and to look into
//! a file. Whoever may open the file may speak for anybody, so no token is asked for: one is made, and trusted once.

use std::{num::NonZeroU32, process::ExitCode, time::Duration};

use tokio::runtime::Builder;

use super::{Error, Host, checked, database::DatabaseArgs, print};
use crate::{
    api::{self, Answer, AskError, BasePath, Cors},
    app::App,
    demo::Demo,
    model::{Clock, UserId},
    sandbox::{Limits, NOON, Sandbox},
    store::{OpenOptions, Store},
    token::{Expected, HmacSecret, NewToken, TrustedKey, mint},
};

/// The arguments of `llavero get`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to ask for, as in a URL: `/api/organizations/acme-corp/api-keys/stats?days=7`
    #[arg(value_name = "PATH")]
    target: String,

    /// Whom to ask for; without, the question comes without a token
    #[arg(long, value_name = "ID", value_parser = checked::<UserId>)]
    user: Option<UserId>,

    #[command(flatten)]
    world: WorldArgs,

    /// The path that the API is under; `/` for none
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/api",
        env = "LLAVERO_BASE_PATH"
    )]
    base_path: BasePath,
}

/// What to look into: a file, unless a flag says otherwise.
#[derive(Debug, clap::Args)]
struct WorldArgs {
    #[command(flatten)]
    database: DatabaseArgs,

    /// Look into the demo organizations instead, made in memory just now
    #[arg(long, conflicts_with_all = ["path", "sandbox"])]
    demo: bool,

    /// Look into the sandbox instead, which answers the same always
    #[arg(long, conflicts_with = "path")]
    sandbox: bool,
}

impl Args {
    /// Prints the answer. The exit code is 0 for a success, 1 for anything else.
    pub(super) fn run(self, host: &Host) -> Result<ExitCode, Error> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let Answer { status, body } = runtime.block_on(self.ask(host))?;
        let end = if body.ends_with('\n') { "" } else { "\n" };
        print(&(body + end))?;
        Ok(if (200..300).contains(&status) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }

    async fn ask(&self, host: &Host) -> Result<Answer, Error> {
        let (store, clock) = self.world.open(host).await?;
        let secret = HmacSecret::from(host.random.bytes()?);
        let token = self.user.as_ref().map(|user| token(user, &secret, &clock));
        let trusted = TrustedKey::from_secret(&secret);
        let random = host.random.clone();
        let app = App::new(store.clone(), trusted, Expected::default(), clock, random);
        let endpoint = api::endpoint(&app, &self.base_path, Cors::Only(Vec::new()), 0)?;
        let answer = api::ask(&endpoint, &self.target, token.transpose()?.as_deref()).await;
        drop((app, endpoint));
        store.close();
        Ok(answer?)
    }
}

impl WorldArgs {
    async fn open(&self, host: &Host) -> Result<(Store, Clock), Error> {
        if self.sandbox {
            let clock = Clock::from_fn(|| NOON);
            let time = host.clock.clone();
            let sandbox = Sandbox::start(clock.clone(), time, NonZeroU32::MIN, Limits::default());
            return Ok((sandbox.await?.app().store.clone(), clock));
        }
        let clock = host.clock.clone();
        if !self.demo {
            return Ok((Store::open_existing(&self.database.path)?, clock));
        }
        let store = Store::in_memory(&OpenOptions {
            readers: NonZeroU32::MIN,
            new_signing_secret: host.random.bytes()?,
        })?;
        store.seed_if_empty(Demo::load()?.seed(clock.now())).await?;
        Ok((store, clock))
    }
}

fn token(user: &UserId, secret: &HmacSecret, clock: &Clock) -> Result<String, Error> {
    let token = NewToken {
        user: user.clone(),
        ttl: Duration::from_mins(1),
        audience: None,
        issuer: None,
    };
    mint(secret, &token, clock.now())
        .map_err(|error| Error::refused(format!("cannot sign: {error}")))
}

impl From<AskError> for Error {
    fn from(error: AskError) -> Self {
        Self::refused(error.to_string())
    }
}
