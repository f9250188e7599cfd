//! Formats dates and times as RFC 3339 does.
//!
//! Called by [`super::time`] for every timestamp of a response. Each number has a fixed place, so it is written into a
//! template; jiff's general formatter takes several times as long. Invariant: the text is the one that jiff writes.

use std::{
    fmt::{self, Write},
    ops::Range,
};

use jiff::civil::Date;

/// Writes a date and time with milliseconds, such as `2026-01-05T12:00:00.000Z`. `millis` are those since midnight.
pub(super) fn write_date_time(f: &mut impl Write, date: Date, millis: u32) -> fmt::Result {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put_date(&mut text, date);
    put(&mut text, 11..13, millis / 3_600_000);
    put(&mut text, 14..16, millis / 60_000 % 60);
    put(&mut text, 17..19, millis / 1000 % 60);
    put(&mut text, 20..23, millis % 1000);
    write_text(f, date, &text)
}

/// Writes a date such as `2026-01-05`.
pub(super) fn write_date(f: &mut impl Write, date: Date) -> fmt::Result {
    let mut text = *b"0000-00-00";
    put_date(&mut text, date);
    write_text(f, date, &text)
}

fn put_date(text: &mut [u8], date: Date) {
    put(text, 0..4, date.year().unsigned_abs().into());
    put(text, 5..7, date.month().unsigned_abs().into());
    put(text, 8..10, date.day().unsigned_abs().into());
}

/// Writes the digits of `number` into `place`.
fn put(text: &mut [u8], place: Range<usize>, mut number: u32) {
    for digit in text[place].iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

/// Writes the text of an instant on `date`. A year before 0 has a sign and six digits (ISO 8601).
fn write_text(f: &mut impl Write, date: Date, text: &[u8]) -> fmt::Result {
    if date.year() < 0 {
        f.write_str("-00")?;
    }
    f.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;
    use proptest::prelude::*;

    use super::*;

    /// Any day of the years -9999 to 9999.
    fn any_date() -> impl Strategy<Value = Date> {
        (-9999..=9999_i16, 1..=12_i8, 1..=31_i8)
            .prop_filter_map("a day of the month", |(year, month, day)| {
                Date::new(year, month, day).ok()
            })
    }

    proptest! {
        #[test]
        fn date_time_is_the_text_of_the_general_formatter(date in any_date(), millis in 0..86_400_000_u32) {
            let mut text = String::new();
            write_date_time(&mut text, date, millis).unwrap();
            let time = Time::midnight() + std::time::Duration::from_millis(millis.into());
            let utc = date.to_datetime(time);
            prop_assert_eq!(text, format!("{utc:.3}Z"));
        }

        #[test]
        fn date_is_the_text_of_the_general_formatter(date in any_date()) {
            let mut text = String::new();
            write_date(&mut text, date).unwrap();
            prop_assert_eq!(text, date.to_string());
        }
    }
}
