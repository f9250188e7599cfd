//! Intervals of a few milliseconds, in which [`super`] counts lines: few lines are written one by one, many together.
//!
//! An interval begins with the first line after the end of the previous one, so a line that follows a pause is always
//! among the first of its interval.

use std::time::{Duration, Instant};

/// The length of an interval.
pub(super) const LENGTH: Duration = Duration::from_millis(5);

/// An interval of [`LENGTH`], and the number of lines in it.
#[derive(Default)]
pub(super) struct Interval {
    pub(super) start: Option<Instant>,
    pub(super) lines: u32,
}

impl Interval {
    /// Counts a line at `now`, and returns the number of lines in its interval.
    pub(super) fn count(&mut self, now: Instant) -> u32 {
        if self.rest(now).is_zero() {
            *self = Self {
                start: Some(now),
                lines: 0,
            };
        }
        self.lines = self.lines.saturating_add(1);
        self.lines
    }

    /// Returns the time from `now` to the end of the interval.
    pub(super) fn rest(&self, now: Instant) -> Duration {
        self.start.map_or(Duration::ZERO, |start| {
            (start + LENGTH).saturating_duration_since(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_counts_the_lines_of_five_milliseconds() {
        let start = Instant::now();
        let mut interval = Interval::default();
        for (millis, lines) in [(0, 1), (2, 2), (4, 3), (5, 1), (9, 2), (20, 1)] {
            let now = start + Duration::from_millis(millis);
            assert_eq!(interval.count(now), lines, "{millis} ms");
        }
    }
}
