"""What a search has still to do: its strategy is asked what it would want if jobs ended so or so."""

from collections.abc import Callable, Mapping

from centrabert.search.candidate import Candidate, Scores
from centrabert.search.job import JobSpec
from centrabert.search.space import SearchSpace, teachers
from centrabert.search.strategy import wanted

# Job -> the quality that it is imagined to have.
Guess = Callable[[JobSpec], float]
UNKNOWN, HAIR = 0.5, 1e-6


def at_most(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of a search in which noise is never overcome: what is not known ends as good as the best.

    Larger L win by a hair, so that their students, the more expensive ones, are distilled.
    """
    best = {task: _best(task, scores) for task in space.tasks}
    return _forecast(space, scores, dev_rows, lambda spec: best[spec.task] + HAIR * spec.fine_tuning_layers)


def at_least(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of a search that is decided at once: the cheapest candidate is the best by far."""
    ranks = _ranks(space)
    return _forecast(space, scores, dev_rows, lambda spec: -ranks.get(Candidate.of(spec), 0))


def sure(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """The jobs that are wanted whichever candidate is the best, be it the cheapest or the most expensive."""
    ranks = _ranks(space)
    last = _forecast(space, scores, dev_rows, lambda spec: 1.0 + ranks.get(Candidate.of(spec), 0))
    first = set(at_least(space, scores, dev_rows))
    return tuple(spec for spec in last if spec in first)


def _best(task: str, scores: Scores) -> float:
    own = [score for spec, score in scores.items() if spec.task == task and score is not None]
    return max(own, default=UNKNOWN)


def _ranks(space: SearchSpace) -> dict[Candidate, int]:
    """The places of the candidates, the cheapest first: further apart than any noise."""
    candidates = sorted({Candidate.of(spec) for spec in teachers(space)})
    return {candidate: place for place, candidate in enumerate(candidates)}


def _forecast(
    space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int], guess: Guess
) -> tuple[JobSpec, ...]:
    imagined = dict(scores)
    while True:
        jobs = wanted(space, imagined, dev_rows)
        unknown = [spec for spec in jobs if spec not in imagined]
        if not unknown:
            return jobs
        imagined |= {spec: guess(spec) for spec in unknown}
