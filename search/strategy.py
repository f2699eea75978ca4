"""Which jobs are worth their time, given what those that ended brought: pure decisions.

A strategy is a sequence of rungs. On each, the candidates that are left (an L with epochs and a learning
rate) are trained with so many seeds. `exhaustive`, the paper's, has one rung with all seeds. `halving`
doubles the seeds from rung to rung and leaves behind what noise cannot save (successive halving: Jamieson
and Talwalkar, 2016). Students are distilled from the candidate that is best at the end, and from no other.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from centrabert.search.candidate import Candidate, Scores, Standing, seed_noise, standings
from centrabert.search.job import JobSpec
from centrabert.search.space import EXHAUSTIVE, HALVING, SearchSpace, baselines, students, teachers


def wanted(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs that are worth running as far as can be told, ended ones included, the most urgent first.

    The more scores are known, the longer the list; no job is ever taken back. Once all of it has ended, the
    search is over.

    Args:
      dev_rows: For each task, how many rows a quality is measured on.
    """
    every = teachers(space)
    jobs: list[JobSpec] = []
    for task in space.tasks:
        own = [spec for spec in every if spec.task == task]
        jobs += _of_task(own, space, scores, dev_rows[task])
    return (*jobs, *baselines(space))


def winner(space: SearchSpace, task: str, scores: Scores, dev_rows: int) -> Candidate | None:
    """The candidate whose students are distilled, or None as long as it is not decided."""
    own = [spec for spec in teachers(space) if spec.task == task]
    return _climb(own, space, scores, dev_rows)[1]


def _of_task(own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int) -> list[JobSpec]:
    jobs, best = _climb(own, space, scores, dev_rows)
    chosen = [spec for spec in own if Candidate.of(spec) == best and scores[spec] is not None]
    # Small students of all seeds first: jobs that run at the same time have different teachers, so that each
    # teacher's logits are computed once.
    distilled = [student for teacher in chosen for student in students(teacher, space)]
    return jobs + sorted(distilled, key=lambda spec: spec.student_layers)


def _climb(
    own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], Candidate | None]:
    """The teachers to train, rung by rung as far as scores are known, and the best of the last rung."""
    alive = {Candidate.of(spec) for spec in own}
    jobs: list[JobSpec] = []
    for seeds in RUNGS[space.strategy](len(space.seeds)):
        rung = [spec for spec in own if Candidate.of(spec) in alive and spec.seed in space.seeds[:seeds]]
        jobs += [spec for spec in rung if spec not in jobs]
        if any(spec not in scores for spec in rung):
            return jobs, None
        ranked = standings(rung, scores)
        if not ranked:
            return jobs, None
        alive = {each.candidate for each in survivors(ranked, seed_noise(ranked, dev_rows))}
    return jobs, ranked[0].candidate


def survivors(ranked: Sequence[Standing], noise: float) -> list[Standing]:
    """Who goes on to the next rung.

    The better half, as far as their upper bounds reach the lower bound of the best; and whoever is cheaper
    than the best and within its noise, for on a tie that one is wanted.

    Args:
      ranked: The best first.
      noise: Standard deviation of one seed.
    """
    best, half = ranked[0], max(1, len(ranked) // 2)
    error = _error(best, noise)
    return [
        each
        for place, each in enumerate(ranked)
        if (place < half and each.mean + _error(each, noise) >= best.mean - error)
        or (_cheaper(each, best) and each.mean >= best.mean - error)
    ]


def _cheaper(one: Standing, other: Standing) -> bool:
    return one.candidate.fine_tuning_layers < other.candidate.fine_tuning_layers


def _error(standing: Standing, noise: float) -> float:
    return noise / math.sqrt(len(standing.qualities))


def _doubling(seeds: int) -> tuple[int, ...]:
    """1, 2, 4, ... and at last all."""
    powers = [2**power for power in range(seeds) if 2**power < seeds]
    return (*powers, seeds)


RUNGS: Mapping[str, Callable[[int], tuple[int, ...]]] = {
    EXHAUSTIVE: lambda seeds: (seeds,),
    HALVING: _doubling,
}
