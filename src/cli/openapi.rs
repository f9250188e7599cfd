//! `llavero openapi`: the OpenAPI document, for documentation that is built from a file.
//!
//! The service's, which is kept in `fixtures/openapi.json`; or the sandbox's, with tokens and examples filled in.

use std::num::NonZeroU32;

use tokio::runtime::Builder;

use super::{Error, Host, print};
use crate::{
    api,
    model::Clock,
    sandbox::{Limits, NOON, Sandbox},
};

/// The arguments of `llavero openapi`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the document of the sandbox: with tokens that work there, and its answers as examples
    #[arg(long)]
    sandbox: bool,
}

impl Args {
    pub(super) fn run(self, host: &Host) -> Result<(), Error> {
        if !self.sandbox {
            return print(&api::document()?);
        }
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let clock = Clock::from_fn(|| NOON);
        let limits = Limits::default();
        print(&runtime.block_on(async {
            let time = host.clock.clone();
            let sandbox = Sandbox::start(clock, time, NonZeroU32::MIN, limits).await?;
            Ok::<_, Error>(api::sandbox_document(&sandbox).await?)
        })?)
    }
}
