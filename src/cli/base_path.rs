//! The flag `--base-path` of `serve`, `get` and `openapi`.

use crate::api::BasePath;

/// The base path of the API.
#[derive(Debug, clap::Args)]
pub(super) struct BasePathArgs {
    /// The path under which the API is served; `/` for the root
    #[arg(
        long = "base-path",
        value_name = "PATH",
        default_value = "/api",
        env = "LLAVERO_BASE_PATH"
    )]
    pub(super) base_path: BasePath,
}
