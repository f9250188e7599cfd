//! Describes a wrong command line in one line: the problem, a similar correct spelling, and the command with more help.
//!
//! clap renders an error over several lines, with the usage and tips. This module builds one sentence from the error's kind
//! and context instead. Called by [`super::Error::from_clap`].

use std::{error::Error as _, ffi::OsString};

use clap::{
    Command, CommandFactory, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Cli;

/// Describes `error`, which clap raised for `args`, the process's arguments after its name.
pub(super) fn describe(error: &Error, args: impl Iterator<Item = OsString>) -> String {
    let problem = problem(error).unwrap_or_else(|| error.kind().to_string());
    let command = command_name(args);
    match suggestion(error) {
        Some(near) => format!("{problem}; did you mean '{near}'? See '{command} --help'."),
        None => format!("{problem}. See '{command} --help'."),
    }
}

/// Describes the problem. `None` if the error lacks the context of its kind.
fn problem(error: &Error) -> Option<String> {
    let text = |kind| text(error, kind);
    let argument = || text(ContextKind::InvalidArg);
    let value = || text(ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("unexpected argument '{}'", argument()?),
        ErrorKind::InvalidSubcommand => {
            format!(
                "unknown command '{}'",
                text(ContextKind::InvalidSubcommand)?
            )
        }
        ErrorKind::MissingSubcommand => format!(
            "'{}' needs a command: {}",
            text(ContextKind::InvalidSubcommand)?,
            text(ContextKind::ValidSubcommand)?
        ),
        ErrorKind::MissingRequiredArgument => missing(error)?,
        ErrorKind::ArgumentConflict => conflict(&argument()?, text(ContextKind::PriorArg)),
        ErrorKind::InvalidValue if value()?.is_empty() => {
            format!("'{}' needs a value{}", argument()?, choices(error))
        }
        ErrorKind::InvalidValue => {
            format!(
                "invalid value '{}' for '{}'{}",
                value()?,
                argument()?,
                choices(error)
            )
        }
        ErrorKind::ValueValidation => {
            let reason = error.source().map(|reason| format!(": {reason}"));
            let reason = reason.unwrap_or_default();
            format!("invalid value '{}' for '{}'{reason}", value()?, argument()?)
        }
        ErrorKind::TooManyValues => {
            format!(
                "unexpected value '{}': '{}' takes no further value",
                value()?,
                argument()?
            )
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => return None,
    })
}

fn missing(error: &Error) -> Option<String> {
    let Some(ContextValue::Strings(arguments)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let quoted: Vec<String> = arguments.iter().map(|name| quote(name)).collect();
    let verb = if quoted.len() == 1 { "is" } else { "are" };
    Some(format!("{} {verb} required", quoted.join(" and ")))
}

/// Quotes a missing argument. clap writes a group, of which one is required, as `<--a <A>|--b <B>>`.
fn quote(argument: &str) -> String {
    let group = argument
        .strip_prefix("<--")
        .and_then(|rest| rest.strip_suffix('>'));
    match group {
        Some(group) => format!("'--{}'", group.replace('|', "' or '")),
        None => format!("'{argument}'"),
    }
}

fn conflict(argument: &str, other: Option<String>) -> String {
    match other {
        Some(other) if other == argument => format!("'{argument}' can be given only once"),
        Some(other) => format!("'{argument}' cannot be used with '{other}'"),
        None => format!("'{argument}' cannot be used with the other arguments"),
    }
}

/// Lists the possible values, if the argument has a fixed set of them.
fn choices(error: &Error) -> String {
    let values = text(error, ContextKind::ValidValue).filter(|values| !values.is_empty());
    values.map_or_else(String::new, |values| format!("; choose one of: {values}"))
}

/// Returns a similar correct spelling, if clap found one.
fn suggestion(error: &Error) -> Option<String> {
    let kinds = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedCommand,
        ContextKind::SuggestedValue,
    ];
    let first = |kind| match error.get(kind) {
        Some(ContextValue::Strings(names)) => names.first().cloned(),
        _ => text(error, kind),
    };
    kinds.into_iter().find_map(first)
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::None => None,
        value => Some(value.to_string()),
    }
}

/// Returns the name of the command at the beginning of `args`, for instance `llavero key create`.
fn command_name(args: impl Iterator<Item = OsString>) -> String {
    let mut command: Command = Cli::command();
    let mut name = command.get_name().to_owned();
    for arg in args {
        let found = arg.to_str().and_then(|arg| command.find_subcommand(arg));
        let Some(found) = found.cloned() else { break };
        name = format!("{name} {}", found.get_name());
        command = found;
    }
    name
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn describe_line(line: &str) -> String {
        let args = line.split_whitespace().map(OsString::from);
        let error = Cli::try_parse_from(["llavero".into()].into_iter().chain(args.clone()));
        describe(&error.unwrap_err(), args)
    }

    #[test]
    fn describe_names_the_problem_and_the_command_with_help() {
        for (line, expected) in [
            (
                "serve --databse x",
                "unexpected argument '--databse'; did you mean '--database'? See 'llavero serve --help'.",
            ),
            (
                "serve --zzz",
                "unexpected argument '--zzz'. See 'llavero serve --help'.",
            ),
            (
                "serve zzz",
                "unexpected argument 'zzz'. See 'llavero serve --help'.",
            ),
            ("zzz", "unknown command 'zzz'. See 'llavero --help'."),
            (
                "key lst",
                "unknown command 'lst'; did you mean 'list'? See 'llavero key --help'.",
            ),
            (
                "key create",
                "'--org <ORG>' and '--name <NAME>' are required. See 'llavero key create --help'.",
            ),
            (
                "token",
                "'--user <ID>' is required. See 'llavero token --help'.",
            ),
            (
                "member list",
                "'--org <ORG>' or '--user <USER>' is required. See 'llavero member list --help'.",
            ),
            (
                "serve --database",
                "'--database <FILE>' needs a value. See 'llavero serve --help'.",
            ),
            (
                "serve --log-format xml",
                "invalid value 'xml' for '--log-format <LOG_FORMAT>'; choose one of: text, json. See 'llavero serve --help'.",
            ),
            (
                "serve --log-format jsn",
                "invalid value 'jsn' for '--log-format <LOG_FORMAT>'; choose one of: text, json; did you mean 'json'? See 'llavero serve --help'.",
            ),
            (
                "serve --pool-size 0",
                "invalid value '0' for '--pool-size <N>': write a number from 1 to 256. See 'llavero serve --help'.",
            ),
            (
                "serve --demo --demo",
                "'--demo' can be given only once. See 'llavero serve --help'.",
            ),
            (
                "serve --jwt-secret a --jwt-public-key b",
                "'--jwt-secret <TEXT>' cannot be used with '--jwt-public-key <FILE>'. See 'llavero serve --help'.",
            ),
        ] {
            assert_eq!(describe_line(line), expected, "{line}");
        }
    }
}
