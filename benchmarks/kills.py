"""What is killed at random ends as what was left alone: searches, and changes of a model store.

    python -m benchmarks.kills search
    python -m benchmarks.kills store --kills=200

The same search of 100 small jobs is run twice: left alone, and with kill -9 on the search itself or one of
its jobs at random moments, the same command given again whenever it ended; it prints whether the trained bits
of all jobs and the selections are equal. A store is changed over and over by a process that is killed at a
random moment; then another one opens it, and checks that it is the old or the new one and every byte right.
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.flag_fields import define, flag, read


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    verb: str = flag("What is killed; it may stand first, without --verb=.", choices=("search", "store"))
    output_dir: Path = flag(
        "Folder to write into; what an earlier run left there is removed.", Path("output/kills")
    )
    kills: int = flag("Number of processes to kill.", 20, lower_bound=1)
    seeds: int = flag("search: number of its seeds; it has four jobs for each.", 25, lower_bound=1)
    seed: int = flag("Random seed of the moments of the kills, and of which process is killed.", 0)


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    shutil.rmtree(run.output_dir, ignore_errors=True)
    chance = random.Random(run.seed)  # noqa: S311
    if run.verb == "search":
        from benchmarks.harness import search_kills

        search_kills.run(run.output_dir, search_kills.Killer(run.kills, chance), run.seeds)
    else:
        from benchmarks.harness import store_kills

        store_kills.run(run.output_dir, run.kills, chance)


if __name__ == "__main__":
    command.run(main, FLAGS)
