//! Numbers, instants, days and statuses, as people read them.
//!
//! Instants are UTC. A relative one, such as "3 hours ago", has the exact one as its title.

use std::time::Duration;

use maud::{Markup, html};

use crate::model::{Choice, Day, KeyStatus, Role, Timestamp, UserMembership};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Formats a number with thousands separators: `1,234,567`.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 {
        "-".to_owned()
    } else {
        String::new()
    };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a round number for an axis: `1.5k`, `15k`, `1.5M`.
pub(super) fn axis_number(value: i64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")];
    let unit = units.iter().find(|(size, _)| value >= *size);
    match unit {
        None => number(value),
        Some((size, name)) if value % size == 0 => format!("{}{name}", value / size),
        Some((size, name)) => {
            format!("{}.{}{name}", value / size, value % size * 10 / size)
        }
    }
}

/// Formats a count with its noun: `1 key`, `2 keys`.
pub(super) fn counted(count: i64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(count))
}

/// Formats a share in per cent with one decimal. A part that is not all or nothing is neither 100 % nor 0 %.
pub(super) fn percent(part: i64, whole: i64) -> String {
    let permille = i128::from(part) * 1000 / i128::from(whole.max(1));
    match permille {
        0 if part > 0 => "under 0.1 %".to_owned(),
        0 => "0 %".to_owned(),
        1000.. => "100 %".to_owned(),
        permille => format!("{}.{} %", permille / 10, permille % 10),
    }
}

/// Formats the duration between `instant` and `now` in words.
pub(super) fn relative(instant: Timestamp, now: Timestamp) -> String {
    if instant > now {
        return match words(instant.since(now)) {
            Some(words) => format!("in {words}"),
            None => "in a moment".to_owned(),
        };
    }
    match words(now.since(instant)) {
        Some(words) => format!("{words} ago"),
        None => "just now".to_owned(),
    }
}

/// Formats a duration in its largest unit. `None` below a minute.
fn words(duration: Duration) -> Option<String> {
    let minutes = i64::try_from(duration.as_secs() / 60).unwrap_or(i64::MAX);
    let (count, noun) = match minutes {
        0 => return None,
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        1440..86_400 => (minutes / 1440, "day"),
        86_400..1_051_200 => (minutes / 43_200, "month"),
        _ => (minutes / 525_600, "year"),
    };
    Some(counted(count, noun))
}

/// Formats an instant: `2026-01-05 12:00:00 UTC`.
pub(super) fn exact(instant: Timestamp) -> String {
    let text = instant.to_string();
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..8).unwrap_or(time)),
        None => text,
    }
}

/// An instant in words, with the exact one as its title.
pub(super) fn time(instant: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(instant) title=(exact(instant)) { (relative(instant, now)) } }
}

/// An instant in words, followed by the exact one.
pub(super) fn full_time(instant: Timestamp, now: Timestamp) -> Markup {
    html! {
        time datetime=(instant) { (relative(instant, now)) " " span.soft { (exact(instant)) } }
    }
}

/// An instant, followed by how far it is in words: for a sentence with "until" or "on".
pub(super) fn exact_time(instant: Timestamp, now: Timestamp) -> Markup {
    html! {
        time datetime=(instant) { (exact(instant)) " (" (relative(instant, now)) ")" }
    }
}

/// Formats a day: `5 Jan`.
pub(super) fn short_day(day: Day) -> String {
    let text = day.to_string();
    let mut parts = text
        .splitn(3, '-')
        .skip(1)
        .filter_map(|part| part.parse::<usize>().ok());
    let month = parts
        .next()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (month, parts.next()) {
        (Some(month), Some(day)) => format!("{day} {month}"),
        _ => text,
    }
}

/// The status of a key, as a badge.
pub(super) fn status(status: KeyStatus) -> Markup {
    let class = match status {
        KeyStatus::Active => "badge good",
        KeyStatus::Disabled => "badge quiet",
        KeyStatus::Revoked => "badge bad",
        KeyStatus::Expired => "badge warn",
    };
    html! { span class=(class) { (status.name()) } }
}

/// A badge for a key that is not active.
pub(super) fn unusual_status(of: KeyStatus) -> Markup {
    match of {
        KeyStatus::Active => html! {},
        of => status(of),
    }
}

/// Describes a membership: `owner of Acme Corp`.
pub(super) fn role_in(membership: &UserMembership) -> String {
    let role = match membership.role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Member => "Member",
    };
    format!("{role} of {}", membership.organization.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_thousands_separators() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (-1000, "-1,000"),
        ] {
            assert_eq!(number(value), text);
        }
        for (value, text) in [
            (0, "0"),
            (500, "500"),
            (1500, "1.5k"),
            (5000, "5k"),
            (10_000, "10k"),
            (15_000, "15k"),
            (1_000_000, "1M"),
            (1_500_000, "1.5M"),
            (3_000_000_000, "3G"),
        ] {
            assert_eq!(axis_number(value), text);
        }
    }

    #[test]
    fn percent_is_not_rounded_to_all_or_nothing() {
        for (part, whole, text) in [
            (0, 0, "0 %"),
            (0, 5, "0 %"),
            (1, 1_000_000, "under 0.1 %"),
            (999_999, 1_000_000, "99.9 %"),
            (5, 5, "100 %"),
            (1, 3, "33.3 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
    }

    #[test]
    fn relative_names_the_largest_unit() {
        let now = Timestamp::parse("2026-01-15T12:00:00Z").unwrap();
        let minutes = |count: i64| Timestamp::from_millis(now.as_millis() - count * 60_000);
        for (instant, text) in [
            (minutes(0), "just now"),
            (minutes(1), "1 minute ago"),
            (minutes(59), "59 minutes ago"),
            (minutes(60), "1 hour ago"),
            (minutes(47 * 60), "1 day ago"),
            (minutes(59 * 1440), "59 days ago"),
            (minutes(60 * 1440), "2 months ago"),
            (minutes(800 * 1440), "2 years ago"),
            (minutes(-9 * 1440), "in 9 days"),
        ] {
            assert_eq!(relative(instant, now), text);
        }
        assert_eq!(exact(now), "2026-01-15 12:00:00 UTC");
        assert_eq!(short_day(now.day()), "15 Jan");
    }
}
