//! Tells flags on the command line from environment variables.
//!
//! Wraps the arguments of commands with conflicting flags. clap's `conflicts_with` also counts environment variables:
//! with `LLAVERO_DATABASE` in the environment, its error would name a flag that is not on the command line.

use clap::{ArgMatches, Command, FromArgMatches, parser::ValueSource};

/// Arguments together with the names of those given on the command line.
#[derive(Debug)]
pub(super) struct WithSources<A> {
    pub(super) args: A,
    /// clap's argument ids: the names of the fields.
    names: Vec<String>,
}

impl<A> WithSources<A> {
    /// Returns whether the argument is on the command line.
    pub(super) fn is_on_command_line(&self, name: &str) -> bool {
        self.names.iter().any(|given| given == name)
    }

    /// Returns the first of `flags` that is on the command line. Each is the name of a field and its flag.
    pub(super) fn first_on_command_line(
        &self,
        flags: &[(&str, &'static str)],
    ) -> Option<&'static str> {
        let mut flags = flags.iter();
        let (_, flag) = flags.find(|(name, _)| self.is_on_command_line(name))?;
        Some(flag)
    }
}

impl<A: FromArgMatches> FromArgMatches for WithSources<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |name: &&str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let names = matches.ids().map(clap::Id::as_str).filter(is_given);
        Ok(Self {
            names: names.map(str::to_owned).collect(),
            args: A::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<A: clap::Args> clap::Args for WithSources<A> {
    fn augment_args(command: Command) -> Command {
        A::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        A::augment_args_for_update(command)
    }
}
