//! `llavero key list`: lists all keys of an organization, newest first.
//!
//! Reads the list in pages, because a long read would keep a running server from checkpointing its write-ahead log.

use crate::{
    api::KeyOut,
    cli::{
        Error, System,
        database::DatabaseArgs,
        organization::OrganizationArgs,
        output::{
            self,
            Column::{Fixed, Wrapped},
            OutputArgs,
        },
    },
    model::{Actor, ApiKey, OrganizationRef, Timestamp},
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
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let keys = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            all_keys(store, OrganizationRef::Id(organization.id), now).await
        })?;
        self.output.print(
            || {
                let keys = keys.iter().cloned();
                keys.map(|key| KeyOut::new(key, now)).collect::<Vec<_>>()
            },
            || {
                let row = |key: &ApiKey| {
                    [
                        output::text(key.id.0.to_string()),
                        output::text(key.name.as_str()),
                        output::text(&key.preview),
                        output::status(key.status(now)),
                    ]
                };
                let rows = keys.iter().map(row).collect();
                output::table(
                    [
                        Fixed("ID"),
                        Wrapped("NAME"),
                        Fixed("PREVIEW"),
                        Fixed("STATUS"),
                    ],
                    rows,
                )
            },
        )
    }
}

async fn all_keys(
    store: &Store,
    organization: OrganizationRef,
    now: Timestamp,
) -> Result<Vec<ApiKey>, Error> {
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = store.keys(organization.clone(), Actor::Operator, after, PAGE_SIZE, now);
        let page = page.await?;
        keys.extend(page.keys);
        if page.next.is_none() {
            return Ok(keys);
        }
        after = page.next;
    }
}
