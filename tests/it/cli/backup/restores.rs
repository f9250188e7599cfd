//! What a restore puts in place, moves aside, reports and refuses.

use std::fs;

use super::{COPY, aside, assert_whole, back_up, create_key, put_in_place, restore};
use crate::support::{ANA, DATABASE, TestDir};

#[test]
fn restore_puts_the_copy_in_place_and_moves_the_current_file_aside() {
    let home = TestDir::demo();
    back_up(&home);
    create_key(&home, "lost");
    let (copy, current) = (home.dump(COPY), home.dump(DATABASE));
    let report = restore(&home, &[]);
    assert_eq!(report[0], "restored llavero.db from copy.db");
    assert_eq!(
        report[1],
        "lost since the copy: 1 audit entries, 0 organizations, 1 keys, 0 uses"
    );
    assert_eq!(report.len(), 3, "{report:?}");
    assert!(home.dump(DATABASE) == copy);
    let [aside] = &aside(&home)[..] else {
        panic!("{:?}", home.files());
    };
    assert!(report[2].ends_with(aside.as_str()), "{report:?}");
    assert!(home.dump(aside) == current);
    assert!(home.dump(COPY) == copy);
    home.serve(&[]).stop();
}

#[test]
fn restore_moves_the_log_of_a_killed_server_aside() {
    let home = TestDir::demo();
    let server = home.serve(&[]);
    create_key(&home, "before");
    back_up(&home);
    create_key(&home, "in the log only");
    server.signal("KILL");
    drop(server);
    assert!(fs::metadata(home.path("llavero.db-wal")).unwrap().len() > 0);
    let report = restore(&home, &[]);
    assert!(report[1].contains("1 keys"), "{report:?}");
    assert!(
        home.files()
            .iter()
            .any(|name| name.starts_with("llavero.db-before-") && name.ends_with("-wal"))
    );
    assert!(!home.path("llavero.db-wal").exists());
    assert_whole(&home, DATABASE);
    home.serve(&[]).stop();
    assert!(home.dump(DATABASE) == home.dump(COPY));
    // The log is beside the file that it belongs to.
    let database = aside(&home)
        .into_iter()
        .find(|name| name.ends_with('Z'))
        .unwrap();
    let keys = home.json(&["key", "list", "--org", "acme-corp", "--database", &database]);
    assert!(keys.to_string().contains("in the log only"));
}

#[test]
fn restore_of_a_foreign_log_moves_it_aside() {
    let home = TestDir::demo();
    let server = home.serve(&[]);
    create_key(&home, "x");
    back_up(&home);
    create_key(&home, "y");
    server.signal("KILL");
    drop(server);
    // What `cp` does to a database.
    put_in_place(&home, COPY);
    let outcome = home.run(&["restore", COPY]);
    assert!(outcome.failure(1).contains("--as-it-was"), "{outcome:?}");
    restore(&home, &["--as-it-was"]);
    assert!(home.dump(DATABASE) == home.dump(COPY));
    home.serve(&[]).stop();
}

#[test]
fn restore_without_a_current_file_creates_it() {
    let home = TestDir::demo();
    back_up(&home);
    for file in [DATABASE, "llavero.db-lock"] {
        fs::remove_file(home.path(file)).unwrap();
    }
    assert_eq!(
        restore(&home, &[])[1],
        "there was no current file: nothing is lost"
    );
    assert!(home.dump(DATABASE) == home.dump(COPY));
    assert_eq!(aside(&home), [""; 0]);
    fs::write(home.path(DATABASE), "").unwrap();
    assert_eq!(
        restore(&home, &[])[1],
        "there was no current file: nothing is lost"
    );
    assert_eq!(aside(&home).len(), 1);
}

#[test]
fn restore_dry_run_reports_beside_a_server_and_changes_nothing() {
    let home = TestDir::demo();
    let key = create_key(&home, "x");
    back_up(&home);
    home.run(&["key", "revoke", super::id(&key)]).success();
    let server = home.serve(&[]);
    let before = home.files();
    let content = home.dump(DATABASE);
    let report = restore(&home, &["--dry-run"]);
    assert_eq!(
        report[0],
        "copy.db can be restored to llavero.db; nothing was changed"
    );
    assert!(
        report[2].starts_with("would apply again: acme-corp: key "),
        "{report:?}"
    );
    assert_eq!(home.files(), before);
    server.stop();
    assert!(home.dump(DATABASE) == content);
}

#[test]
fn restore_is_refused_while_a_server_uses_the_file() {
    let home = TestDir::demo();
    back_up(&home);
    let server = home.serve(&[]);
    let before = home.files();
    let outcome = home.run(&["restore", COPY]);
    assert!(outcome.failure(2).contains("already served"), "{outcome:?}");
    assert_eq!(home.files(), before);
    server.stop();
}

