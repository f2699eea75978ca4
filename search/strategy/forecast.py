"""What a search has still to do: its strategy is asked what it would want if jobs ended so or so."""

from collections.abc import Callable, Mapping

from centrabert.search.jobs.job_spec import STUDENT, TEACHER, JobSpec
from centrabert.search.strategy.search_space import SearchSpace, teachers
from centrabert.search.strategy.setting_ranking import Candidate, Scores
from centrabert.search.strategy.strategy import wanted

# Qualities that no noise takes for one another, and that are such as a metric has: the noise depends on them.
GOOD, BAD, PERFECT, NOTHING = 0.9, 0.1, 1.0, 0.0


def at_most(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of the longest search: the most expensive candidate is the best, no student comes near it."""
    last = len(_ranks(space)) - 1
    return _forecast(space, scores, dev_rows, lambda rank: GOOD if rank == last else BAD, NOTHING)


def at_least(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of a search that is decided at once: the cheapest candidate is best, and its students."""
    return _forecast(space, scores, dev_rows, lambda rank: BAD if rank else GOOD, PERFECT)


def sure(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """The jobs that are wanted whichever candidate is the best, be it the cheapest or the most expensive."""
    first = set(at_least(space, scores, dev_rows))
    return tuple(spec for spec in at_most(space, scores, dev_rows) if spec in first)


def _ranks(space: SearchSpace) -> dict[Candidate, int]:
    """The places of the candidates, the cheapest first."""
    candidates = sorted({Candidate.of(spec) for spec in teachers(space)})
    return {candidate: place for place, candidate in enumerate(candidates)}


def _forecast(
    space: SearchSpace,
    scores: Scores,
    dev_rows: Mapping[str, int],
    teacher: Callable[[int], float],
    student: float,
) -> tuple[JobSpec, ...]:
    """The jobs of a search in which whatever is not known ends as is said here.

    Args:
      teacher: Rank of a candidate -> its quality, if no seed of it is known; seeds are imagined alike.
      student: The quality of every student.
    """
    ranks, imagined = _ranks(space), dict(scores)
    while True:
        jobs = wanted(space, imagined, dev_rows)
        unknown = [spec for spec in jobs if spec not in imagined]
        if not unknown:
            return jobs
        for spec in unknown:
            quality = student if spec.kind == STUDENT else teacher(ranks.get(Candidate.of(spec), 0))
            imagined[spec] = _of_another_seed(spec, imagined, quality)


def _of_another_seed(spec: JobSpec, scores: Scores, otherwise: float) -> float:
    """The quality of the same teacher with another seed, if it is known."""
    alike = (
        score
        for other, score in scores.items()
        if spec.kind == other.kind == TEACHER
        and (other.task, Candidate.of(other)) == (spec.task, Candidate.of(spec))
        and score is not None
    )
    return next(alike, otherwise)
