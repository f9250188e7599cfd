//! `llavero completions`: prints a shell's completion script, generated from the definitions that parse the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Error, print};

/// The arguments of `llavero completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For bash, put `source <(llavero completions bash)` into ~/.bashrc
    shell: Shell,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "llavero", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
