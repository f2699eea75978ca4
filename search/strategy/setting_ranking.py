"""How well the settings of a task's teachers have done, seed by seed."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from centrabert.search.jobs.job_spec import JobSpec, TrainingSetting
from centrabert.search.selection.numerics import to_billionths
from centrabert.search.selection.seed_group import SeedGroup


class Score(NamedTuple):
    """What a job brought that did not fail, in percent.

    Attributes:
      sampling_error: Of the quality; None if it is not known, see `SeedGroup.sampling_error`.
    """

    quality: float
    sampling_error: float | None = None


# None of a job that failed; a job that is absent has not ended.
Scores = Mapping[JobSpec, Score | None]


class ScoredSpec(NamedTuple):
    """A job that did not fail, and its score."""

    spec: JobSpec
    quality: float
    sampling_error: float | None = None


Ranked = SeedGroup[ScoredSpec]


def rank_settings(teachers: Iterable[JobSpec], scores: Scores) -> list[Ranked]:
    """The settings, the best by mean first, the cheaper of equals.

    One of which a seed failed is left out as long as there is one of which none did.
    """
    grouped: dict[TrainingSetting, list[JobSpec]] = defaultdict(list)
    for spec in teachers:
        grouped[spec.setting].append(spec)
    groups = list(grouped.values())
    whole = [group for group in groups if all(scores[spec] is not None for spec in group)]
    ranked = [SeedGroup(known) for group in whole or groups if (known := _known(group, scores))]
    return sorted(ranked, key=lambda group: (-to_billionths(group.mean), group.setting))


def seed_noise(ranked: Sequence[Ranked], dev_rows: int) -> float:
    """Standard deviation of the quality from seed to seed, in percent.

    Pooled over the settings with several seeds, and never below the sampling error of the best: with few
    seeds the spread that is seen may be small by chance.

    Args:
      dev_rows: As for `SeedGroup.sampling_error`.
    """
    freedom = sum(len(group.jobs) - 1 for group in ranked)
    squares = sum(_squares(group) for group in ranked)
    floor = ranked[0].sampling_error(dev_rows)
    return max(floor, math.sqrt(squares / freedom)) if freedom else floor


def _known(group: Iterable[JobSpec], scores: Scores) -> tuple[ScoredSpec, ...]:
    return tuple(ScoredSpec(spec, *score) for spec in group if (score := scores[spec]) is not None)


def _squares(group: Ranked) -> float:
    qualities = [job.quality for job in group.jobs]
    mean = statistics.fmean(qualities)
    return math.fsum((quality - mean) ** 2 for quality in qualities)
