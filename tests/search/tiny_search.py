"""A search space, and searches of it with no training behind them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tiny_result import quality

from centrabert.search.jobs.job_spec import JobSpec, TrainingSetting
from centrabert.search.strategy.search_space import SearchSpace
from centrabert.search.strategy.setting_ranking import Score, Scores
from centrabert.search.strategy.strategy import wanted
from centrabert.search.strategy.training_cost import TrainingCost, Workload

SPACE = SearchSpace(
    bert_dir="bert",
    num_hidden_layers=6,
    data_root="glue",
    tasks=("rte", "cola"),
    fine_tuning_layers=(2, 3, 5),
)
# 100 rows of 20 word pieces to train on, 10 of 30 to judge.
WORKLOADS = {task: Workload(task, 100, 10, 2000, 300) for task in ("rte", "cola", "mrpc")}
COST = TrainingCost(6, WORKLOADS, cached=True)


def space(**keys: Any) -> SearchSpace:
    return dataclasses.replace(SPACE, **keys)


def known(quality: float | None) -> Score | None:
    """The score of a job that did not fail."""
    return None if quality is None else Score(quality)


def searched(
    given: SearchSpace, dev_rows: Mapping[str, int], score: Callable[[JobSpec], float | None] = quality
) -> tuple[Scores, list[list[JobSpec]]]:
    """All scores at the end of a search, and the jobs of each of its turns."""
    scores: dict[JobSpec, Score | None] = {}
    turns = []
    while new := [spec for spec in wanted(given, scores, dev_rows) if spec not in scores]:
        scores.update({spec: known(score(spec)) for spec in new})
        turns.append(new)
    return scores, turns


def distilled(scores: Scores) -> set[TrainingSetting]:
    """What the students of a search were distilled from."""
    return {spec.setting for spec in scores if spec.student_layers}
