"""Checks that the system-call filter of a systemd unit permits every call in a trace of strace.

Usage: system_calls.py TRACE UNIT
"""

import re
import subprocess
import sys
from pathlib import Path


def main(trace: str, unit: str) -> None:
    # A line is `PID name(…`, or `PID <... name resumed>…` for the rest of a call.
    made = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", Path(trace).read_text(), re.MULTILINE))
    assert {"pwrite64", "fdatasync"} & made, "the trace is not that of a program with a database"
    permitted: set[str] = set()
    for filters in re.findall(r"^SystemCallFilter=(.*)$", Path(unit).read_text(), re.MULTILINE):
        names = set().union(*map(calls, filters.removeprefix("~").split()))
        permitted = permitted - names if filters.startswith("~") else permitted | names
    # systemd itself executes the program.
    refused = made - permitted - {"execve"}
    assert not refused, f"{unit} refuses {', '.join(sorted(refused))}"
    print(f"{Path(unit).name} permits the {len(made)} system calls that are made, and {len(permitted)} in all")


def calls(name: str) -> set[str]:
    """The system calls of a name, which may be a group."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.check_output(["systemd-analyze", "--no-pager", "syscall-filter", name], text=True)
    members = (line.strip() for line in listed.splitlines()[1:])
    return set().union(*(calls(member) for member in members if member and not member.startswith("#")))


if __name__ == "__main__":
    main(*sys.argv[1:])
