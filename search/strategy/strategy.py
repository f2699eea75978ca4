"""Which jobs are worth their time, given what those that ended brought: pure decisions.

First the teacher of a task is looked for: an L with epochs and a learning rate. Students are distilled from
it and from no other. `exhaustive`, the paper's way, trains all teachers and all students with all seeds.
`halving` looks with one seed, at few L and at the l that it takes; further seeds confirm the student that it
finds, all from the one teacher.

How long a search will be is told by the same function, asked what it would want if jobs ended so or so.
"""

from collections.abc import Mapping, Sequence

from centrabert.search.jobs.job_spec import STUDENT, TEACHER, JobSpec, TrainingSetting
from centrabert.search.strategy.halving import confirmed, halve
from centrabert.search.strategy.search_space import HALVING, SearchSpace, baselines, students, teachers
from centrabert.search.strategy.setting_ranking import Score, Scores, rank_settings

# Imagined qualities that no noise takes for one another, such as a metric has: the noise depends on them.
GOOD, BAD, PERFECT, NOTHING = Score(90.0), Score(10.0), Score(100.0), Score(0.0)


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
    trained = [spec for spec in jobs if spec.setting == best and scores.get(spec) is not None]
    if space.strategy == HALVING:
        return jobs + [job for teacher in trained for job in confirmed(teacher, space, scores, dev_rows)]
    # Small students of all seeds first: jobs that run at the same time have different teachers, so that each
    # teacher's logits are computed once.
    distilled = [student for teacher in trained for student in students(teacher, space)]
    return jobs + sorted(distilled, key=lambda spec: spec.student_layers)


def _teachers(
    own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], TrainingSetting | None]:
    """The teachers to train, as far as scores are known, and the best."""
    if space.strategy == HALVING:
        return _halved(own, space, scores, dev_rows)
    ranked = rank_settings(own, scores) if all(spec in scores for spec in own) else []
    return list(own), ranked[0].setting if ranked else None


def _halved(
    own: Sequence[JobSpec], space: SearchSpace, scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], TrainingSetting | None]:
    """With the first seed; with the next one only if every teacher with it failed."""
    jobs: list[JobSpec] = []
    for seed in space.seeds:
        more, best = halve([spec for spec in own if spec.seed == seed], scores, dev_rows)
        jobs += more
        if best or any(spec not in scores for spec in more):
            return jobs, best
    return jobs, None


def worst_case_jobs(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of the longest search: the most expensive setting is the best, no student comes near it."""
    settings = _settings(space)
    imagined = {**dict.fromkeys(settings, BAD), settings[-1]: GOOD}
    return _forecast(space, scores, dev_rows, imagined, NOTHING)


def best_case_jobs(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """All jobs of a search that is decided at once: the cheapest setting is best, and its students."""
    settings = _settings(space)
    imagined = {**dict.fromkeys(settings, BAD), settings[0]: GOOD}
    return _forecast(space, scores, dev_rows, imagined, PERFECT)


def certain_jobs(space: SearchSpace, scores: Scores, dev_rows: Mapping[str, int]) -> tuple[JobSpec, ...]:
    """The jobs that are wanted whichever setting is the best, be it the cheapest or the most expensive."""
    best_case = set(best_case_jobs(space, scores, dev_rows))
    return tuple(spec for spec in worst_case_jobs(space, scores, dev_rows) if spec in best_case)


def _settings(space: SearchSpace) -> list[TrainingSetting]:
    """Of all teachers, the cheapest first."""
    return sorted({spec.setting for spec in teachers(space)})


def _forecast(
    space: SearchSpace,
    scores: Scores,
    dev_rows: Mapping[str, int],
    teacher: Mapping[TrainingSetting, Score],
    student: Score,
) -> tuple[JobSpec, ...]:
    """The jobs of a search in which whatever is not known ends as is said here.

    Args:
      teacher: Setting -> its score, if no seed of it is known; seeds are imagined alike.
      student: The score of every student.
    """
    imagined = dict(scores)
    while True:
        jobs = wanted(space, imagined, dev_rows)
        unknown = [spec for spec in jobs if spec not in imagined]
        if not unknown:
            return jobs
        for spec in unknown:
            score = student if spec.kind == STUDENT else teacher.get(spec.setting, BAD)
            imagined[spec] = _of_another_seed(spec, imagined, score)


def _of_another_seed(spec: JobSpec, scores: Scores, otherwise: Score) -> Score:
    """The score of the same teacher with another seed, if it is known."""
    alike = (
        score
        for other, score in scores.items()
        if spec.kind == other.kind == TEACHER
        and (other.task, other.setting) == (spec.task, spec.setting)
        and score is not None
    )
    return next(alike, otherwise)
