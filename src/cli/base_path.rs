//! The flag `--base-path` of `serve`, `get` and `openapi`.

use crate::api::BasePath;

/// The base path of the API.
#[derive(Debug, clap::Args)]
pub(super) struct BasePathArgs {
    /// The path of the API; `/` for the root
    #[arg(
        long = "base-path",
        value_name = "PATH",
        default_value = "/api",
        env = "LLAVERO_BASE_PATH"
    )]
    pub(super) base_path: BasePath,
}
