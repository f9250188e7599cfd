//! `--base-path`: where under its origin the API is.
//!
//! The same for every command that serves, asks or describes the API: `serve`, `get` and `openapi`.

use crate::api::BasePath;

/// Where under its origin the API is.
#[derive(Debug, clap::Args)]
pub(super) struct BasePathArgs {
    /// The path that the API is served under; `/` for none
    #[arg(
        long = "base-path",
        value_name = "PATH",
        default_value = "/api",
        env = "LLAVERO_BASE_PATH"
    )]
    pub(super) base_path: BasePath,
}
