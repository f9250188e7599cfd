//! `llavero completions`: a script for each shell, tried in bash.

use crate::support::{TestDir, run, tool};

#[test]
fn completions_for_every_shell_have_the_commands() {
    let home = TestDir::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = home.run(&["completions", shell]);
        let script = outcome.success();
        for word in ["rotate", "--rate-limit", "healthcheck"] {
            let word = if shell == "fish" {
                word.trim_start_matches("--")
            } else {
                word
            };
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    home.run(&["completions", "cmd"]).failure(2);
}

#[test]
fn completions_in_bash_complete_a_command_and_the_roles() {
    if !tool("bash") {
        return;
    }
    let home = TestDir::new();
    let complete = |words: &str| {
        let words_before: Vec<&str> = words.split(' ').collect();
        let [.., previous, current] = words_before[..] else {
            panic!("{words}");
        };
        let script = format!(
            "source <({} completions bash); COMP_WORDS=({words}); COMP_CWORD={}; \
             _llavero llavero '{current}' '{previous}' 2>/dev/null; echo \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_llavero"),
            words_before.len() - 1,
        );
        let outcome = run(&mut home.program("bash", &["-c", &script]));
        outcome.success().trim().to_owned()
    };
    assert_eq!(complete("llavero key ro"), "rotate");
    assert_eq!(complete("llavero member add --role a"), "admin");
}
