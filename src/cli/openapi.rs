//! `llavero openapi`: prints the OpenAPI document, for documentation that is built from a file.
//!
//! Prints the service's document, which is kept in `fixtures/openapi.json`, or the sandbox's, with tokens and examples.

use tokio::runtime::Builder;

use super::{Error, WithSources, base_path::BasePathArgs, print};
use crate::{
    api::{self, ServerUrl},
    sandbox::Sandbox,
};

/// The arguments of `llavero openapi`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the sandbox's document, which contains its tokens, and its responses as examples
    #[arg(long)]
    sandbox: bool,

    /// Put URL first in `servers`, for instance `https://keys.example.com/api`
    #[arg(long, value_name = "URL")]
    server: Option<ServerUrl>,

    #[command(flatten)]
    base: BasePathArgs,
}

/// Prints the document.
pub(super) fn run(command: &WithSources<Args>) -> Result<(), Error> {
    let args = &command.args;
    if args.sandbox {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        return print(&runtime.block_on(async {
            let sandbox = Sandbox::oneshot().await?;
            Ok::<_, Error>(
                api::sandbox_document(&sandbox, &args.base.base_path, args.server.as_ref()).await?,
            )
        })?);
    }
    if command.is_on_command_line("base_path") {
        return Err(Error::usage(
            "--base-path does not change the service's document: leave out --base-path, or add --sandbox",
        ));
    }
    print(&match &args.server {
        Some(server) => api::document_for(server)?,
        None => api::document()?,
    })
}
