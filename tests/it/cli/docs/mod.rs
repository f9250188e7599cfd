//! The documentation, held against the binary and the files of the repository.
//!
//! [`contents`] checks examples, links and flags. [`walkthrough`] runs the transcripts: every
//! console block with a `$` prompt is a [`transcript`], and the transcripts of a page run in one shell, from top to
//! bottom.

mod contents;
mod transcript;
mod walkthrough;

use std::{fs, path::Path};

/// A file of the repository.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a page in `language`, without their fences.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let page = file(page);
    let fence = format!("\n```{language}\n");
    let blocks = page.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}
