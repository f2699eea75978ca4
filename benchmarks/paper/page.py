"""The page of the tables, from the results alone."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.paper.schedule import (
    EVERYTHING,
    METHODS,
    OTHER_WAYS,
    SAMPLED,
    SMALL,
    WHOLE,
    Choices,
    Schedule,
)
from benchmarks.paper.training import Result, Results, Training
from centrabert.search.selection.budget_optimum import pareto_front
from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate

PAPER_SHARE = 33 / 96  # of full fine-tuning's layers, that the paper's mixed model has
INTRODUCTION = """# The paper's tables

`python -m benchmarks.paper_tables` writes this page and paper_tables.json, which has every training with its
learning rate, seed and CPU seconds. Percent on dev: accuracy of rte, mrpc, sst2, qnli, mnli and qqp, Matthews
correlation of cola, Pearson correlation of stsb; mean ± standard deviation where there are several seeds,
else one seed. Where a cell is a choice (a learning rate, an L), it is chosen on dev too, as in the paper, and
so it flatters every row alike. mt_dnn trains all eight tasks together, mt_dnn_loo all but the column's own,
whose head alone is then trained; the CPU hours of a joint training, and of making a smaller BERT from texts,
are with the first task. An empty cell is not trained yet. rte, cola, mrpc and stsb train five epochs, of
which the best on dev counts; sst2, qnli, mnli and qqp train on samples, three epochs and their students five,
and are judged at the end.
"""
Row = Sequence[str]


def page(results: Results, num_hidden_layers: int, choices: Choices = EVERYTHING) -> str:
    schedule = Schedule(num_hidden_layers, (*WHOLE, *SAMPLED), (), choices=choices)
    tasks = [task for task in (*WHOLE, *SAMPLED) if any(each.task == task for each in results.found.values())]
    sections = (
        ("Table 1: the top L layers fine-tuned", _table1(results, schedule, tasks)),
        ("Table 2: models for all tasks", _table2(results, schedule, tasks)),
        ("Appendix C: where students start from", _appendix_c(results, schedule, tasks)),
    )
    tables = "".join(f"\n## {title}\n\n{text}\n" for title, text in sections)
    return INTRODUCTION + _tried(choices) + _precision(results) + tables


def _tried(choices: Choices) -> str:
    lists = (choices.full_rates, choices.partial_rates, choices.teacher_layers)
    full, partial, layers = (", ".join(f"{value:g}" for value in each) for each in lists)
    return f"""
