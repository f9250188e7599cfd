//! `llavero key show`: one key, named by its id, or by a secret that comes in on standard input.
//!
//! The latter is how to learn which key a leaked secret opens, without showing it to anybody else.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::{
    api::KeyOut,
    cli::{
        Error, System,
        database::DatabaseArgs,
        output::{self, OutputArgs},
    },
    model::{ApiKey, Secret, Timestamp},
    store::Store,
};

/// How much of standard input is read: more than a secret and the white space around it.
const MAX_INPUT: u64 = 1024;

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
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let find = async |store: &Store| self.find(store, now).await;
        let key = self.database.with_store(find)?;
        self.output.print(
            || KeyOut::new(key.clone(), now),
            || {
                let mut about = super::details_of(&key, now);
                about.extend(key.previous_secret_expires_at(now).map(|until| {
                    let text = format!("works until {until}");
                    ("Old secret", output::text(text))
                }));
                output::details(about)
            },
        )
    }

    async fn find(&self, store: &Store, now: Timestamp) -> Result<ApiKey, Error> {
        if self.id != "-" {
            return super::find(store, &self.id).await;
        }
        let secret = secret_from_standard_input()?;
        let found = store.key_with_secret(secret.hash(), now).await?;
        found.ok_or_else(|| Error::failed("no API key has this secret"))
    }
}

fn secret_from_standard_input() -> Result<Secret, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::note("Paste the secret, and press Enter:");
    }
    let mut line = Vec::new();
    stdin
        .lock()
        .take(MAX_INPUT)
        .read_until(b'\n', &mut line)
        .map_err(|error| Error::usage(format!("cannot read standard input: {error}")))?;
    let text = String::from_utf8_lossy(&line);
    Secret::parse(text.trim()).ok_or_else(|| {
        Error::failed(
            "standard input is no secret: one is sk_ and 36 letters and digits, which a checksum protects from typing errors",
        )
    })
}
