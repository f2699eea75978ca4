"""Programs that only write down how they were called, to run shell scripts with."""

import os
import shlex
import subprocess
from pathlib import Path


def stub(folder: Path, name: str, body: str = "") -> None:
    """A program that appends its folder and arguments to the file calls, then does what `body` says."""
    folder.mkdir(exist_ok=True)
    log = shlex.quote(str(folder / "calls"))
    path = folder / name
    path.write_text(f'#!/bin/sh\nprintf \'%s\\0\' {name} "$PWD" "$@" >> {log}\necho >> {log}\n{body}\n')
    path.chmod(0o755)


def calls(folder: Path) -> list[list[str]]:
    """Every call so far: program, its current folder, arguments."""
    log = folder / "calls"
    return [line.split("\0")[:-1] for line in log.read_text().splitlines()] if log.exists() else []


def run(argv: list[str], stubs: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that finds the stubs before all other programs, in an environment of nothing else."""
    environment = {"PATH": f"{stubs}:{os.environ['PATH']}", **variables}
    return subprocess.run(argv, cwd=stubs, env=environment, capture_output=True, text=True, timeout=60)


def run_script(text: str, folder: Path, stubs: Path) -> subprocess.CompletedProcess[str]:
    """As `run`, for a shell script that stands in `folder`."""
    (folder / "submit.sh").write_text(text)
    return run(["sh", str(folder / "submit.sh")], stubs)
