"""One way to train a branch, with the qualities of its seeds: mean, spread and maximum."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from centrabert.errors import UserError
from centrabert.glue_data.sampling_error import share_error
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.jobs.job_spec import JobSpec, TrainingSetting
from centrabert.search.selection.numerics import to_billionths

# What differs between the seeds of one way: students of several seeds have one teacher, or one of each seed.
OF_ONE_SEED = ("seed", "teacher")


class ScoredJob(Protocol):
    """A job whose quality, in percent, is known: a FinishedJob, or a ScoredSpec that a strategy is given."""

    @property
    def spec(self) -> JobSpec: ...

    @property
    def quality(self) -> float: ...

    @property
    def sampling_error(self) -> float | None:
        """By how much `quality` would differ had dev other rows; None if it is not known."""
        ...


Job = TypeVar("Job", bound=ScoredJob)


@dataclass(frozen=True)
class SeedGroup(Generic[Job]):
    """Jobs that differ in their seed only, one at least. All figures are in percent.

    Attributes:
      jobs: By seed.
    """

    jobs: tuple[Job, ...]

    def __post_init__(self) -> None:
        settings = {_without_seed(job.spec) for job in self.jobs}
        if len(settings) != 1:
            raise UserError(f"{len(self.jobs)} jobs of {len(settings)} settings; wanted those of one")

    @property
    def spec(self) -> JobSpec:
        """Of the first seed; all others are like it."""
        return self.jobs[0].spec

    @property
    def setting(self) -> TrainingSetting:
        return self.spec.setting

    @property
    def tuned(self) -> int:
        """Layers of the task's own: l of a student, L of others."""
        return self.spec.student_layers or self.spec.fine_tuning_layers

    @property
    def mean(self) -> float:
        return statistics.fmean(job.quality for job in self.jobs)

    @property
    def deviation(self) -> float:
        """Standard deviation from seed to seed; 0 for a single one, of which it is not known."""
        return statistics.stdev(job.quality for job in self.jobs) if len(self.jobs) > 1 else 0.0

    def sampling_error(self, dev_rows: int | None = None) -> float:
        """By how much the quality of a seed would differ had dev other rows: its standard error.

        Args:
          dev_rows: How many dev has. Where a job, of an older version, does not know its error, the quality
            is taken for a share of so many rows; without them it is 0.
        """
        known = [job.sampling_error for job in self.jobs if job.sampling_error is not None]
        if len(known) == len(self.jobs):
            return statistics.fmean(known)
        return 100 * share_error(self.mean / 100, dev_rows) if dev_rows else 0.0

    def standard_error(self, dev_rows: int | None = None) -> float:
        """Of `mean`: seeds are taken to differ by no less than other rows of dev would make them.

        Args:
          dev_rows: As for `sampling_error`.
        """
        return max(self.deviation, self.sampling_error(dev_rows)) / math.sqrt(len(self.jobs))

    @property
    def maximum(self) -> float:
        return self.best.quality

    @property
    def best(self) -> Job:
        """The job of the best seed, the first of equals."""
        return max(self.jobs, key=lambda job: job.quality)

    @property
    def order(self) -> tuple[int, int, TrainingSetting, str]:
        """Sort key: whatever has most seeds, then the better, then the cheaper.

        One with fewer seeds was given up by the search, or a seed of it diverged; its mean may be luck.
        """
        return -len(self.jobs), -to_billionths(self.mean), self.setting, self.spec.digest


FinishedGroup = SeedGroup[FinishedJob]


def seed_groups(jobs: Iterable[FinishedJob]) -> tuple[FinishedGroup, ...]:
    """The jobs, those of one setting together; the most trustworthy and best settings first.

    Every seed counts once: of a seed's students the one whose teacher has that seed too, if there is one.
    """
    given = list(jobs)
    seeds = {job.spec.digest: job.spec.seed for job in given}
    grouped: dict[tuple[object, ...], dict[int, FinishedJob]] = defaultdict(dict)
    for job in sorted(given, key=lambda job: (seeds.get(job.spec.teacher) != job.spec.seed, job.folder)):
        grouped[_without_seed(job.spec)].setdefault(job.spec.seed, job)
    ordered = [[group[seed] for seed in sorted(group)] for group in grouped.values()]
    return tuple(sorted((SeedGroup(tuple(group)) for group in ordered), key=lambda group: group.order))


def _without_seed(spec: JobSpec) -> tuple[object, ...]:
    return tuple(value for name, value in spec.to_json().items() if name not in OF_ONE_SEED)
