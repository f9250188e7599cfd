//! Start and memory of the real binary with a large file.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::process::{Process, listening};

/// The number of starts, of which the median is printed.
const STARTS: usize = 5;

/// Prints the time from the start to `listening`, and the resident memory at that time.
pub(crate) fn report(database: &Path) {
    let mut starts: Vec<_> = (0..STARTS).map(|_| start(database)).collect();
    starts.sort_unstable();
    let (time, kibibytes) = starts[STARTS / 2];
    println!("start to `listening`: {} ms", time.as_millis());
    println!("resident memory at rest: {} MiB", kibibytes / 1024);
}

/// Starts the server and ends it. Returns the time to its first line, and its resident memory in KiB; 0 where it cannot be
/// read.
fn start(database: &Path) -> (Duration, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llavero"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--database"]);
    command.arg(database).stderr(Stdio::null());
    let started = Instant::now();
    let mut process = Process::spawn(command);
    let line = process.next_line();
    let time = started.elapsed();
    listening(&line).expect("a line with its address");
    (time, resident(process.child.0.id()).unwrap_or_default())
}

fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
