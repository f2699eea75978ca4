"""A search of fake jobs in a process of its own, to be killed: python fake_search.py OUTPUT_DIR STEPS."""

import sys
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import fake_job
import tiny_search

from centrabert.search.jobs.job_folder import SPEC, job_folder
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.progress import Lines
from centrabert.search.search_loop import Findings, Search
from centrabert.search.strategy.search_space import EXHAUSTIVE
from centrabert.search.workers.local_pool import LocalPool

# 2 tasks, 2 L, 2 seeds; then 1 l: 12 jobs, each of which costs a start of Python.
SPACE = tiny_search.space(fine_tuning_layers=(2, 3), student_layers=(1,), seeds=(0, 1), strategy=EXHAUSTIVE)


def command(
    jobs_dir: Path, steps: int = 2, how: Callable[[JobSpec], str] = lambda spec: "work"
) -> Callable[[JobSpec, Sequence[int]], list[str]]:
    """What a LocalPool is to run instead of run_job."""

    def words(spec: JobSpec, cores: Sequence[int]) -> list[str]:
        folder = job_folder(jobs_dir, spec.digest)
        (folder / fake_job.CORES).write_text(",".join(map(str, cores)))
        return [sys.executable, fake_job.__file__, how(spec), str(steps), str(folder / SPEC), str(jobs_dir)]

    return words


def search(output_dir: Path) -> Search:
    return Search(SPACE, output_dir, tiny_search.COST, cores=2)


def run(output_dir: Path, steps: int = 2, how: Callable[[JobSpec], str] = lambda spec: "work") -> Findings:
    """A search on two workers."""
    given = search(output_dir)
    pool = LocalPool(given.jobs_dir, ((0,), (1,)), command(given.jobs_dir, steps, how))
    return given.run(pool, Lines(StringIO()))


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
