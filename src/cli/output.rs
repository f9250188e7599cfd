//! The output of commands: text or, with `--json`, JSON on standard output, and notes on standard error.
//!
//! On a terminal, tables fit its width, or [`DEFAULT_WIDTH`] if the width is unknown; long cells are wrapped, not
//! truncated. In a pipe, a row is one line, for `grep` and `awk`. Text is coloured only on a terminal, and not with
//! `NO_COLOR` or `TERM=dumb`. Invariant: names are escaped (see [`super::escape`]), so they cannot control the terminal.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
pub(super) use comfy_table::Cell;
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, presets::NOTHING};
use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

use super::{
    Error,
    escape::{escape_json, escape_text},
};
use crate::model::{KeyStatus, Timestamp};

/// The width of a terminal whose width is unknown, in columns.
const DEFAULT_WIDTH: u16 = 80;

/// The output format of a command.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl OutputArgs {
    /// Returns whether to print JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `json` with `--json`, else `text`.
    pub(super) fn print<T: Serialize>(
        &self,
        json: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        print(&self.render(json, text)?)
    }

    /// Prints a new secret, which cannot be printed again. `lost` makes the error for output that could not be written.
    pub(super) fn print_once<T: Serialize>(
        &self,
        json: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
        lost: impl FnOnce(io::Error) -> Error,
    ) -> Result<(), Error> {
        write(&self.render(json, text)?).map_err(lost)
    }

    fn render<T: Serialize>(
        &self,
        json: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
    ) -> Result<String, Error> {
        if !self.json {
            return Ok(text());
        }
        let json = serde_json::to_string_pretty(&json())?;
        Ok(escape_json(&json) + "\n")
    }
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
pub(super) fn print(text: &str) -> Result<(), Error> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::usage(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Prints the JSON body of a response. On a terminal, escapes unprintable characters; else prints the body unchanged.
pub(super) fn print_body(body: &str) -> Result<(), Error> {
    if io::stdout().is_terminal() {
        print(&escape_json(body))
    } else {
        print(body)
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line to standard error. Ignores a failure, which could not be reported; `eprintln!` would panic.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// For ids and dates, which are never wrapped, so that they can be copied.
    Fixed(&'static str),
    /// For names and other text, which is wrapped if the line is too long for the terminal.
    Wrapped(&'static str),
}

/// Formats rows under a header, in aligned columns.
pub(super) fn table<const N: usize>(columns: [Column; N], rows: Vec<[Cell; N]>) -> String {
    let mut table = plain_table();
    let heading = |column: &Column| match column {
        Column::Fixed(name) | Column::Wrapped(name) => {
            Cell::new(name).add_attribute(Attribute::Bold)
        }
    };
    table.set_header(columns.iter().map(heading));
    table.add_rows(rows);
    finish(table, |at| {
        matches!(columns.get(at), Some(Column::Fixed(_)))
    })
}

/// Formats names and values, one pair per line, in two aligned columns.
pub(super) fn details(pairs: Vec<(&str, Cell)>) -> String {
    let mut table = plain_table();
    for (name, value) in pairs {
        table.add_row([Cell::new(name).add_attribute(Attribute::Bold), value]);
    }
    finish(table, |at| at == 0)
}

/// Creates a cell with a text of a user, escaped.
pub(super) fn text(text: impl AsRef<str>) -> Cell {
    Cell::new(escape_text(text.as_ref()))
}

/// Creates a cell of several lines, each escaped.
pub(super) fn stacked(lines: &[String]) -> Cell {
    let lines: Vec<_> = lines.iter().map(|line| escape_text(line)).collect();
    Cell::new(lines.join("\n"))
}

/// Creates a cell with an instant, in seconds.
pub(super) fn time(at: Timestamp) -> Cell {
    let text = at.to_string();
    let (seconds, _) = text.split_once('.').unwrap_or((&text, ""));
    Cell::new(seconds.replace('T', " ") + "Z")
}

/// Creates a cell with a UTC day.
pub(super) fn day(at: Timestamp) -> Cell {
    Cell::new(at.day())
}

/// Creates a cell with a key's status.
pub(super) fn status(status: KeyStatus) -> Cell {
    let (name, color) = match status {
        KeyStatus::Active => ("active", Color::Green),
        KeyStatus::Disabled => ("disabled", Color::Yellow),
        KeyStatus::Revoked => ("revoked", Color::Red),
        KeyStatus::Expired => ("expired", Color::Yellow),
    };
    Cell::new(name).fg(color)
}

/// Returns the width of the terminal, in columns; `None` if standard output is not a terminal.
pub(super) fn terminal_width() -> Option<u16> {
    let stdout = io::stdout();
    let width = || terminal_size_of(&stdout).map_or(DEFAULT_WIDTH, |(Width(width), _)| width);
    stdout.is_terminal().then(width)
}

fn plain_table() -> comfy_table::Table {
    let stdout = io::stdout();
    let mut table = comfy_table::Table::new();
    table.load_style(NOTHING);
    if let Some(width) = terminal_width() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    match AutoStream::choice(&stdout) {
        ColorChoice::Never => table.force_no_tty(),
        _ => table.enforce_styling(),
    };
    table
}

fn finish(mut table: comfy_table::Table, is_fixed: impl Fn(usize) -> bool) -> String {
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == last { 0 } else { 2 }));
        if is_fixed(at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt() + "\n"
}
