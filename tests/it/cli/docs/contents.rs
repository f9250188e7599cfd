//! The content of the pages: examples word for word, valid links, every flag and every command.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{blocks, file};
use crate::support::{ANA, PRODUCTION_PATH, TestDir};

/// Which page prints which file, and as what.
const PRINTED: [(&str, &str, &str); 6] = [
    ("docs/gateways.md", "examples/Caddyfile", "caddyfile"),
    ("docs/gateways.md", "examples/nginx.conf", "nginx"),
    ("docs/sandbox.md", "examples/github-actions.yml", "yaml"),
    ("docs/sandbox.md", "examples/sandbox.test.mjs", "javascript"),
    ("docs/sandbox.md", "examples/test_sandbox.py", "python"),
    (
        "docs/self-hosting.md",
        "examples/Caddyfile.tls",
        "caddyfile",
    ),
];

#[test]
fn pages_print_the_examples_word_for_word() {
    for (page, example, language) in PRINTED {
        let example_text = file(example);
        let printed = blocks(page, language);
        let is_printed = printed
            .iter()
            .any(|block| *block == example_text.trim_end());
        assert!(is_printed, "{page} does not print {example}");
        let link = format!("(../{example})");
        assert!(
            file(page).contains(&link),
            "{page} does not link to {example}"
        );
    }
}

#[test]
fn pages_link_to_every_example() {
    let texts: Vec<String> = pages().iter().map(|page| file(page)).collect();
    for example in fs::read_dir(root().join("examples")).unwrap() {
        let name = example.unwrap().file_name().into_string().unwrap();
        let link = format!("(../examples/{name})");
        assert!(
            texts.iter().any(|text| text.contains(&link)),
            "no page links to examples/{name}"
        );
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    for page in pages() {
        for link in links(&file(&page)) {
            let (target, heading) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(&page).parent().unwrap();
            let target = if target.is_empty() {
                PathBuf::from(&page)
            } else {
                folder.join(target)
            };
            assert!(root().join(&target).exists(), "{page} links to {link}");
            if !heading.is_empty() {
                let anchors = anchors(&file(target.to_str().unwrap()));
                assert!(anchors.contains(heading), "{page} links to {link}");
            }
        }
    }
}

#[test]
fn configuration_page_documents_every_flag_of_serve() {
    let page = file("docs/configuration.md");
    for flag in flags(&["serve"]) {
        assert!(page.contains(&format!("`{flag}")), "{flag}");
    }
}

#[test]
fn command_line_page_documents_every_command_and_flag() {
    let page = file("docs/cli.md");
    for command in commands(&[]) {
        let name = command.join(" ");
        assert!(page.contains(&format!("`{name}")), "{name}");
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        if name == "serve" {
            continue;
        }
        for flag in flags(&words) {
            // The page on configuration has those that choose a key and a base path.
            let is_shared = flag.starts_with("--jwt-") || flag == "--base-path";
            assert!(is_shared || page.contains(&flag), "{flag} of {name}");
        }
    }
}

#[test]
fn readme_shows_the_key_that_the_demo_has() {
    let shown: Value = serde_json::from_str(&blocks("README.md", "json")[0]).unwrap();
    let home = TestDir::new();
    let path = format!("/api{PRODUCTION_PATH}");
    let outcome = home.run(&["get", &path, "--user", ANA, "--demo"]);
    let mut printed: Value = serde_json::from_str(outcome.success()).unwrap();
    for date in ["createdAt", "lastUsedAt"] {
        assert!(printed[date].is_string(), "{date}");
        printed[date] = shown[date].clone();
    }
    // The demo's use reaches up to the current time of day, so its counts vary with it.
    let counts = shown["usage"].as_object().unwrap();
    for (name, count) in counts {
        assert!(printed["usage"][name].is_u64(), "{name}");
        printed["usage"][name] = count.clone();
    }
    for field in ["used", "resetsAt"] {
        assert!(!printed["quota"][field].is_null(), "{field}");
        printed["quota"][field] = shown["quota"][field].clone();
    }
    assert_eq!(shown, printed);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, by their paths in the repository.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    for folder in ["", "docs/"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.file_name().unwrap().to_str().unwrap();
                pages.push(format!("{folder}{name}"));
            }
        }
    }
    assert!(pages.len() > 8, "{pages:?}");
    pages
}

/// The targets of a page's links into the repository.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The fragments that a link to a heading of a page may have.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

fn help(command: &[&str]) -> String {
    let outcome = TestDir::new().run(&[command, &["--help"]].concat());
    outcome.success().to_owned()
}

/// The long flags of a command.
fn flags(command: &[&str]) -> BTreeSet<String> {
    let help = help(command);
    let first_words = help.lines().filter_map(|line| {
        let mut words = line
            .split_whitespace()
            .map(|word| word.trim_end_matches(','));
        words.find(|word| !word.starts_with('-') || word.starts_with("--"))
    });
    let flags = first_words.filter(|word| word.starts_with("--") && *word != "--help");
    flags.map(str::to_owned).collect()
}

/// Every command without subcommands, as its words.
fn commands(prefix: &[String]) -> Vec<Vec<String>> {
    let words: Vec<&str> = prefix.iter().map(String::as_str).collect();
    let help = help(&words);
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return vec![prefix.to_vec()];
    };
    // A name is indented by two spaces; the lines of a long description by more.
    let names = listed.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names
        .flat_map(|name| commands(&[prefix, &[name.to_owned()]].concat()))
        .collect()
}
