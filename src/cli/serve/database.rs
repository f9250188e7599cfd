//! `llavero serve` with a database file.
//!
//! Called by [`super::run`]. Invariant: flags, key files and addresses are checked before the database is opened, so a
//! failed start does not change it. At the end, closing the store merges the write-ahead log into the file.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    Args, Error, Listeners, System, demo, demo_data, key_set::TokenKeys, log::log_stop, maintenance,
};
use crate::{
    api::{self, Cors},
    app::App,
    cli::token_key::TokenKeySource,
    dashboard,
    fixtures::{Fixtures, UserFixture},
    model::{RandomToken, Timestamp},
    store::{OpenOptions, Store},
    token::{ExpectedClaims, HmacSecret},
};

pub(super) fn run(args: &Args, system: &System) -> Result<(), Error> {
    let source = args.token_key.read()?;
    let runtime = Runtime::new()?;
    let listeners = runtime
        .block_on(async { args.listen() })
        .map_err(|error| with_cause(&error, args))?;
    let options = OpenOptions {
        readers: args.readers(),
        new_signing_secret: system.random.bytes()?,
    };
    let store = Store::open(&args.database.path, &options)?;
    let served = runtime.block_on(serve(args, system, listeners, store.clone(), source));
    // Requests that were not finished in time still hold the store. They end with the runtime.
    runtime.shutdown_timeout(Duration::from_secs(1));
    store.close();
    served.inspect(|()| log_stop())
}

/// Adds the likely cause that an address is in use: the same command was run twice.
fn with_cause(error: &Error, args: &Args) -> Error {
    let path = &args.database.path;
    if Store::is_served(path) {
        Error::usage(format!("{error}; {} is already served", path.display()))
    } else {
        Error::usage(error.to_string())
    }
}

async fn serve(
    args: &Args,
    system: &System,
    listeners: Listeners,
    store: Store,
    source: TokenKeySource,
) -> Result<(), Error> {
    let (clock, random) = (system.clock.clone(), system.random.clone());
    let expected = ExpectedClaims {
        audience: args.jwt_audience.clone(),
        issuer: args.jwt_issuer.clone(),
    };
    let keys = TokenKeys::new(source, expected.clone(), &store, &clock).await?;
    let public_url = match &args.public_url {
        Some(url) => url.to_string(),
        None => listeners.browser_origin()?,
    };
    record_public_url(&store, public_url.clone()).await;
    let banner = if args.demo {
        let (now, code) = (clock.now(), RandomToken::generate(random.bytes()?));
        let users = demo_data::load(&store, &Fixtures::load()?, now).await?;
        let link = demo::sign_in_link(&store, users.as_deref(), &public_url, &code, now).await?;
        let origin = listeners.origin()?;
        let api = format!("{origin}{}", args.base.base_path.as_str());
        let tokens = demo_tokens(users.as_deref(), keys.signer.as_ref(), &expected, &api, now)?;
        format!("{link}{tokens}\nThe interactive reference: {origin}/docs\n")
    } else {
        String::new()
    };
    let maintenance = maintenance::run(store.clone(), clock.clone(), args.maintenance);
    let request_seed = u64::from_ne_bytes(random.bytes()?);
    let (verifier, source) = (Arc::clone(&keys.verifier), keys.source());
    let app = App::with_verifier(store, verifier, source, clock, random);
    let origins = args.cors_origins.clone();
    let cors = if args.demo {
        Cors::LoopbackAnd(origins)
    } else {
        Cors::Only(origins)
    };
    let pages = dashboard::pages(args.public_url.clone(), args.base.base_path.clone());
    let endpoint = api::endpoint(&app, &args.base.base_path, cors, request_seed, Some(pages))?;
    let metrics = api::metrics_endpoint(&app, !request_seed);
    drop(app);
    // Dropping it ends the tasks.
    let mut background = JoinSet::new();
    let start = async {
        background.spawn(maintenance);
        keys.start(&mut background).await;
    };
    listeners
        .serve(args, &banner, endpoint, metrics, start)
        .await
}

/// Returns the tokens to print for the demo users; without `users`, the demo data was not loaded.
fn demo_tokens(
    users: Option<&[UserFixture]>,
    signer: Option<&HmacSecret>,
    expected: &ExpectedClaims,
    api: &str,
    now: Timestamp,
) -> Result<String, Error> {
    match (users, signer) {
        (None, _) => Ok(demo::NOT_LOADED.to_owned()),
        (Some(users), Some(secret)) => demo::tokens(users, secret, expected, api, now),
        (Some(_), None) => Ok(demo::CANNOT_SIGN.to_owned()),
    }
}

/// Records the origin of links, for commands that print them. A server that cannot write serves reads.
async fn record_public_url(store: &Store, url: String) {
    if let Err(error) = store.set_public_url(url).await {
        tracing::warn!(%error, "`llavero login` does not know the address of this server");
    }
}
