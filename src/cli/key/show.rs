//! `llavero key show`: shows a key, found by its id, or by its secret from standard input.
//!
//! The secret finds the key after a leak. It is not an argument, because other users of the machine can see arguments.

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

/// The maximum number of bytes that are read from standard input: a secret with white space around it.
const MAX_INPUT: u64 = 1024;

/// The arguments of `llavero key show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id, or - to read a secret from standard input. A previous secret finds the key during its grace period
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
                let mut details = super::details_of(&key, now);
                details.extend(key.previous_secret_expires_at(now).map(|until| {
                    let text = format!("works until {until}");
                    ("Old secret", output::text(text))
                }));
                output::details(details)
            },
        )
    }

    async fn find(&self, store: &Store, now: Timestamp) -> Result<ApiKey, Error> {
        if self.id != "-" {
            return super::find(store, &self.id, now).await;
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
            "standard input is not a secret: a secret is sk_ and 36 letters and digits, of which the last 6 are a checksum",
        )
    })
}
