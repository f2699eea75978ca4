"""One way to train a branch, run with several seeds: mean, spread and maximum."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.selection.numerics import billionths

# What differs between the seeds of one way: students of several seeds have one teacher, or one of each seed.
OF_ONE_SEED = ("seed", "teacher")


@dataclass(frozen=True)
class Runs:
    """Jobs that differ in their seed only, one at least. All figures are in percent.

    Attributes:
      jobs: By seed.
    """

    jobs: tuple[FinishedJob, ...]

    def __post_init__(self) -> None:
        settings = {_setting(job.spec) for job in self.jobs}
        if len(settings) != 1:
            raise UserError(f"{len(self.jobs)} jobs of {len(settings)} settings; wanted those of one")

    @property
    def spec(self) -> JobSpec:
        """Of the first seed; all others are like it."""
        return self.jobs[0].spec

    @property
    def tuned(self) -> int:
        """Layers of the task's own: l of a student, L of others."""
        return self.spec.student_layers or self.spec.fine_tuning_layers

    @property
    def mean(self) -> float:
        return statistics.fmean(job.percent for job in self.jobs)

    @property
    def deviation(self) -> float:
        """Standard deviation from seed to seed; 0 for a single one, of which it is not known."""
        return statistics.stdev(job.percent for job in self.jobs) if len(self.jobs) > 1 else 0.0

    @property
    def standard_error(self) -> float:
        """Of `mean`; 0 for a single seed."""
        return self.deviation / math.sqrt(len(self.jobs))

    @property
    def maximum(self) -> float:
        return self.best.percent

    @property
    def best(self) -> FinishedJob:
        """The job of the best seed, the first of equals."""
        return max(self.jobs, key=lambda job: job.result.quality)

    @property
    def order(self) -> tuple[int, int, int, float, float, str]:
        """Sort key: whatever has most seeds, then the better, then the cheaper.

        One with fewer seeds was given up by the search, or a seed of it diverged; its mean may be luck.
        """
        spec = self.spec
        cheapness = spec.fine_tuning_layers, spec.num_train_epochs, spec.learning_rate
        return -len(self.jobs), -billionths(self.mean), *cheapness, spec.digest


def by_setting(jobs: Iterable[FinishedJob]) -> tuple[Runs, ...]:
    """The jobs, those of one setting together; the most trustworthy and best settings first.

    Every seed counts once: of a seed's students the one whose teacher has that seed too, if there is one.
    """
    given = list(jobs)
    seeds = {job.spec.digest: job.spec.seed for job in given}
    grouped: dict[tuple[object, ...], dict[int, FinishedJob]] = defaultdict(dict)
    for job in sorted(given, key=lambda job: (seeds.get(job.spec.teacher) != job.spec.seed, job.folder)):
        grouped[_setting(job.spec)].setdefault(job.spec.seed, job)
    ordered = [[group[seed] for seed in sorted(group)] for group in grouped.values()]
    return tuple(sorted((Runs(tuple(group)) for group in ordered), key=lambda runs: runs.order))


def _setting(spec: JobSpec) -> tuple[object, ...]:
    return tuple(value for name, value in spec.to_json().items() if name not in OF_ONE_SEED)
