//! Arguments, and which of them were typed rather than taken from a variable.
//!
//! Wraps the arguments of commands in which some do not go together. clap's own way to say so counts a variable as if
//! it were typed, one that says `false` too: who has set `LLAVERO_DATABASE` once and for all would be told to leave out
//! what they did not write.

use clap::{ArgMatches, Command, FromArgMatches, parser::ValueSource};

/// Arguments that know where they come from.
#[derive(Debug)]
pub(super) struct Typed<A> {
    pub(super) args: A,
    /// As clap calls them: the names of the fields.
    names: Vec<String>,
}

impl<A> Typed<A> {
    /// Whether the argument of that name is on the command line.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|typed| typed == name)
    }
}

impl<A: FromArgMatches> FromArgMatches for Typed<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_typed = |name: &&str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let names = matches.ids().map(clap::Id::as_str).filter(is_typed);
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

impl<A: clap::Args> clap::Args for Typed<A> {
    fn augment_args(command: Command) -> Command {
        A::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        A::augment_args_for_update(command)
    }
}
