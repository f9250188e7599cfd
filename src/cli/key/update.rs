//! `llavero key update`: changes settings of a key. Settings without a flag stay as they are.
//!
//! The word `none` removes a setting, and `never` an expiry, like null in the API's operation.

use crate::{
    api::{KeyOut, parse_metadata},
    cli::{
        Error, System,
        database::DatabaseArgs,
        output::{self, OutputArgs},
        parse_arg,
        time_arg::TimeArg,
    },
    model::{
        Actor, Description, Edit, ExternalId, KeyUpdate, Metadata, Name, OrganizationRef, Quota,
        RateLimit, Scopes, Timestamp,
    },
    store::AccessError,
};

/// The arguments of `llavero key update`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id
    id: String,

    /// The name: 1 to 100 characters, not only white space
    #[arg(long, value_parser = parse_arg::<Name>)]
    name: Option<Name>,

    /// A description of at most 500 characters, or none
    #[arg(long, value_name = "DESCRIPTION|none", value_parser = description)]
    description: Option<Edit<Description>>,

    /// Your own id of the key's holder, 1 to 255 characters, or none
    #[arg(long, value_name = "ID|none", value_parser = external_id)]
    external_id: Option<Edit<ExternalId>>,

    /// Your own data, which replaces all of the metadata: a JSON object of at most 4096 bytes, or none
    #[arg(long, value_name = "JSON|none", value_parser = metadata)]
    metadata: Option<Edit<Metadata>>,

    /// A scope; all given scopes replace those of the key. Can be given up to 50 times. With none, the key has no scopes
    #[arg(long = "scope", value_name = "SCOPE|none", value_parser = super::settings::scope)]
    scopes: Vec<String>,

    /// The rate limit: the maximum number of successful requests in any window of TIME, for instance 100/60s, or none
    #[arg(long, value_name = "REQUESTS/TIME|none", value_parser = rate_limit)]
    rate_limit: Option<Edit<RateLimit>>,

    /// The quota: the maximum number of successful requests in a calendar day or month in UTC, for instance 10000/month,
    /// or none
    #[arg(long, value_name = "REQUESTS/day|month|none", value_parser = quota)]
    quota: Option<Edit<Quota>>,

    /// The expiry: after 12h or 90d, on 2027-01-31 at 00:00 UTC, at 2027-01-31T12:00:00Z, or never
    #[arg(long, value_name = "TIME|DATE|never", value_parser = expires)]
    expires: Option<Edit<TimeArg>>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let update = self.update(now)?;
        if update == KeyUpdate::default() {
            return Err(Error::usage(
                "no setting to change was given. See 'llavero key update --help'.",
            ));
        }
        apply(&self.id, update, &self.database, &self.output, now)
    }

    /// Builds the update from the flags.
    fn update(&self, now: Timestamp) -> Result<KeyUpdate, Error> {
        let expires_at = match self.expires {
            None => Edit::Keep,
            Some(Edit::Set(at)) => Edit::Set(super::settings::expiry(at, now)?),
            Some(_) => Edit::Remove,
        };
        Ok(KeyUpdate {
            name: self.name.clone(),
            description: self.description.clone().unwrap_or_default(),
            external_id: self.external_id.clone().unwrap_or_default(),
            metadata: self.metadata.clone().unwrap_or_default(),
            scopes: self.scopes()?,
            rate_limit: self.rate_limit.clone().unwrap_or_default(),
            quota: self.quota.clone().unwrap_or_default(),
            expires_at,
            enabled: None,
        })
    }

    fn scopes(&self) -> Result<Option<Scopes>, Error> {
        match self.scopes.as_slice() {
            [] => Ok(None),
            [only] if only == REMOVED => Ok(Some(Scopes::default())),
            scopes if scopes.iter().any(|scope| scope == REMOVED) => Err(Error::usage(
                "'--scope none' cannot be used with another '--scope'. See 'llavero key update --help'.",
            )),
            scopes => super::settings::scopes(scopes).map(Some),
        }
    }
}

/// Changes a key and prints it.
pub(super) fn apply(
    id: &str,
    update: KeyUpdate,
    database: &DatabaseArgs,
    output: &OutputArgs,
    now: Timestamp,
) -> Result<(), Error> {
    let key = database.with_store(async |store| {
        let key = super::find(store, id, now).await?;
        let organization = OrganizationRef::Id(key.organization);
        let updated = store.update_key(organization, Actor::Operator, key.id, update, now);
        updated.await.map_err(|error| match error {
            AccessError::KeyRevoked => Error::failed(format!(
                "the API key {id} is revoked, and a revocation cannot be undone: create another key with `llavero key create`"
            )),
            error => error.into(),
        })
    })?;
    output.print(
        || KeyOut::new(key.clone(), now),
        || output::details(super::details_of(&key, now)),
    )
}

/// The word that removes a setting.
const REMOVED: &str = "none";

/// Parses the word that removes a setting, or a value.
fn edit<T, E>(
    text: &str,
    removed: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Edit<T>, E> {
    if text == removed {
        return Ok(Edit::Remove);
    }
    parse(text).map(Edit::Set)
}

fn description(text: &str) -> Result<Edit<Description>, &'static str> {
    edit(text, REMOVED, parse_arg)
}

fn external_id(text: &str) -> Result<Edit<ExternalId>, &'static str> {
    edit(text, REMOVED, parse_arg)
}

fn metadata(text: &str) -> Result<Edit<Metadata>, String> {
    edit(text, REMOVED, parse_metadata)
}

fn rate_limit(text: &str) -> Result<Edit<RateLimit>, &'static str> {
    edit(text, REMOVED, super::settings::rate_limit)
}

fn quota(text: &str) -> Result<Edit<Quota>, &'static str> {
    edit(text, REMOVED, super::settings::quota)
}

fn expires(text: &str) -> Result<Edit<TimeArg>, &'static str> {
    edit(text, "never", TimeArg::parse)
}
