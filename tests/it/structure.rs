//! Rules that the compiler does not check: the direction of dependencies, headers and lengths of files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders or files under `src/`, and what nothing outside of them may name.
const KEPT_INSIDE: [(&[&str], &[&str]); 8] = [
    (&["api", "dashboard"], &["poem::"]),
    (&["api"], &["poem_openapi", "hyper::server"]),
    (&["store/sqlite"], &["rusqlite", "r2d2", "prepare_cached"]),
    (&["cli"], &["clap::"]),
    (&["token"], &["jsonwebtoken"]),
    (&["tls"], &["rustls"]),
    (&["cli", "key_set"], &["hyper::client", "client::conn"]),
    (&["metrics"], &["prometheus_client"]),
];

/// A folder or file under `src/`, and the parts of the crate that it must not use.
const MUST_NOT_USE: [(&str, &[&str]); 12] = [
    ("model", &["crate::"]),
    ("metrics", &["crate::"]),
    ("tls", &["crate::"]),
    (
        "key_set",
        &[
            "crate::key_validation",
            "crate::api",
            "crate::dashboard",
            "crate::app",
            "crate::cli",
            "crate::fixtures",
            "crate::sandbox",
        ],
    ),
    (
        "rate_limit",
        &["crate::store", "crate::api", "crate::app", "crate::cli"],
    ),
    (
        "key_validation",
        &[
            "crate::api",
            "crate::dashboard",
            "crate::cli",
            "crate::fixtures",
        ],
    ),
    (
        "token",
        &[
            "crate::store",
            "crate::key_set",
            "crate::api",
            "crate::dashboard",
            "crate::app",
            "crate::cli",
            "crate::fixtures",
        ],
    ),
    (
        "store",
        &[
            "crate::token",
            "crate::key_set",
            "crate::key_validation",
            "crate::api",
            "crate::dashboard",
            "crate::app",
            "crate::cli",
            "crate::fixtures",
        ],
    ),
    ("api", &["crate::dashboard", "crate::cli"]),
    (
        "dashboard",
        &["crate::cli", "crate::sandbox", "crate::fixtures"],
    ),
    (
        "fixtures",
        &[
            "crate::store",
            "crate::api",
            "crate::dashboard",
            "crate::cli",
            "crate::sandbox",
        ],
    ),
    ("sandbox", &["crate::api", "crate::dashboard", "crate::cli"]),
];

/// A longer file begins with a header: what it does, an empty line, and its callers or the invariant that it keeps.
const MAX_LINES_WITHOUT_HEADER: usize = 60;
const MIN_HEADER_LINES: usize = 3;

const MAX_LINES: usize = 400;

/// Every source file: its path under `src/`, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, root: &Path, sources: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, sources);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    assert!(sources.len() > 30, "only {} files found", sources.len());
    sources
}

/// The code of a file: no comments, where other parts may be spoken of.
fn code(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn is_in(path: &Path, part: &str) -> bool {
    path.starts_with(part) || path == Path::new(part).with_extension("rs")
}

#[test]
fn each_library_stays_in_its_layer() {
    for (path, text) in sources() {
        for (layers, names) in KEPT_INSIDE {
            let is_inside = layers.iter().any(|layer| is_in(&path, layer));
            for name in names.iter().filter(|_| !is_inside) {
                assert!(
                    !code(&text).contains(name),
                    "{} uses {name}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    for (path, text) in sources() {
        for (layer, parts) in MUST_NOT_USE {
            for part in parts.iter().filter(|_| is_in(&path, layer)) {
                assert!(
                    !code(&text).contains(part),
                    "{} uses {part}",
                    path.display()
                );
            }
        }
    }
}

/// Returns the number of lines of a file's header: its first comment.
fn header_lines(text: &str) -> usize {
    let is_header =
        |line: &&str| line.starts_with("//!") || line.starts_with("/* ") || line.starts_with("   ");
    text.lines().take_while(is_header).count()
}

#[test]
fn files_have_headers_and_at_most_400_lines() {
    for (path, text) in sources() {
        let header = header_lines(&text);
        let lines = text.lines().count();
        assert!(
            lines <= MAX_LINES_WITHOUT_HEADER || header >= MIN_HEADER_LINES,
            "{} has {lines} lines and a header of {header}",
            path.display()
        );
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

/// `.cargo/config.toml` has the flags, which double the speed of reads. Cargo ignores the file when it runs elsewhere.
#[test]
fn sqlite_is_compiled_with_the_flags_of_the_project() {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    let mut statement = conn.prepare("PRAGMA compile_options").unwrap();
    let options = statement.query_map([], |row| row.get(0)).unwrap();
    let options: Vec<String> = options.map(Result::unwrap).collect();
    let has = |name: &str| options.iter().any(|option| option == name);
    assert!(has("DEFAULT_MEMSTATUS=0"), "{options:?}");
    assert!(!has("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
}
