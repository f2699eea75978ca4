"""Models for all tasks at once: which trainings serve them, what they are worth and what they compute."""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.paper.methods import METHODS, SMALL
from benchmarks.paper.results import Results
from benchmarks.paper.schedule import OTHER_WAYS, Schedule
from benchmarks.paper.training import ADAPTERS, Training
from centrabert.search.selection.budget_optimum import pareto_front
from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate
from centrabert.search.selection.marginal_benefit import marginal_benefit

PAPER_SHARE = 33 / 96  # of full fine-tuning's layers, that the paper's mixed model has
THRESHOLDS = (1.0, 2.0, 3.0)  # the paper's c in Appendix D, in percent points a layer
FULL, WITHOUT_KD, MIXED = "full fine-tuning", "without KD", "mixed"
Chosen = Mapping[str, Training]  # for each task that is trained, the training that serves it


def models(results: Results, schedule: Schedule, tasks: Sequence[str]) -> dict[str, Chosen]:
    """The rows of Table 2 by name; one of which nothing is trained is empty."""
    depths = schedule.choices.student_layers
    listed = {
        FULL: [schedule.best_full(task, results) for task in tasks],
        **_by_depth("KD", depths, [schedule.students(task, results) for task in tasks]),
        WITHOUT_KD: [schedule.teacher(task, results) for task in tasks],
    }
    found = {name: _trained(results, trainings) for name, trainings in listed.items()}
    found[MIXED] = _mixed(results, schedule, found)
    for row in OTHER_WAYS:
        trainings = [each for task in tasks for each in schedule.of_row(row, task, results)]
        found[row] = _trained(results, trainings)
    for row, method in METHODS.items():
        own = (SMALL,) if method.whole else depths
        students = [schedule.distilled(task, row, method, results) for task in tasks]
        by_depth = _by_depth(row, own, students)
        found |= {name: _trained(results, trainings) for name, trainings in by_depth.items()}
    return found


def by_threshold(results: Results, schedule: Schedule, found: Mapping[str, Chosen]) -> dict[float, Chosen]:
    """What the paper's rule chooses for each of its thresholds (Appendix D); none before all is trained.

    Args:
      found: The rows of Table 2.
    """
    if not (pool := _pool(schedule, found)):
        return {}
    candidates = [_candidate(results, schedule, each) for each in pool.values()]
    return {
        threshold: {each.task: pool[each.folder] for each in marginal_benefit(candidates, threshold)}
        for threshold in THRESHOLDS
    }


def average(results: Results, chosen: Chosen) -> float:
    """Percent, over the tasks; of each the mean over its seeds."""
    return statistics.fmean(results.quality(each) for each in chosen.values())


def computed_layers(chosen: Chosen, num_hidden_layers: int) -> int:
    """For all tasks: the trunk's and every task's own."""
    trunk = max(num_hidden_layers - each.layers if each.frozen else 0 for each in chosen.values())
    return trunk + sum(each.student_layers or each.layers for each in chosen.values())


def parameters(results: Results, chosen: Chosen) -> int:
    """Stored for all tasks: the trunk's and every task's own; of several seeds the first counts."""
    found = [results.seeds(each)[0] for each in chosen.values()]
    own = sum(each.parameters for each in found)
    if not any(each.frozen or each.row == ADAPTERS for each in found):
        return own
    setup = results.setup
    depth = max(setup.num_hidden_layers if each.row == ADAPTERS else each.frozen for each in found)
    return own + setup.embedding_parameters + depth * setup.layer_parameters


def cpu_seconds(results: Results, training: Training) -> float | None:
    """Of a training and its teachers', the mean over seeds; None where one is unknown.

    A further teacher counts as the first.
    """
    found = results.seeds(training)
    known = [each.cpu_seconds for each in found if each.cpu_seconds is not None]
    teacher = cpu_seconds(results, training.teacher) if training.teacher else 0.0
    if teacher is None or not known or len(known) < len(found):
        return None
    return statistics.fmean(known) + training.teacher_seeds * teacher


def _by_depth(
    row: str, depths: Sequence[int], students: Sequence[Sequence[Training]]
) -> dict[str, Sequence[Training | None]]:
    """The students of all tasks, by the row's name with their number of layers."""
    return {
        f"{row}-{depth}": [each for of_task in students for each in of_task if each.student_layers == depth]
        for depth in depths
    }


def _trained(results: Results, trainings: Sequence[Training | None]) -> Chosen:
    return {each.task: each for each in trainings if each and results.seeds(each)}


def _mixed(results: Results, schedule: Schedule, found: Mapping[str, Chosen]) -> Chosen:
    """The best choice within the paper's share of the layers, if there is one so small."""
    if not (pool := _pool(schedule, found)):
        return {}
    candidates = [_candidate(results, schedule, each) for each in pool.values()]
    budget = int(PAPER_SHARE * schedule.num_hidden_layers * len(found[FULL]))
    fitting = [choice for choice in pareto_front(candidates) if choice.cost <= budget]
    return {each.task: pool[each.folder] for choice in fitting[-1:] for each in choice.chosen}


def _pool(schedule: Schedule, found: Mapping[str, Chosen]) -> dict[str, Training]:
    """Teachers of every task, and students of those depths that every task has, by their keys.

    A teacher of students is there beside a better one, of which there are none yet.
    """
    tasks = set(found[FULL])
    depths = [found[f"KD-{layers}"] for layers in schedule.choices.student_layers]
    students = [each for of_depth in depths if set(of_depth) == tasks for each in of_depth.values()]
    if not students or set(found[WITHOUT_KD]) != tasks:
        return {}
    teachers = [each.teacher for each in students if each.teacher]
    listed = [*found[WITHOUT_KD].values(), *students]
    return {each.key: each for each in (*teachers, *listed)}


def _candidate(results: Results, schedule: Schedule, training: Training) -> BranchCandidate:
    """Its folder is the training's key."""
    return BranchCandidate(
        training.task,
        schedule.num_hidden_layers - training.layers,
        training.student_layers or training.layers,
        STUDENT if training.student_layers else TEACHER,
        results.quality(training),
        standard_error=0.0,
        seeds=1,
        folder=training.key,
    )
