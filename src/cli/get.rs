//! `llavero get`: prints the API's response to a GET request, without a server.
//!
//! Calls the endpoint of `serve` in this process, for scripts, documentation and debugging. `--user` needs no token,
//! because a user who can open the file can read all of it: the command signs a token with a random secret and trusts
//! that secret for one request.

use std::{num::NonZeroU32, process::ExitCode, time::Duration};

use serde_json::Map;
use tokio::runtime::Builder;

use super::{
    Error, System, WithSources, base_path::BasePathArgs, database::DatabaseArgs,
    output::print_body, parse_arg,
};
use crate::{
    api::{self, Cors, OneshotError, OneshotRequest, OneshotResponse},
    app::App,
    fixtures::Fixtures,
    model::UserId,
    sandbox::{self, Sandbox},
    store::{OpenOptions, Store},
    token::{ExpectedClaims, HmacSecret, NewToken, TrustedKey, mint},
};

/// The arguments of `llavero get`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The path and query of the request, for instance `/api/organizations/acme-corp/api-keys/stats?days=7`
    #[arg(value_name = "PATH")]
    target: String,

    /// Send the request as this user. Without --user, the request has no token
    #[arg(long, value_name = "ID", value_parser = parse_arg::<UserId>)]
    user: Option<UserId>,

    #[command(flatten)]
    database: DatabaseArgs,

    /// Use the demo data, loaded in memory now, instead of a database file
    #[arg(long, conflicts_with = "sandbox")]
    demo: bool,

    /// Use the sandbox, whose responses never change, instead of a database file
    #[arg(long)]
    sandbox: bool,

    #[command(flatten)]
    base: BasePathArgs,
}

/// Prints the body of the response. Returns exit code 0 for a status of 2xx, else 1.
pub(super) fn run(command: &WithSources<Args>, system: &System) -> Result<ExitCode, Error> {
    let args = &command.args;
    if command.is_on_command_line("path") && (args.demo || args.sandbox) {
        return Err(Error::usage(
            "--database cannot be used with --demo or --sandbox, whose data is in memory: leave one of them out",
        ));
    }
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let OneshotResponse { status, body } = runtime.block_on(async {
        if args.sandbox {
            args.respond_from_sandbox().await
        } else {
            args.respond_from_database(system).await
        }
    })?;
    let end = if body.ends_with('\n') { "" } else { "\n" };
    print_body(&(body + end))?;
    Ok(if (200..300).contains(&status) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

impl Args {
    async fn respond_from_sandbox(&self) -> Result<OneshotResponse, Error> {
        let sandbox = Sandbox::oneshot().await?;
        let endpoint = api::sandbox_endpoint(&sandbox, &self.base.base_path, 0).await?;
        let token = self
            .user
            .as_ref()
            .map(|user| sandbox::token(user, Map::new()));
        let token = token.transpose()?;
        let request = OneshotRequest::get(&self.target, token.as_deref());
        Ok(api::oneshot(&endpoint, request).await?)
    }

    async fn respond_from_database(&self, system: &System) -> Result<OneshotResponse, Error> {
        let store = if self.demo {
            demo_store(system).await?
        } else {
            Store::open_existing(&self.database.path)?
        };
        let secret = HmacSecret::from(system.random.bytes()?);
        let token = self.user.as_ref().map(|user| token(user, &secret, system));
        let trusted = TrustedKey::from_secret(&secret);
        let (clock, random) = (system.clock.clone(), system.random.clone());
        let app = App::new(
            store.clone(),
            trusted,
            ExpectedClaims::default(),
            clock,
            random,
        );
        let cors = Cors::Only(Vec::new());
        let endpoint = api::endpoint(&app, &self.base.base_path, cors, 0, None)?;
        let token = token.transpose()?;
        let answer = api::oneshot(
            &endpoint,
            OneshotRequest::get(&self.target, token.as_deref()),
        )
        .await;
        drop((app, endpoint));
        store.close();
        Ok(answer?)
    }
}

/// Creates an in-memory store with the demo data as of now.
async fn demo_store(system: &System) -> Result<Store, Error> {
    let store = Store::in_memory(&OpenOptions {
        readers: NonZeroU32::MIN,
        new_signing_secret: system.random.bytes()?,
    })?;
    store
        .seed_if_empty(Fixtures::load()?.seed(system.clock.now()))
        .await?;
    Ok(store)
}

fn token(user: &UserId, secret: &HmacSecret, system: &System) -> Result<String, Error> {
    let token = NewToken {
        user: user.clone(),
        ttl: Duration::from_mins(1),
        audience: None,
        issuer: None,
        further_claims: Map::new(),
    };
    Ok(mint(secret, &token, system.clock.now())?)
}

impl From<OneshotError> for Error {
    fn from(error: OneshotError) -> Self {
        Self::usage(error.to_string())
    }
}