#[test]
fn restore_refuses_a_damaged_copy_and_one_with_wrong_sums() {
    let home = TestDir::demo();
    back_up(&home);
    let mut bytes = fs::read(home.path(COPY)).unwrap();
    bytes[3 * 4096..].fill(7);
    home.write("torn.db", &bytes);
    fs::copy(home.path(COPY), home.path("wrong.db")).unwrap();
    home.sqlite("wrong.db")
        .execute("UPDATE organization_totals SET errors = errors + 1", [])
        .unwrap();
    let before = home.snapshot();
    for (name, found) in [
        ("torn.db", "is damaged"),
        ("wrong.db", "errors over the keys"),
    ] {
        for args in [&[][..], &["--dry-run"], &["--as-it-was"]] {
            let outcome = home.run(&[&["restore", name], args].concat());
            assert!(outcome.failure(1).contains(found), "{outcome:?}");
            assert!(home.snapshot() == before, "{:?}", home.files());
        }
    }
}

#[test]
fn restore_refuses_what_is_not_a_complete_copy() {
    let home = TestDir::demo();
    back_up(&home);
    home.write("text.db", "text");
    home.write("empty.db", "");
    fs::copy(home.path(COPY), home.path("logged.db")).unwrap();
    home.write("logged.db-wal", "frames");
    fs::copy(home.path(COPY), home.path("newer.db")).unwrap();
    home.sqlite("newer.db")
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let before = home.snapshot();
    for (name, words) in [
        ("missing.db", "cannot read the copy"),
        ("text.db", "not a llavero database"),
        ("empty.db", "not a llavero database"),
        ("logged.db", "logged.db-wal"),
        ("newer.db", "use a newer llavero"),
        (DATABASE, "current file itself"),
    ] {
        let outcome = home.run(&["restore", name]);
        assert!(outcome.failure(2).contains(words), "{outcome:?}");
        assert!(home.snapshot() == before, "{name}: {:?}", home.files());
    }
}

#[test]
fn restore_over_a_file_that_cannot_be_read_needs_as_it_was() {
    let home = TestDir::demo();
    back_up(&home);
    let whole = fs::read(home.path(DATABASE)).unwrap();
    let mut torn = whole.clone();
    torn[3 * 4096..].fill(7);
    for content in [&b"text"[..], &torn] {
        home.write(DATABASE, content);
        let before = home.snapshot();
        for args in [&[][..], &["--dry-run"]] {
            let outcome = home.run(&[&["restore", COPY], args].concat());
            assert!(
                outcome.failure(1).contains("add --as-it-was"),
                "{outcome:?}"
            );
            assert!(home.snapshot() == before, "{:?}", home.files());
        }
        let report = restore(&home, &["--as-it-was"]);
        assert!(report[1].starts_with("as it was"), "{report:?}");
        assert!(home.dump(DATABASE) == home.dump(COPY));
    }
    assert_eq!(aside(&home).len(), 2);
}

#[test]
fn restore_of_a_copy_in_wal_mode_leaves_the_copy_as_it_is() {
    let home = TestDir::demo();
    fs::copy(home.path(DATABASE), home.path(COPY)).unwrap();
    let bytes = fs::read(home.path(COPY)).unwrap();
    assert_eq!(bytes[18..20], [2, 2]);
    restore(&home, &[]);
    assert!(fs::read(home.path(COPY)).unwrap() == bytes);
    assert!(!home.files().iter().any(|name| name.starts_with("copy.db-")));
    assert_whole(&home, DATABASE);
    home.serve(&[]).stop();
}

#[test]
fn restore_deletes_sessions_and_sign_in_codes() {
    let home = TestDir::demo();
    home.run(&["login", "--user", ANA]).success();
    home.sqlite(DATABASE)
        .execute(
            "INSERT INTO sessions VALUES (randomblob(32), 'u', 253402300799999)",
            [],
        )
        .unwrap();
    let target = home.path(COPY);
    let vacuum = format!("VACUUM INTO '{}'", target.display());
    home.sqlite(DATABASE).execute_batch(&vacuum).unwrap();
    restore(&home, &[]);
    for table in ["sessions", "sign_in_codes"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = home
            .sqlite(DATABASE)
            .query_row(&count, [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn unfinished_restore_is_refused_by_every_command_until_it_is_repeated() {
    let home = TestDir::demo();
    back_up(&home);
    let content = home.dump(DATABASE);
    home.write("llavero.db-restore-unfinished", "-before-1\n");
    fs::rename(home.path(DATABASE), home.path("llavero.db-before-1")).unwrap();
    fs::copy(home.path(COPY), home.path("llavero.db-restoring")).unwrap();
    let before = home.snapshot();
    for args in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["org", "list"],
        &["org", "create", "--name", "x"],
        &["token", "--user", ANA],
        &["backup", "other.db"],
        &["restore", COPY, "--dry-run"],
    ] {
        let outcome = home.run(args);
        assert!(
            outcome.failure(2).contains("run `llavero restore` again"),
            "{outcome:?}"
        );
        assert!(home.snapshot() == before, "{args:?}: {:?}", home.files());
    }
    restore(&home, &[]);
    assert!(home.dump(DATABASE) == home.dump(COPY));
    let [aside] = &aside(&home)[..] else {
        panic!("{:?}", home.files());
    };
    assert!(home.dump(aside) == content);
}
