"""Which jobs are worth their time, given what those that ended brought: pure decisions.

First the teacher of a task is looked for: an L with epochs and a learning rate. Students are distilled from
it and from no other. `exhaustive`, the paper's way, trains all teachers and all students with all seeds.
`halving` looks with one seed, at few L and at the l that it takes; further seeds confirm the student that it
finds, all from the one teacher.
"""

from collections.abc import Mapping, Sequence

from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.strategy.halving import confirmed, halve
from centrabert.search.strategy.search_space import HALVING, SearchSpace, baselines, students, teachers
from centrabert.search.strategy.setting_ranking import Candidate, Scores, standings


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


def _of_task(own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int) -> list[JobSpec]:
    jobs, best = _teachers(own, space, scores, dev_rows)
    trained = [spec for spec in jobs if Candidate.of(spec) == best and scores.get(spec) is not None]
    if space.strategy == HALVING:
        return jobs + [job for teacher in trained for job in confirmed(teacher, space, scores, dev_rows)]
    # Small students of all seeds first: jobs that run at the same time have different teachers, so that each
    # teacher's logits are computed once.
    distilled = [student for teacher in trained for student in students(teacher, space)]
    return jobs + sorted(distilled, key=lambda spec: spec.student_layers)


def _teachers(
    own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], Candidate | None]:
    """The teachers to train, as far as scores are known, and the best."""
    if space.strategy == HALVING:
        return _halved(own, space, scores, dev_rows)
    ranked = standings(own, scores) if all(spec in scores for spec in own) else []
    return list(own), ranked[0].candidate if ranked else None


def _halved(
    own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], Candidate | None]:
    """With the first seed; with the next one only if every teacher with it failed."""
    jobs: list[JobSpec] = []
    for seed in space.seeds:
        more, best = halve([spec for spec in own if spec.seed == seed], scores, dev_rows)
        jobs += more
        if best or any(spec not in scores for spec in more):
            return jobs, best
    return jobs, None
