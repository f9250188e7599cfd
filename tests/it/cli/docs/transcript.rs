//! A transcript: commands behind a `$` prompt, and what each of them prints.
//!
//! A line of output is compared with volatile parts masked: ids, dates, secrets, tokens. A line `…` stands for any
//! number of lines, and `…` at the end of a line for its rest.

use uuid::Uuid;

use super::blocks;

/// A command and the output that the page shows for it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) output: Vec<String>,
}

/// The steps of all transcripts of a page, in order.
pub(super) fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in blocks(page, "console") {
        let mut in_transcript = false;
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                in_transcript = true;
                steps.push(Step {
                    command: command.to_owned(),
                    output: Vec::new(),
                });
            } else if let (Some(step), true) = (steps.last_mut(), in_transcript) {
                step.output.push(line.to_owned());
            }
        }
    }
    for step in &mut steps {
        trim(&mut step.output);
    }
    steps
}

/// Removes empty lines from the end.
pub(super) fn trim(lines: &mut Vec<String>) {
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
}

/// Whether `printed` is what `shown` stands for.
pub(super) fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others)),
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (mask(shown), mask(printed));
    match shown.strip_suffix('…') {
        Some(beginning) => printed.starts_with(beginning),
        None => shown.trim_end() == printed.trim_end(),
    }
}

/// The line with a placeholder for each volatile word.
fn mask(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let mut masked = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        let (between, word) = rest.split_at(start);
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let word = word[..end].trim_end_matches(['.', ':']);
        rest = &rest[start + word.len()..];
        masked += between;
        masked += placeholder(word).unwrap_or(word);
        // A page shortens a token, which is a line of its own or stands within one.
        if word.starts_with("eyJ") {
            rest = rest.strip_prefix('…').unwrap_or(rest);
        }
        // Dots and colons outside words.
        let punctuation = rest.find(|c| c != '.' && c != ':').unwrap_or(rest.len());
        masked += &rest[..punctuation];
        rest = &rest[punctuation..];
    }
    masked + rest
}

fn placeholder(word: &str) -> Option<&'static str> {
    let shape: String = (word.chars())
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    match &*shape {
        "0000-00-00" => Some("<date>"),
        "0000-00-00T00:00:00.000Z" | "00:00:00Z" => Some("<time>"),
        _ if word.len() == 36 && Uuid::parse_str(word).is_ok() => Some("<id>"),
        _ if word.starts_with("sk_...") => Some("<preview>"),
        _ if word.starts_with("sk_") && word.len() == 39 => Some("<secret>"),
        _ if word.starts_with("eyJ") => Some("<token>"),
        _ => None,
    }
}

#[test]
fn mask_replaces_volatile_words_only() {
    for (line, masked) in [
        (
            r#"["revoked","2026-11-24T08:04:36.828Z"]"#,
            r#"["revoked","<time>"]"#,
        ),
        ("until 2026-11-24T09:04:36.807Z.", "until <time>."),
        (
            "2026-11-24 08:04:36Z  key.created  81295d48-de93-4644-b50a-a1ecee2b1942 by cli",
            "<date> <time>  key.created  <id> by cli",
        ),
        (
            r#""sk_...jA9y","sk_X3mDmIcT0x3Jpc6e7B9zNJr9R4apOi30wlsj""#,
            r#""<preview>","<secret>""#,
        ),
        (
            "-H 'Authorization: Bearer eyJ0eXAi…'",
            "-H 'Authorization: Bearer <token>'",
        ),
        ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
        (
            "listening on http://127.0.0.1:3001/api",
            "listening on http://127.0.0.1:3001/api",
        ),
        ("…", "…"),
    ] {
        assert_eq!(mask(line), masked);
    }
}

#[test]
fn ellipsis_stands_for_lines_or_the_rest_of_a_line() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = lines("a\nb\nc and more\nd");
    for (shown, expected) in [
        ("a\nb\nc and more\nd", true),
        ("a\n…\nd", true),
        ("…\nc and…\nd", true),
        ("a\nb\nc and more\nd\n…", true),
        ("a\n…\nb\nc…\nd", true),
        ("a\nb", false),
        ("a\n…\ne", false),
        ("a\nb\nd", false),
        ("", false),
    ] {
        assert_eq!(matches(&lines(shown), &printed), expected, "{shown}");
    }
}
