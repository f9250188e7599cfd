//! The chart of requests by day: bars that are stacked by outcome, as inline SVG, and the same counts as a table.
//!
//! One path per outcome, because thousands of elements are slow. The labels are HTML, so that they have the size of other
//! text at every width.

use std::fmt::Write;

use maud::{Markup, html};

use super::format::{axis_number, counted, number, short_day};
use crate::model::DailyUsage;

/// The width of a day and the height of the chart, in units of the SVG.
const DAY_WIDTH: usize = 10;
const HEIGHT: i64 = 1000;

/// The height of the smallest part of a bar, so that a few errors are visible beside thousands of successes.
const MIN_HEIGHT: i64 = 8;

/// The outcomes in the order in which they are stacked: the class of its colour, its name, and its count on a day.
type Outcome = (&'static str, &'static str, fn(&DailyUsage) -> i64);
const OUTCOMES: [Outcome; 3] = [
    ("ok", "Successful", |day| day.usage.successful_requests),
    ("limited", "Rate-limited", |day| day.usage.rate_limit_hits),
    ("failed", "Errors", |day| day.usage.errors),
];

/// The chart of `days`, oldest first, whose last one is today.
pub(super) fn chart(days: &[DailyUsage]) -> Markup {
    let peak = days.iter().map(|day| day.usage.total_requests()).max();
    let top = axis_top(peak.unwrap_or(0));
    html! {
        figure.chart {
            ul.legend aria-hidden="true" {
                @for (class, name, _) in OUTCOMES { li class=(class) { (name) } }
            }
            div.plot {
                div.y aria-hidden="true" {
                    @for value in [top, top / 2, 0] { span { (axis_number(value)) } }
                }
                (bars(days, top))
                div.x aria-hidden="true" {
                    @for label in axis_days(days) { span { (label) } }
                }
            }
            (table(days))
        }
    }
}

/// Returns the value at the top of the axis: at least `peak`, and with a round half.
fn axis_top(peak: i64) -> i64 {
    let mut unit = 1;
    while peak > unit * 10 {
        unit *= 10;
    }
    let steps = [2, 4, 6, 8, 10].map(|step| step * unit);
    steps.into_iter().find(|top| *top >= peak).unwrap_or(peak)
}

/// Returns the labels of the horizontal axis: the first day, some between, and today.
fn axis_days(days: &[DailyUsage]) -> Vec<String> {
    let last = days.len().saturating_sub(1);
    let parts = 4;
    let label = |part: usize| match days.get(last * part / parts) {
        Some(_) if part == parts => "today".to_owned(),
        Some(day) => short_day(day.day),
        None => String::new(),
    };
    (0..=parts).map(label).collect()
}

fn bars(days: &[DailyUsage], top: i64) -> Markup {
    let width = days.len() * DAY_WIDTH;
    html! {
        svg role="img" aria-labelledby="chart-title chart-description" viewBox={ "0 0 " (width) " " (HEIGHT) }
            preserveAspectRatio="none" {
            title #chart-title { "Requests per day, last " (days.len()) " days" }
            desc #chart-description { (description(days)) }
            path.grid d={ "M0 1H" (width) "M0 " (HEIGHT / 2) "H" (width) "M0 " (HEIGHT - 1) "H" (width) } {}
            @for (outcome, path) in OUTCOMES.iter().zip(paths(days, top)) {
                path class=(outcome.0) d=(path) {}
            }
        }
    }
}

/// Returns the path of each outcome.
fn paths(days: &[DailyUsage], top: i64) -> [String; OUTCOMES.len()] {
    let mut paths = [const { String::new() }; OUTCOMES.len()];
    for (at, day) in days.iter().enumerate() {
        let left = at * DAY_WIDTH + DAY_WIDTH / 5;
        let width = DAY_WIDTH * 3 / 5;
        let mut bottom = HEIGHT;
        for (path, (_, _, count)) in paths.iter_mut().zip(OUTCOMES) {
            let height = match count(day) {
                0 => continue,
                count => scale(count, top).max(MIN_HEIGHT),
            };
            // Writing to a string cannot fail.
            let _ = write!(path, "M{left} {bottom}v-{height}h{width}v{height}z");
            bottom -= height;
        }
    }
    paths
}

