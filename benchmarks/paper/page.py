"""The page of the tables, from the results alone."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.paper.methods import NOTES
from benchmarks.paper.models import (
    FULL,
    Chosen,
    average,
    by_threshold,
    computed_layers,
    cpu_seconds,
    models,
    parameters,
)
from benchmarks.paper.results import Result, Results
from benchmarks.paper.schedule import SAMPLE, TASKS, Choices, Schedule, choices_made

INTRODUCTION = f"""# The paper's tables

`python -m benchmarks.paper_tables` writes this page and the JSON file beside it, which has every training
with its learning rate, seed and CPU seconds. Percent on dev: accuracy of rte, mrpc, sst2, qnli, mnli and
qqp, Matthews correlation of cola, Pearson correlation of stsb; mean ± standard deviation where there are
several seeds, else one seed. Where a cell is a choice (a learning rate, an L), it is chosen on dev too, as in
the paper, and so it flatters every row alike. Choices are made among what has been trained; an empty cell has
not been.

rte, cola, mrpc and stsb train on all rows for five epochs, of which the best on dev counts. sst2, qnli and
mnli train on samples of {SAMPLE:,} rows, qqp on its 2,000, for three epochs and branches' students for five,
and are judged at the end. Joint trainings have five epochs, of which the one with the best mean counts. CPU
hours of a row are those of its trainings and of their teachers; the joint training of all tasks, and the
making of a smaller BERT, are shared evenly by the eight.
"""
Row = Sequence[str]
TOTALS = ("average", "kept", "layers", "overhead", "parameters")


def page(results: Results) -> str:
    layers, choices = results.setup.num_hidden_layers, choices_made(results)
    schedule = Schedule(layers, TASKS, (), choices=choices, ended=True)
    tasks = [task for task in TASKS if any(each.task == task for each in results.found.values())]
    found = models(results, schedule, tasks)
    sections = (
        ("Table 1: the top L layers fine-tuned", _table1(results, schedule, tasks)),
        ("Table 2: models for all tasks", _table2(results, schedule, tasks, found)),
        ("Appendix C: where students start from", _appendix_c(results, schedule, tasks)),
        (
            "Appendix D: own layers of every task, by the points c that a further one must bring",
            _appendix_d(results, schedule, tasks, found),
        ),
    )
    tables = "".join(f"\n## {title}\n\n{text}\n" for title, text in sections)
    return INTRODUCTION + _tried(choices) + _precision(results) + tables


def _tried(choices: Choices) -> str:
    full, partial = (
        ", ".join(f"{value:g}" for value in each) for each in (choices.full_rates, choices.partial_rates)
    )
    return f"\nLearning rates of full fine-tuning: {full}; of the top L layers: {partial}.\n"


def _precision(results: Results) -> str:
    rounded = sum(each.bfloat16 for each in results.found.values())
    counts = f"{rounded} of {len(results.found)}"
    return f"\n{counts} trainings multiplied in bfloat16; the JSON file says which.\n"


def _table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(found: Sequence[Result]) -> str:
    values = [100 * each.dev for each in found]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{spread}"


def _table1(results: Results, schedule: Schedule, tasks: Sequence[str]) -> str:
    full = ["full", *(_percent(results.seeds(schedule.best_full(task, results))) for task in tasks)]
    rows = [full]
    for layers in range(1, schedule.num_hidden_layers + 1):
        cells = []
        for task in tasks:
            of_layers = schedule.at_best_rate(task, [layers], results)
            cells.append(_percent(results.seeds(of_layers[0] if of_layers else None)))
        rows.append([str(layers), *cells])
    return _table(("L", *tasks), rows)


Models = Mapping[str, Chosen]  # the rows of Table 2 by name


def _table2(results: Results, schedule: Schedule, tasks: Sequence[str], found: Models) -> str:
    rows, notes = [], []
    for name, chosen in found.items():
        if not chosen:
            continue
        cells = [_percent(results.seeds(chosen.get(task))) for task in tasks]
        seconds = [cpu_seconds(results, each) for each in chosen.values()]
        known = [each for each in seconds if each is not None]
        hours = f"{sum(known) / 3600:.2f}" if len(known) == len(seconds) else ""
        totals = [""] * len(TOTALS)
        if set(chosen) == set(tasks):
            totals = _totals(results, schedule, chosen, found[FULL])
        rows.append([name, *cells, *totals, hours])
        row = next(iter(chosen.values())).row
        if row in NOTES and (note := f"- {row}: {NOTES[row]}.") not in notes:
            notes.append(note)
    listed = "\n\n" + "\n".join(notes) if notes else ""
    return _table(("model", *tasks, *TOTALS, "CPU hours"), rows) + listed


def _totals(results: Results, schedule: Schedule, chosen: Chosen, full: Chosen) -> list[str]:
    """The cells of a model that serves all tasks; shares are of full fine-tuning."""
    mean, layers = average(results, chosen), computed_layers(chosen, schedule.num_hidden_layers)
    share = layers / (schedule.num_hidden_layers * len(chosen))
    kept = stored = ""
    if set(full) == set(chosen):
        kept = f"{mean / average(results, full):.1%}"
        stored = f"{parameters(results, chosen) / parameters(results, full):.1%}"
    return [f"{mean:.1f}", kept, str(layers), f"{share:.1%}", stored]


def _appendix_c(results: Results, schedule: Schedule, tasks: Sequence[str]) -> str:
    rows = []
    for layers in schedule.choices.student_layers:
        for start, students in (("teacher", schedule.students), ("pretrained", schedule.from_pretrained)):
            cells = []
            for task in tasks:
                listed = students(task, results)
                training = next((each for each in listed if each.student_layers == layers), None)
                cells.append(_percent(results.seeds(training)))
            rows.append([str(layers), start, *cells])
    return _table(("l", "start", *tasks), rows)


def _appendix_d(results: Results, schedule: Schedule, tasks: Sequence[str], found: Models) -> str:
    rows = []
    for threshold, chosen in by_threshold(results, schedule, found).items():
        own = [str(chosen[task].student_layers or chosen[task].layers) for task in tasks]
        rows.append([f"{threshold:g}", *own, *_totals(results, schedule, chosen, found[FULL])])
    return _table(("c", *tasks, *TOTALS), rows) if rows else "Not every task has a teacher and students yet."
