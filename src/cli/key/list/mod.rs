//! `llavero key list`: lists the keys of an organization, those that meet the given conditions, newest first by default.
//!
//! Reads the list in pages, because a long read would keep a running server from checkpointing its write-ahead log.

mod query;
mod table;

use self::query::QueryArgs;
use crate::{
    api::KeyOut,
    cli::{
        Error, System, database::DatabaseArgs, organization::OrganizationArgs, output::OutputArgs,
    },
    model::{Actor, ApiKey, KeyPageRequest, OrganizationRef, Timestamp},
    store::Store,
};

/// The number of keys per page.
const PAGE_SIZE: u32 = 1000;

/// The arguments of `llavero key list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

    #[command(flatten)]
    query: QueryArgs,

    /// With --json, adds the usage of the last N UTC days to each key, 1 to 90, today included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=90))]
    days: Option<u32>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(in crate::cli::key) fn run(self, system: &System) -> Result<(), Error> {
        if self.days.is_some() && !self.output.is_json() {
            return Err(Error::usage(
                "--days needs --json: the table of keys has no days. See 'llavero key list --help'.",
            ));
        }
        let now = system.clock.now();
        let first = KeyPageRequest {
            query: self.query.into_query(),
            after: None,
            limit: PAGE_SIZE,
            days: self.days,
        };
        let keys = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            all_keys(store, OrganizationRef::Id(organization.id), first, now).await
        })?;
        self.output.print(
            || {
                let keys = keys.iter().cloned();
                keys.map(|key| KeyOut::new(key, now)).collect::<Vec<_>>()
            },
            || table::format(&keys, now),
        )
    }
}

async fn all_keys(
    store: &Store,
    organization: OrganizationRef,
    mut request: KeyPageRequest,
    now: Timestamp,
) -> Result<Vec<ApiKey>, Error> {
    let mut keys = Vec::new();
    loop {
        let page = store.keys(organization.clone(), Actor::Operator, request.clone(), now);
        let page = page.await?;
        keys.extend(page.keys);
        if page.next.is_none() {
            return Ok(keys);
        }
        request.after = page.next;
    }
}
