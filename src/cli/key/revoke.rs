//! `llavero key revoke`: revokes a key. A revocation cannot be undone.
//!
//! A second revocation changes nothing and prints the key with the time of the first.

use crate::{
    api::KeyOut,
    cli::{
        Error, System,
        database::DatabaseArgs,
        output::{self, OutputArgs},
    },
    model::{Actor, OrganizationRef},
};

/// The arguments of `llavero key revoke`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id
    id: String,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let key = self.database.with_store(async |store| {
            let key = super::find(store, &self.id, now).await?;
            let organization = OrganizationRef::Id(key.organization);
            let by = Actor::Operator;
            let revoked = store.revoke_key(organization, by, key.id, now);
            Ok(revoked.await?)
        })?;
        self.output.print(
            || KeyOut::new(key.clone(), now),
            || output::details(super::details_of(&key, now)),
        )
    }
}
