//! Output for people: tables that fit the terminal, colours, and escaped control characters.

use crate::support::{Outcome, TestDir, run, tool};

/// Runs a command on a terminal of so many columns, where there is a program that makes one. Logs of a CI service
/// show colours on any terminal, so `CI` is unset.
fn on_a_terminal(home: &TestDir, columns: u16, variables: &str, args: &str) -> Option<Outcome> {
    if !tool("script") {
        return None;
    }
    let command = format!(
        "stty rows 50 cols {columns}; env -u CI {variables} {} {args}",
        env!("CARGO_BIN_EXE_llavero")
    );
    Some(run(
        &mut home.program("script", &["-qec", &command, "/dev/null"])
    ))
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap()
}

fn home_with_a_long_name() -> TestDir {
    let home = TestDir::demo();
    let name = "A name that is longer than any table has room for in its line, by far: ninety-nine characters!!";
    home.json(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        name,
        "--description",
        &"long ".repeat(100),
    ]);
    home
}

/// The output on a terminal of 80 columns. `None` if no terminal can be made.
fn on_80_columns(home: &TestDir, args: &[&str]) -> Option<String> {
    let outcome = on_a_terminal(home, 80, "NO_COLOR=1", &args.join(" "))?;
    assert!(outcome.status.success(), "{outcome:?}");
    Some(outcome.stdout.replace('\r', ""))
}

#[test]
fn output_fits_80_columns_and_has_no_colours_in_a_pipe() {
    let home = home_with_a_long_name();
    let id = home.json(&["key", "list", "--org", "acme-corp"])[0]["id"].clone();
    for args in [
        &["org", "list"][..],
        &["member", "list", "--org", "acme-corp"],
        &["key", "list", "--org", "acme-corp"],
        &["key", "show", id.as_str().unwrap()],
        &["key", "rotate", id.as_str().unwrap(), "--replace-new"],
        &["audit", "--org", "acme-corp"],
    ] {
        if let Some(text) = on_80_columns(&home, args) {
            assert!(widest(&text) <= 80, "{text}");
            assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
        }
        let outcome = home.run(args);
        assert!(!outcome.success().contains('\u{1b}'), "{outcome:?}");
    }
}

#[test]
fn output_to_a_pipe_has_one_line_per_row() {
    let home = home_with_a_long_name();
    let outcome = home.run(&["key", "list", "--org", "acme-corp"]);
    let keys = home.json(&["key", "list", "--org", "acme-corp"]);
    let lines = outcome.success().lines().skip(1);
    for (line, key) in lines.zip(keys.as_array().unwrap()) {
        for field in ["id", "name", "preview", "status"] {
            assert!(line.contains(key[field].as_str().unwrap()), "{line}");
        }
    }
}

#[test]
fn output_never_breaks_ids_and_keeps_names_whole() {
    let home = home_with_a_long_name();
    let Some(text) = on_80_columns(&home, &["key", "list", "--org", "acme-corp"]) else {
        return;
    };
    let list = home.json(&["key", "list", "--org", "acme-corp"]);
    for key in list.as_array().unwrap() {
        assert!(text.contains(key["id"].as_str().unwrap()), "{text}");
        for word in key["name"].as_str().unwrap().split(' ') {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }
}

#[test]
fn output_has_colours_on_a_terminal_unless_disabled() {
    let home = TestDir::demo();
    for (variables, colours) in [
        ("NO_COLOR= TERM=xterm", true),
        ("NO_COLOR=1 TERM=xterm", false),
        ("NO_COLOR= TERM=dumb", false),
    ] {
        let Some(outcome) = on_a_terminal(&home, 80, variables, "key list --org acme-corp") else {
            return;
        };
        assert!(outcome.stdout.contains("Production"), "{outcome:?}");
        assert_eq!(
            outcome.stdout.contains('\u{1b}'),
            colours,
            "{variables}: {outcome:?}"
        );
    }
}

#[test]
fn output_uses_the_width_of_the_terminal() {
    let home = home_with_a_long_name();
    for (columns, broken) in [(80, true), (200, false)] {
        let variables = "NO_COLOR=1";
        let args = "key list --org acme-corp";
        let Some(outcome) = on_a_terminal(&home, columns, variables, args) else {
            return;
        };
        let whole = "longer than any table has room for in its line, by far";
        assert_eq!(outcome.stdout.contains(whole), !broken, "{outcome:?}");
    }
}

#[test]
fn output_escapes_terminal_control_characters_in_names() {
    let home = TestDir::demo();
    let name = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nforged\u{202e}\u{200b}\u{2028}\u{feff}\u{e0041}";
    let key = home.json(&[
        "key",
        "create",
        "--org",
        "acme-corp",
        "--name",
        name,
        "--description",
        name,
    ]);
    assert_eq!(key["name"], name);
    let user = ["--org", "acme-corp", "--user", name];
    let id = key["id"].as_str().unwrap();
    for args in [
        &["key", "list", "--org", "acme-corp"][..],
        &["key", "show", id],
        &["key", "revoke", id],
        &[&["member", "add"], &user[..]].concat(),
        &["member", "list", "--org", "acme-corp"],
        &["audit", "--org", "acme-corp"],
        &[&["member", "remove"], &user[..]].concat(),
    ] {
        let outcome = home.run(args);
        let text = outcome.success();
        let odd = text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || "\u{202e}\u{200b}\u{2028}\u{feff}\u{e0041}".contains(*c)
        });
        assert_eq!(odd, None, "{text:?}");
        assert!(!text.contains("\nforged"), "{text:?}");
    }
}

#[test]
fn output_to_a_closed_pipe_is_no_error() {
    let home = TestDir::demo();
    let script = format!(
        "{} key list --org acme-corp | true",
        env!("CARGO_BIN_EXE_llavero")
    );
    let outcome = run(&mut home.program("sh", &["-c", &script]));
    outcome.success();
}
