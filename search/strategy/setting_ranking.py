"""What a teacher is but for its seed, and how well its seeds have done."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.selection.numerics import billionths
from centrabert.search.selection.sampling_error import sampling_error

# Job -> its quality as a fraction, or None if it failed; a job that is absent has not ended.
Scores = Mapping[JobSpec, float | None]


@dataclass(frozen=True, order=True)
class Candidate:
    """One way to train the teacher of a task; the cheaper sorts first."""

    fine_tuning_layers: int
    num_train_epochs: float
    learning_rate: float

    @classmethod
    def of(cls, spec: JobSpec) -> "Candidate":
        return cls(spec.fine_tuning_layers, spec.num_train_epochs, spec.learning_rate)


@dataclass(frozen=True)
class Standing:
    """A candidate and the quality of every seed that it was trained with, one at least."""

    candidate: Candidate
    qualities: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.qualities)

    @property
    def order(self) -> tuple[int, Candidate]:
        """Sort key: the better first, the cheaper on a tie."""
        return -billionths(self.mean), self.candidate


def standings(teachers: Iterable[JobSpec], scores: Scores) -> list[Standing]:
    """The candidates, best first.

    One of which a seed failed is left out as long as there is one of which none did.
    """
    grouped: dict[Candidate, list[float | None]] = defaultdict(list)
    for spec in teachers:
        grouped[Candidate.of(spec)].append(scores[spec])
    whole = {candidate: found for candidate, found in grouped.items() if None not in found}
    ranked = [
        Standing(candidate, tuple(quality for quality in found if quality is not None))
        for candidate, found in (whole or grouped).items()
    ]
    return sorted((each for each in ranked if each.qualities), key=lambda each: each.order)


def seed_noise(ranked: Sequence[Standing], dev_rows: int) -> float:
    """Standard deviation of the quality from seed to seed, as a fraction.

    Pooled over the candidates with several seeds, and never below the standard error of a share measured on
    `dev_rows` rows: with few seeds the spread that is seen may be small by chance.
    """
    freedom = sum(len(each.qualities) - 1 for each in ranked)
    squares = sum(_squares(each.qualities) for each in ranked)
    floor = sampling_error(ranked[0].mean, dev_rows)
    return max(floor, math.sqrt(squares / freedom)) if freedom else floor


def _squares(qualities: Sequence[float]) -> float:
    mean = statistics.fmean(qualities)
    return math.fsum((quality - mean) ** 2 for quality in qualities)
