//! Escapes characters that a terminal would interpret or hide instead of showing them.
//!
//! Names and user ids come from users of the API. Control characters can move the cursor and change colours. Format
//! characters can reverse the direction of text, or make two different names look the same. Every command prints text
//! through [`escape_text`] and JSON through [`escape_json`], which does not change the JSON value.

use std::fmt::Write;

/// The ranges of invisible characters, in ascending order: the Unicode categories Cf, Zl and Zp, and the property
/// `Default_Ignorable_Code_Point` except the two variation selectors for text and emoji. (Unicode 17, files
/// `UnicodeData.txt` and `DerivedCoreProperties.txt`.)
const INVISIBLE: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0d}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a terminal would obey or hide `c`: a control character, or one of [`INVISIBLE`].
pub(super) fn is_unprintable(c: char) -> bool {
    let after = INVISIBLE.partition_point(|(first, _)| *first <= c);
    let is_invisible = after > 0 && c <= INVISIBLE[after - 1].1;
    c.is_control() || is_invisible
}

/// Returns the text with unprintable characters as escapes: `\n`, `\u{200b}`.
pub(super) fn escape_text(text: &str) -> String {
    let show = |c: char| match c {
        c if is_unprintable(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// Returns the same JSON with unprintable characters as JSON escapes. Control characters below the space remain: JSON
/// strings contain them escaped already, and between values they are white space.
pub(super) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c > ' ' && is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts with an escape sequence, and contains a character of each kind.
    const NAME: &str = "a\u{1b}[2J\n\u{9b}31m\u{7f}\u{202e}\u{61c}\u{200b}\u{2028}\u{feff}\u{3164}\u{e0041}ñ🔑❤\u{fe0f}山　田\"\\";

    #[test]
    fn escape_text_escapes_control_and_invisible_characters_and_no_others() {
        assert_eq!(
            escape_text(NAME),
            "a\\u{1b}[2J\\n\\u{9b}31m\\u{7f}\\u{202e}\\u{61c}\\u{200b}\\u{2028}\\u{feff}\\u{3164}\\u{e0041}ñ🔑❤\u{fe0f}山　田\"\\"
        );
    }

    #[test]
    fn escape_json_keeps_the_value() {
        let json = escape_json(&serde_json::to_string_pretty(&[NAME]).unwrap());
        let odd = json.chars().find(|c| *c != '\n' && is_unprintable(*c));
        assert_eq!(odd, None, "{json}");
        let read: Vec<String> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, [NAME]);
    }

    #[test]
    fn invisible_ranges_are_in_ascending_order() {
        assert!(INVISIBLE.iter().all(|(first, last)| first <= last));
        assert!(INVISIBLE.is_sorted_by(|one, next| one.1 < next.0));
    }
}
