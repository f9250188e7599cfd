//! `llavero openapi`: the OpenAPI document, for documentation that is built from a file.
//!
//! The service's, which is kept in `fixtures/openapi.json`; or the sandbox's, with tokens and examples filled in.

use tokio::runtime::Builder;

use super::{Error, print};
use crate::{
    api::{self, BasePath},
    sandbox::Sandbox,
};

/// The arguments of `llavero openapi`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the document of the sandbox: with tokens that work there, and its answers as examples
    #[arg(long)]
    sandbox: bool,

    /// The path that the sandbox's API is under; `/` for none
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/api",
        requires = "sandbox"
    )]
    base_path: BasePath,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Error> {
        if !self.sandbox {
            return print(&api::document()?);
        }
        let runtime = Builder::new_current_thread().enable_time().build()?;
        print(&runtime.block_on(async {
            let sandbox = Sandbox::for_one_question().await?;
            Ok::<_, Error>(api::sandbox_document(&sandbox, &self.base_path).await?)
        })?)
    }
}