Learning rates of full fine-tuning: {full}, the best of those that have been trained; of the top L layers:
{partial}; L of the teachers: {layers}.
"""


def _precision(results: Results) -> str:
    rounded = sum(each.bfloat16 for each in results.found.values())
    counts = f"{rounded} of {len(results.found)}"
    return f"\n{counts} trainings multiplied in bfloat16; paper_tables.json says which.\n"


def _table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seeds(results: Results, training: Training | None) -> list[Result]:
    """Of a training with any seed."""
    if training is None:
        return []
    alike = [
        each
        for each in results.found.values()
        if each.task == training.task and each.name == training.with_seed(each.seed).name
    ]
    return sorted(alike, key=lambda each: each.seed)


def _percent(found: Sequence[Result]) -> str:
    values = [100 * each.dev for each in found]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{spread}"


def _table1(results: Results, schedule: Schedule, tasks: Sequence[str]) -> str:
    full = ["full", *(_percent(_seeds(results, schedule.best_full_so_far(task, results))) for task in tasks)]
    rows = [full]
    for layers in range(1, schedule.num_hidden_layers + 1):
        cells = []
        for task in tasks:
            of_layers = schedule.at_best_rate(task, [layers], results)
            cells.append(_percent(_seeds(results, of_layers[0] if of_layers else None)))
        rows.append([str(layers), *cells])
    return _table(("L", *tasks), rows)


Chosen = Mapping[str, Training]


def _models(results: Results, schedule: Schedule, tasks: Sequence[str]) -> dict[str, Chosen]:
    """The rows of Table 2: for each task, if it is trained, the training that serves it."""
    depths = schedule.choices.student_layers
    listed = {
        "full fine-tuning": [schedule.best_full_so_far(task, results) for task in tasks],
        **_by_depth("KD", depths, [schedule.students(task, results) for task in tasks]),
        "without KD": [schedule.teacher(task, results) for task in tasks],
    }
    models = {name: _trained(results, trainings) for name, trainings in listed.items()}
    models["mixed"] = _mixed(results, schedule, models)
    for row in OTHER_WAYS:
        trainings = [each for task in tasks for each in schedule.of_row(row, task, results)]
        models[row] = _trained(results, trainings)
    for row, method in METHODS.items():
        own = (SMALL,) if method.whole else depths
        students = [schedule.distilled(task, row, method, results) for task in tasks]
        found = _by_depth(row, own, students)
        models |= {name: _trained(results, trainings) for name, trainings in found.items()}
    return models


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


def _mixed(results: Results, schedule: Schedule, models: Mapping[str, Chosen]) -> Chosen:
    """The best choice within the paper's share of the layers, where every task has a teacher and students.

    None where no choice has so few layers, as with a single task.
    """
    pools = [models["without KD"], *(models[f"KD-{layers}"] for layers in schedule.choices.student_layers)]
    tasks = set(models["full fine-tuning"])
    if not tasks or any(set(pool) != tasks for pool in pools):
        return {}
    by_folder = {each.key: each for pool in pools for each in pool.values()}
    candidates = [
        BranchCandidate(
            each.task,
            schedule.num_hidden_layers - each.layers,
            each.student_layers or each.layers,
            STUDENT if each.student_layers else TEACHER,
            100 * statistics.fmean(result.dev for result in _seeds(results, each)),
            0.0,
            1,
            key,
        )
        for key, each in by_folder.items()
    ]
    budget = int(PAPER_SHARE * schedule.num_hidden_layers * len(tasks))
    fitting = [choice for choice in pareto_front(candidates) if choice.cost <= budget]
    return {each.task: by_folder[each.folder] for choice in fitting[-1:] for each in choice.chosen}


def _layers(chosen: Chosen, whole: int) -> int:
    """Computed for all tasks: the trunk's and every task's own."""
    trunk = max(whole - each.layers if each.frozen else 0 for each in chosen.values())
    return trunk + sum(each.student_layers or each.layers for each in chosen.values())


def _table2(results: Results, schedule: Schedule, tasks: Sequence[str]) -> str:
    models = _models(results, schedule, tasks)
    full = models["full fine-tuning"]
    rows = []
    for name, chosen in models.items():
        if not chosen:
            continue
        cells = [_percent(_seeds(results, chosen.get(task))) for task in tasks]
        hours = sum(_cpu_seconds(results, each) for each in chosen.values()) / 3600
        totals = ["", "", "", ""]
        if set(chosen) == set(tasks):
            average, layers = _average(results, chosen), _layers(chosen, schedule.num_hidden_layers)
            kept = f"{average / _average(results, full):.1%}" if set(full) == set(tasks) else ""
            share = layers / (schedule.num_hidden_layers * len(tasks))
            totals = [f"{average:.1f}", kept, str(layers), f"{share:.1%}"]
        rows.append([name, *cells, *totals, f"{hours:.2f}"])
    return _table(("model", *tasks, "average", "kept", "layers", "overhead", "CPU hours"), rows)


def _average(results: Results, chosen: Chosen) -> float:
    return statistics.fmean(
        100 * statistics.fmean(result.dev for result in _seeds(results, each)) for each in chosen.values()
    )


def _cpu_seconds(results: Results, training: Training) -> float:
    """Of a training and its teacher's, one seed; a teacher with another seed counts as the first."""
    found = results.of(training)
    return (found.cpu_seconds if found else 0) + (
        training.teacher_seeds * _cpu_seconds(results, training.teacher) if training.teacher else 0
    )


def _appendix_c(results: Results, schedule: Schedule, tasks: Sequence[str]) -> str:
    rows = []
    for layers in schedule.choices.student_layers:
        for start in ("teacher", "pretrained"):
            cells = []
            for task in tasks:
                listed = schedule.from_pretrained(task, results) if start == "pretrained" else None
                listed = schedule.students(task, results) if listed is None else listed
                training = next((each for each in listed if each.student_layers == layers), None)
                cells.append(_percent(_seeds(results, training)))
            rows.append([str(layers), start, *cells])
    return _table(("l", "start", *tasks), rows)
