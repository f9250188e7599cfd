//! `llavero openapi`: the OpenAPI document, for documentation that is built from a file.
//!
//! The service's, which is kept in `fixtures/openapi.json`; or the sandbox's, with tokens and examples filled in.

use tokio::runtime::Builder;

use super::{Error, Typed, base_path::BasePathArgs, print};
use crate::{api, sandbox::Sandbox};

/// The arguments of `llavero openapi`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the document of the sandbox: with tokens that work there, and its answers as examples
    #[arg(long)]
    sandbox: bool,

    #[command(flatten)]
    base: BasePathArgs,
}

/// Prints the document.
pub(super) fn run(typed: &Typed<Args>) -> Result<(), Error> {
    let args = &typed.args;
    if args.sandbox {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        return print(&runtime.block_on(async {
            let sandbox = Sandbox::oneshot().await?;
            Ok::<_, Error>(api::sandbox_document(&sandbox, &args.base.base_path).await?)
        })?);
    }
    if typed.has("base_path") {
        return Err(Error::refused(
            "the service's document is the same under every base path: leave out --base-path, or add --sandbox",
        ));
    }
    print(&api::document()?)
}