fn scale(count: i64, top: i64) -> i64 {
    let height = i128::from(count) * i128::from(HEIGHT) / i128::from(top.max(1));
    i64::try_from(height).unwrap_or(HEIGHT)
}

/// The requests of a key by day, oldest first, as a small line. The number beside it tells how many.
pub(super) fn line(days: &[DailyUsage]) -> Markup {
    const WIDTH: usize = 96;
    const HEIGHT: i64 = 24;
    let total = |day: &DailyUsage| day.usage.total_requests();
    let peak = days.iter().map(total).max().unwrap_or(0);
    let last = days.len().saturating_sub(1).max(1);
    let mut points = String::new();
    for (at, day) in days.iter().enumerate() {
        let height = i128::from(total(day)) * i128::from(HEIGHT - 3) / i128::from(peak.max(1));
        // Writing to a string cannot fail.
        let _ = write!(
            points,
            "{},{} ",
            at * WIDTH / last,
            i128::from(HEIGHT - 2) - height
        );
    }
    html! {
        @if peak > 0 {
            svg.line viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-hidden="true" { polyline points=(points.trim_end()) {} }
        }
    }
}

/// The text alternative of the chart: the fewest and the most requests of a day.
fn description(days: &[DailyUsage]) -> String {
    let total = |day: &&DailyUsage| day.usage.total_requests();
    let (Some(least), Some(most)) = (days.iter().min_by_key(total), days.iter().max_by_key(total))
    else {
        return "No days.".to_owned();
    };
    format!(
        "Between {} and {} a day; most on {}.",
        number(total(&least)),
        counted(total(&most), "request"),
        short_day(most.day)
    )
}

fn table(days: &[DailyUsage]) -> Markup {
    html! {
        details {
            summary { "Show as a table" }
            div.scroll tabindex="0" role="region" aria-label="Requests per day" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Day (UTC)" }
                            @for (_, name, _) in OUTCOMES { th.num scope="col" { (name) } }
                            th.num scope="col" { "All" }
                        }
                    }
                    tbody {
                        @for day in days.iter().rev() {
                            tr {
                                th scope="row" { (day.day) }
                                @for (_, _, count) in OUTCOMES { td.num { (number(count(day))) } }
                                td.num { (number(day.usage.total_requests())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Day, UsageCounts};

    fn day(number: i64, successful_requests: i64, errors: i64) -> DailyUsage {
        DailyUsage {
            day: Day::from_number(number),
            usage: UsageCounts {
                successful_requests,
                rate_limit_hits: 0,
                errors,
            },
        }
    }

    #[test]
    fn axis_top_is_at_least_the_peak_and_has_a_whole_half() {
        for (peak, top) in [
            (0, 2),
            (1, 2),
            (2, 2),
            (3, 4),
            (10, 10),
            (11, 20),
            (61, 80),
            (100, 100),
            (13_400, 20_000),
            (41_000, 60_000),
        ] {
            assert_eq!(axis_top(peak), top, "{peak}");
        }
    }

    #[test]
    fn bars_are_stacked_and_few_errors_are_visible() {
        let [ok, limited, failed] = paths(&[day(0, 500, 1), day(1, 0, 0)], 1000);
        assert_eq!(ok, "M2 1000v-500h6v500z");
        assert_eq!(limited, "");
        assert_eq!(failed, "M2 500v-8h6v8z");
    }

    #[test]
    fn description_names_the_least_and_the_most() {
        let text = description(&[day(0, 5, 0), day(1, 1000, 234)]);
        assert_eq!(text, "Between 5 and 1,234 requests a day; most on 2 Jan.");
    }
}
