//! `llavero key show`.

use std::io::{self, Read};

use crate::{
    api::KeyOut,
    cli::{
        Error,
        database::DatabaseArgs,
        output::{self, OutputArgs},
    },
    model::{Clock, Secret},
};

/// How much of standard input is read: more than a secret and the white space around it.
const MOST_INPUT: u64 = 1024;

/// The arguments of `llavero key show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id; or - to read its secret from standard input, one that is retiring too
    id: String,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Error> {
        let now = Clock::system().now();
        let key = if self.id == "-" {
            let secret = secret_from_standard_input()?;
            let found = self
                .database
                .with_store(async |store| Ok(store.key_with_secret(secret.hash(), now).await?))?;
            found.ok_or_else(|| Error::negative("no API key has this secret"))?
        } else {
            self.database
                .with_store(async |store| super::find(store, &self.id).await)?
        };
        self.output.print(
            || KeyOut::new(key.clone(), now),
            || output::details(super::about(&key, now)),
        )
    }
}

fn secret_from_standard_input() -> Result<Secret, Error> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MOST_INPUT)
        .read_to_string(&mut text)
        .map_err(|error| Error::refused(format!("cannot read standard input: {error}")))?;
    Secret::parse(text.trim()).ok_or_else(|| {
        Error::negative(
            "standard input is no secret: one is sk_ and 36 letters and digits, which a checksum protects from typing errors",
        )
    })
}
