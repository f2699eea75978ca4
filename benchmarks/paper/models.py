"""Models for all tasks at once: which trainings serve them, what they are worth and what they compute."""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.paper.schedule import METHODS, OTHER_WAYS, SMALL, Schedule
from benchmarks.paper.training import Result, Results, Training
from centrabert.search.selection.budget_optimum import pareto_front
from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate
from centrabert.search.selection.marginal_benefit import marginal_benefit

PAPER_SHARE = 33 / 96  # of full fine-tuning's layers, that the paper's mixed model has
THRESHOLDS = (1.0, 2.0, 3.0)  # the paper's c in Appendix D, in percent points a layer
FULL, MIXED = "full fine-tuning", "mixed"
Chosen = Mapping[str, Training]  # for each task that is trained, the training that serves it


def models(results: Results, schedule: Schedule, tasks: Sequence[str]) -> dict[str, Chosen]:
    """The rows of Table 2 by name; one of which nothing is trained is empty."""
    depths = schedule.choices.student_layers
    listed = {
        FULL: [schedule.best_full_so_far(task, results) for task in tasks],
        **_by_depth("KD", depths, [schedule.students(task, results) for task in tasks]),
        "without KD": [schedule.teacher(task, results) for task in tasks],
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


def by_threshold(results: Results, schedule: Schedule, tasks: Sequence[str]) -> dict[float, Chosen]:
    """What the paper's rule chooses for each of its thresholds (Appendix D); none before all is trained."""
    pool = _pool(schedule, models(results, schedule, tasks))
    if not pool:
        return {}
    candidates = [_candidate(results, schedule, each) for each in pool.values()]
    return {
        threshold: {each.task: pool[each.folder] for each in marginal_benefit(candidates, threshold)}
        for threshold in THRESHOLDS
    }


def seeds(results: Results, training: Training | None) -> list[Result]:
    """The results of a training with any seed."""
    if training is None:
        return []
    alike = [
        each
        for each in results.found.values()
        if each.task == training.task and each.name == training.with_seed(each.seed).name
    ]
    return sorted(alike, key=lambda each: each.seed)


def average(results: Results, chosen: Chosen) -> float:
    """Percent, over the tasks; of each the mean over its seeds."""
    return statistics.fmean(_quality(results, each) for each in chosen.values())


def computed_layers(chosen: Chosen, num_hidden_layers: int) -> int:
    """For all tasks: the trunk's and every task's own."""
    trunk = max(num_hidden_layers - each.layers if each.frozen else 0 for each in chosen.values())
    return trunk + sum(each.student_layers or each.layers for each in chosen.values())


def cpu_seconds(results: Results, training: Training) -> float:
    """Of a training and its teacher's, one seed; a teacher with another seed counts as the first."""
    found = results.of(training)
    return (found.cpu_seconds if found else 0) + (
        training.teacher_seeds * cpu_seconds(results, training.teacher) if training.teacher else 0
    )


def _by_depth(
    row: str, depths: Sequence[int], students: Sequence[Sequence[Training]]
) -> dict[str, Sequence[Training | None]]:
    """The students of all tasks, by the row's name with their number of layers."""
    return {
        f"{row}-{depth}": [each for of_task in students for each in of_task if each.student_layers == depth]
        for depth in depths
    }


def _trained(results: Results, trainings: Sequence[Training | None]) -> Chosen:
    return {each.task: each for each in trainings if each and results.of(each)}


def _mixed(results: Results, schedule: Schedule, found: Mapping[str, Chosen]) -> Chosen:
    """The best choice within the paper's share of the layers, if there is one so small."""
    if not (pool := _pool(schedule, found)):
        return {}
    candidates = [_candidate(results, schedule, each) for each in pool.values()]
    budget = int(PAPER_SHARE * schedule.num_hidden_layers * len(found[FULL]))
    fitting = [choice for choice in pareto_front(candidates) if choice.cost <= budget]
    return {each.task: pool[each.folder] for choice in fitting[-1:] for each in choice.chosen}


def _pool(schedule: Schedule, found: Mapping[str, Chosen]) -> dict[str, Training]:
    """Teachers and students of every task by their keys; nothing while a task lacks one of them."""
    pools = [found["without KD"], *(found[f"KD-{layers}"] for layers in schedule.choices.student_layers)]
    tasks = set(found[FULL])
    if not tasks or any(set(pool) != tasks for pool in pools):
        return {}
    return {each.key: each for pool in pools for each in pool.values()}


def _candidate(results: Results, schedule: Schedule, training: Training) -> BranchCandidate:
    """Its folder is the training's key."""
    return BranchCandidate(
        training.task,
        schedule.num_hidden_layers - training.layers,
        training.student_layers or training.layers,
        STUDENT if training.student_layers else TEACHER,
        _quality(results, training),
        standard_error=0.0,
        seeds=1,
        folder=training.key,
    )


def _quality(results: Results, training: Training) -> float:
    return 100 * statistics.fmean(each.dev for each in seeds(results, training))
