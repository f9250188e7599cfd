//! `llavero key disable` and `llavero key enable`: pause a key and resume it.

use super::update;
use crate::{
    cli::{Error, System, database::DatabaseArgs, output::OutputArgs},
    model::KeyUpdate,
};

/// The arguments of both commands.
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
    pub(super) fn run(self, enabled: bool, system: &System) -> Result<(), Error> {
        let update = KeyUpdate {
            enabled: Some(enabled),
            ..KeyUpdate::default()
        };
        let now = system.clock.now();
        update::apply(&self.id, update, &self.database, &self.output, now)
    }
}
