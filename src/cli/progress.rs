//! The progress of a backup or a restore on a terminal: the step, and the time that has passed.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::store::CopyStep;

/// A line on standard error that is hidden unless that is a terminal. Dropping it removes the line.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shows the line.
    pub(super) fn start() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows the step that begins now.
    pub(super) fn show(&self, step: CopyStep) {
        self.0.set_message(match step {
            CopyStep::Copying => "copying",
            CopyStep::Verifying => "verifying",
            CopyStep::Sending => "sending",
        });
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
