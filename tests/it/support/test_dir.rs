//! The directory of a test: its files, its databases, and commands that run in it.
//!
//! Every process of a test has it as working directory, and none of the `LLAVERO_…` variables of the environment.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rusqlite::types::Value as Cell;
use serde_json::Value;
use tempfile::TempDir;

use super::{LONG_TIMEOUT, Outcome, Server, TIMEOUT, run};

/// The working directory of every process of a test.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The names of the files in it, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        self.snapshot().into_keys().collect()
    }

    /// The files in it with their bytes; a link with its target, and anything else or unreadable as empty.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let content = |path: &Path| match fs::read_link(path) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) if path.is_file() => fs::read(path).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, content(&path))
            })
            .collect()
    }

    /// `llavero` with `args`, in this directory.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_llavero"), args)
    }

    /// Another program, for instance a shell, in this directory.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("LLAVERO_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs `llavero` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        run(&mut self.command(args))
    }

    /// The output of `llavero` with `--json`.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let outcome = self.run(&[args, &["--json"]].concat());
        serde_json::from_str(outcome.success()).unwrap()
    }

    /// A database with the demo fixtures that no server has open.
    pub(crate) fn demo() -> Self {
        let dir = Self::new();
        dir.serve(&["--demo"]).stop();
        dir
    }

    /// Starts `llavero serve` on a free port.
    pub(crate) fn serve(&self, args: &[&str]) -> Server {
        Server::start(self.serve_command(args))
    }

    /// The same for a test that takes minutes.
    pub(crate) fn serve_long(&self, args: &[&str]) -> Server {
        Server::start_with_timeout(self.serve_command(args), LONG_TIMEOUT)
    }

    pub(crate) fn serve_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args);
        command
    }

    /// A token for `user` from `llavero token`.
    pub(crate) fn token(&self, user: &str, args: &[&str]) -> String {
        let outcome = self.run(&[&["token", "--user", user], args].concat());
        outcome.success().trim_end().to_owned()
    }

    /// A connection to a database file in it, as another program would have it.
    pub(crate) fn sqlite(&self, name: &str) -> rusqlite::Connection {
        #[expect(clippy::disallowed_methods, reason = "another program")]
        let conn = rusqlite::Connection::open(self.path(name)).unwrap();
        conn.busy_timeout(TIMEOUT).unwrap();
        conn
    }

    /// The content of a database file in it as text, without the planner's statistics, and without what a start of a server
    /// writes: its address, sign-in links, and the mark of the commit.
    pub(crate) fn dump(&self, name: &str) -> Vec<String> {
        let conn = self.sqlite(name);
        let schema = "SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'";
        let tables =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%'
             AND name NOT IN ('public_url', 'sign_in_codes', 'commit_mark')";
        let tables: Vec<String> = (conn.prepare(tables).unwrap())
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut dump = rows(&conn, schema);
        dump.extend(rows(
            &conn,
            "SELECT * FROM pragma_user_version, pragma_application_id",
        ));
        for table in tables {
            let content = rows(&conn, &format!("SELECT * FROM {table} ORDER BY 1, 2"));
            dump.extend(content.into_iter().map(|row| format!("{table}: {row}")));
        }
        dump
    }
}

fn rows(conn: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    let rows = statement.query_map([], row).unwrap();
    rows.map(|row: rusqlite::Result<Vec<Cell>>| format!("{:?}", row.unwrap()))
        .collect()
}
