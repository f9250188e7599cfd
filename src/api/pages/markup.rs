//! Pieces of HTML that the pages of the dashboard and the start page of the sandbox share.

use maud::{Markup, html};

use super::assets::{SCRIPT, STYLESHEET};

/// Renders the elements of the head that every page has.
pub(crate) fn head(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        title { (title) " · llavero" }
        link rel="stylesheet" href=(STYLESHEET.path());
        script type="module" src=(SCRIPT.path()) {}
    }
}

/// Returns a word for the start of a line.
pub(crate) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
