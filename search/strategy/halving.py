"""The pruned search: every round halves the interval of L and the list of schedules: pure decisions.

All rounds train with the first seed. The first takes the smallest and the largest L with every schedule
(learning rate and epochs); each further one takes an L between the two that are still open, with the better
half of the schedules (successive halving: Jamieson and Talwalkar, 2016). What is looked for is the smallest L
that noise does not tell from the best: it is the cheapest to train, and leaves its students most of the
trunk. Then the smallest student is looked for that noise does not tell from its teacher; the other seeds are
spent on that one.
"""

import math
from collections.abc import Mapping, Sequence

from centrabert.search.jobs.job_spec import FROM_TEACHER, JobSpec, TrainingSetting
from centrabert.search.strategy.search_space import SearchSpace, students
from centrabert.search.strategy.setting_ranking import Ranked, Score, Scores, rank_settings, seed_noise

Schedule = tuple[float, float]  # epochs and learning rate


def halve(
    teachers: Sequence[JobSpec], scores: Scores, dev_rows: int
) -> tuple[list[JobSpec], TrainingSetting | None]:
    """The jobs of all rounds as far as scores are known, and the setting that was found, if it was.

    Args:
      teachers: Of one task and one seed, the cheaper first.
      dev_rows: How many rows a quality is measured on.
    """
    layers = sorted({spec.fine_tuning_layers for spec in teachers})
    schedules = [spec.setting.schedule for spec in teachers if spec.fine_tuning_layers == layers[0]]
    jobs = [spec for spec in teachers if spec.fine_tuning_layers in (layers[0], layers[-1])]
    while True:
        if any(spec not in scores for spec in jobs):
            return jobs, None
        ranked = rank_settings(jobs, scores)
        if not ranked:
            return jobs, None
        noise, best = seed_noise(ranked, dev_rows), _best_of_each(jobs, ranked)
        following = next_layers(layers, best, noise)
        if following is None:
            chosen = layers[_enough(layers, best, noise)]
            return jobs, next(group.setting for group in ranked if group.setting.fine_tuning_layers == chosen)
        schedules = _better_half(schedules, ranked)
        of_it = [spec for spec in teachers if spec.fine_tuning_layers == following]
        jobs += [spec for spec in of_it if spec.setting.schedule in schedules]


def next_layers(layers: Sequence[int], best: Mapping[int, float], noise: float) -> int | None:
    """The L to try next; None if it is known which is the smallest that noise does not tell from the best.

    Args:
      layers: Every L, ascending.
      best: The best quality of every L that has been tried, in percent.
      noise: Differences up to it say nothing.
    """
    enough = _enough(layers, best, noise)
    tried = [index for index, each in enumerate(layers) if each in best]
    if enough:
        low = max((index for index in tried if index < enough), default=-1)
        return layers[(low + enough) // 2] if enough - low > 1 else None
    # Both ends alike: one between them may still be better than both.
    return layers[(len(layers) - 1) // 2] if len(tried) == 2 < len(layers) else None


def confirmed(teacher: JobSpec, space: SearchSpace, scores: Scores, dev_rows: int) -> list[JobSpec]:
    """The students of a trained teacher, as far as scores are known.

    With the first seed the small ones first, up to one that noise does not tell from the teacher: larger ones
    bring nothing. Then that size, or if none came so near the largest that did not fail, with the other
    seeds.
    """
    ranked = rank_settings([teacher], scores)
    least = ranked[0].mean - seed_noise(ranked, dev_rows)
    first = students(teacher, space)
    jobs: list[JobSpec] = []
    for size in sorted({spec.student_layers for spec in first}):
        own = [spec for spec in first if spec.student_layers == size]
        jobs += own
        if any(spec not in scores for spec in own):
            return jobs
        if any(_reaches(scores[spec], least) for spec in own if spec.start == FROM_TEACHER):
            break
    sizes = [spec.student_layers for spec in jobs if scores[spec] is not None]
    others = [spec for seed in space.seeds if seed != teacher.seed for spec in students(teacher, space, seed)]
    return jobs + [spec for spec in others if spec.student_layers == max(sizes, default=0)]


def _reaches(score: Score | None, least: float) -> bool:
    return score is not None and score.quality >= least


def _enough(layers: Sequence[int], best: Mapping[int, float], noise: float) -> int:
    """The index of the smallest L within the noise of the best."""
    least = max(best.values()) - noise
    return next(index for index, each in enumerate(layers) if each in best and best[each] >= least)


def _best_of_each(jobs: Sequence[JobSpec], ranked: Sequence[Ranked]) -> dict[int, float]:
    """By L; one of which every job failed is worse than any."""
    best = {spec.fine_tuning_layers: -math.inf for spec in jobs}
    for group in reversed(ranked):
        best[group.setting.fine_tuning_layers] = group.mean
    return best


def _better_half(schedules: Sequence[Schedule], ranked: Sequence[Ranked]) -> list[Schedule]:
    """In the order of the best setting that has them."""
    order = dict.fromkeys(group.setting.schedule for group in ranked)
    kept = [schedule for schedule in order if schedule in schedules]
    return kept[: (len(schedules) + 1) // 2]
