//! `llavero key revoke`.

use crate::{
    api::KeyOut,
    cli::{
        Error,
        database::DatabaseArgs,
        output::{self, OutputArgs},
    },
    model::{Access, Actor, Clock, OrganizationRef},
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
    pub(super) fn run(self) -> Result<(), Error> {
        let now = Clock::system().now();
        let revoked = self.database.with_store(async |store| {
            let key = super::find(store, &self.id).await?;
            let organization = OrganizationRef::Id(key.organization);
            let by = Actor::Operator;
            Ok(store
                .revoke_key(organization, by, Some(key.id), now)
                .await?)
        })?;
        let Access::Granted(Some(key)) = revoked else {
            return Err(Error::negative(format!("the API key {} is gone", self.id)));
        };
        self.output.print(
            || KeyOut::new(key.clone(), now),
            || output::details(super::about(&key, now)),
        )
    }
}
