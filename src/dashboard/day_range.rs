//! The days that a chart shows: 30 or 90, chosen by `?days=` in the URL.

use maud::{Markup, html};
use poem::Request;
use serde::Deserialize;

use super::query;

/// The choices. The first one is the default.
const CHOICES: [u32; 2] = [30, 90];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    days: Option<u32>,
}

/// The number of days that a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayRange(u32);

impl DayRange {
    /// The longest range.
    pub(super) const MAX: u32 = 90;

    /// Returns the range that the URL names, else the default.
    pub(super) fn of(request: &Request) -> Self {
        let Parameters { days } = query::parse(request);
        let days = days.filter(|days| CHOICES.contains(days));
        Self(days.unwrap_or(CHOICES[0]))
    }

    /// Returns the number of days.
    pub(super) fn days(self) -> u32 {
        self.0
    }

    /// Renders a link to each range of the page at `path`.
    pub(super) fn links(self, path: &str) -> Markup {
        html! {
            nav.ranges aria-label="Days shown" {
                @for days in CHOICES {
                    a href={ (path) "?days=" (days) } aria-current=[(days == self.0).then_some("true")] {
                        (days) " days"
                    }
                }
            }
        }
    }
}
