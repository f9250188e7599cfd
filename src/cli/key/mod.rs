//! `llavero key`: manages the API keys of all organizations. Each command has one file.
//!
//! With `--json`, a key is printed as the API sends it. A secret is printed once, by the command that creates it. It is
//! never an argument, because other users of the machine can see the arguments of a process.

mod create;
mod enable;
mod list;
mod revoke;
mod rotate;
mod settings;
mod show;
mod update;

use std::io;

use super::{
    Error, System,
    output::{self, Cell},
};
use crate::{
    model::{ApiKey, KeyId, Secret, Timestamp},
    store::Store,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Create a key and print its secret. The secret is not shown again.
    Create(create::Args),
    /// List the keys of an organization, or those that meet conditions.
    List(list::Args),
    /// Show a key, found by its id or its secret.
    Show(show::Args),
    /// Change settings of a key. Settings without a flag stay as they are; the word `none` removes a setting.
    Update(update::Args),
    /// Disable a key until it is enabled again.
    Disable(enable::Args),
    /// Enable a disabled key.
    Enable(enable::Args),
    /// Give a key a new secret and print it. The previous secret works during a grace period.
    Rotate(rotate::Args),
    /// Revoke a key. A revocation cannot be undone.
    Revoke(revoke::Args),
}

impl Command {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        match self {
            Self::Create(args) => args.run(system),
            Self::List(args) => args.run(system),
            Self::Show(args) => args.run(system),
            Self::Update(args) => args.run(system),
            Self::Disable(args) => args.run(false, system),
            Self::Enable(args) => args.run(true, system),
            Self::Rotate(args) => args.run(system),
            Self::Revoke(args) => args.run(system),
        }
    }
}

/// Finds the key with the id in an argument.
async fn find(store: &Store, id: &str, now: Timestamp) -> Result<ApiKey, Error> {
    if id.trim_start().starts_with("sk_") {
        return Err(Error::usage(
            "a secret must not be an argument: pipe it into `llavero key show -`, which prints the id",
        ));
    }
    let found = match KeyId::parse(id) {
        Some(id) => store.key_by_id(id, now).await?,
        None => None,
    };
    found.ok_or_else(|| {
        Error::failed(format!(
            "no API key has the id {id}: `llavero key list --org ORG` lists the ids"
        ))
    })
}

/// Returns the names and values of a key's details.
fn details_of(key: &ApiKey, now: Timestamp) -> Vec<(&'static str, Cell)> {
    let or_never = |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| at.to_string());
    let scopes = match key.scopes.iter().collect::<Vec<_>>() {
        scopes if scopes.is_empty() => "none".to_owned(),
        scopes => scopes.join(" "),
    };
    let rate_limit = key.rate_limit.map_or("unlimited".to_owned(), |rate| {
        format!("{} in {} s", rate.limit(), rate.window_seconds())
    });
    let quota = key.quota.map_or("unlimited".to_owned(), |state| {
        let (limit, period) = (state.quota.limit(), state.quota.period().as_str());
        format!("{limit} per {period}, {} used", state.used)
    });
    let external_id = key.external_id.as_ref().map_or("", |id| id.as_str());
    let metadata = key.metadata.to_json();
    let usage = format!(
        "{} ({} successful, {} rate-limited, {} errors)",
        key.usage.total_requests(),
        key.usage.successful_requests,
        key.usage.rate_limit_hits,
        key.usage.errors
    );
    let creator = key.created_by.as_ref().map(|user| format!(" by {user}"));
    let created = format!("{}{}", key.created_at, creator.unwrap_or_default());
    let description = key.description.as_ref().map_or("", |text| text.as_str());
    vec![
        ("ID", output::text(key.id.0.to_string())),
        ("Organization", output::text(key.organization.0.to_string())),
        ("Name", output::text(key.name.as_str())),
        ("Description", output::text(description)),
        ("External ID", output::text(external_id)),
        ("Metadata", output::text(metadata)),
        ("Preview", output::text(&key.preview)),
        ("Status", output::status(key.status(now))),
        ("Scopes", output::text(scopes)),
        ("Rate limit", output::text(rate_limit)),
        ("Quota", output::text(quota)),
        ("Requests", output::text(usage)),
        ("Created", output::text(created)),
        ("Last used", output::text(or_never(key.last_used_at))),
        ("Expires", output::text(or_never(key.expires_at))),
        ("Revoked", output::text(or_never(key.revoked_at))),
    ]
}

/// Formats a key's details and its new secret. The secret is below the table, which could wrap it.
fn with_secret(key: &ApiKey, secret: &Secret, now: Timestamp) -> String {
    let key = output::details(details_of(key, now));
    let secret = secret.reveal();
    format!(
        "{key}Secret        {secret}\n\n\
         The secret is not stored and not shown again. Save it now.\n"
    )
}

/// Creates the error for a new secret that could not be printed. `flags` are the flags of the `key rotate` command that
/// replaces the secret.
fn lost_secret(key: &ApiKey, done: &str, flags: &str, error: &io::Error) -> Error {
    let id = key.id.0;
    Error::failed(format!(
        "the API key {id} is {done}, but its secret could not be printed: {error}; create another secret with `llavero key rotate {id}{flags}`"
    ))
}
