"""A search whose processes are killed at random ends as an undisturbed one.

Runs the same search of 100 small jobs twice: left alone, and with kill -9 on the search itself or one of its
jobs at random moments, the same command given again whenever it ended. Prints whether the trained bits of
all jobs and the selections are equal.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from os import kill
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.branch_folder import RECORD
from centrabert.search.jobs.job_result import BRANCH

WAIT = 3.0, 12.0  # seconds between two kills, at least and at most


@dataclass
class Killer:
    """Kills the search or one of its jobs now and then, so many times in all."""

    left: int
    random: random.Random
    killed: Counter[str] = field(default_factory=Counter)

    def watch(self, search: subprocess.Popen[bytes]) -> int:
        """Until the search ends; returns its exit code."""
        while search.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                return search.wait(self.random.uniform(*WAIT) if self.left else None)
            self._kill(search.pid)
        return search.wait()

    def _kill(self, search: int) -> None:
        jobs = [("a job", pid) for pid in _children(search)]
        what, pid = self.random.choice([("the search", search), *jobs])
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
            self.left -= 1
            self.killed[what] += 1


def run(output_dir: Path, killer: Killer, seeds: int) -> None:
    """Searches twice, and prints what differs."""
    from benchmarks.harness.pipeline import minilm

    minilm(output_dir / "bert")
    alone, disturbed = output_dir / "alone", output_dir / "disturbed"
    start, starts, most = time.monotonic(), 0, 2 * killer.left + 1
    _search(output_dir, alone, seeds).wait()
    middle = time.monotonic()
    while killer.watch(_search(output_dir, disturbed, seeds)):
        starts += 1
        if starts > most:
            raise UserError(f"{disturbed}: the search fails even when it is left alone")
    print(f"alone {middle - start:.0f} s; disturbed {time.monotonic() - middle:.0f} s, {starts + 1} starts")
    print("killed: " + ", ".join(f"{what} {times} times" for what, times in sorted(killer.killed.items())))
    if killer.left:
        raise UserError(f"{disturbed}: ended {killer.left} kills too early; give it more --seeds")
    both = [_branches(folder) for folder in (alone, disturbed)]
    print(f"{len(both[0])} jobs; trained bits {'equal' if both[0] == both[1] else 'DIFFER'}")
    chosen = [_selection(folder) for folder in (alone, disturbed)]
    print(f"selections {'equal' if chosen[0] == chosen[1] else 'DIFFER'}: {chosen[0]}")
    if both[0] != both[1] or chosen[0] != chosen[1]:
        raise UserError(f"{disturbed}: is not what {alone} is")


def _search(output_dir: Path, folder: Path, seeds: int) -> subprocess.Popen[bytes]:
    space = (
        "--fine_tuning_layers=2,3",
        "--student_layers=1,2",
        "--strategy=exhaustive",
        "--num_train_epochs=1",
    )
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "centrabert.search.run_search", f"--bert_dir={output_dir / 'bert'}"),
            *("--data_root=glue_data/samples", "--tasks=sst2", *space, "--learning_rates=1e-4"),
            *(f"--seeds={','.join(map(str, range(seeds)))}", "--max_train_rows=128"),
            f"--output_dir={folder}",
        ]
    )


def _children(pid: int) -> list[int]:
    """Of all its threads; [] if it has just ended."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]
    return []


def _branches(folder: Path) -> dict[str, bytes]:
    """branch.json of every finished job, in which the digests of all its variables stand."""
    results = folder.glob("jobs/*/result.json")
    return {result.parent.name: (result.parent / BRANCH / RECORD).read_bytes() for result in results}


def _selection(folder: Path) -> list[str]:
    """What was selected, by the name of the job, which is the same in any folder."""
    options = json.loads((folder / "selection.json").read_text())["options"]
    return [f"{option['task']} {Path(option['folder']).parent.name}" for option in options]
