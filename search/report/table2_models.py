"""Table 2 of the paper: models for all tasks at once, from full fine-tuning to the mixed one."""

import statistics
from dataclasses import dataclass

from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.report.report_parts import NOTHING, Cell, Row, Section, Table, all_jobs, quality_cell
from centrabert.search.report.result_index import Evidence
from centrabert.search.selection.seed_group import Runs
from centrabert.search.selection.selection import Selection

TITLE = "Models for all tasks (Table 2)"
TEXT = (
    "Percent on dev: mean ± standard deviation (maximum) over seeds; the average over tasks is that of the "
    "means (of the maxima). Layers are those computed for all tasks together: the trunk's and every task's "
    "own. KD-l serves students with l layers of the teacher that is bold in Table 1; a teacher with fewer "
    "than l layers serves itself. Kept is the share of full fine-tuning's average."
)
Jobs = tuple[FinishedJob, ...]


@dataclass(frozen=True)
class Model:
    """A way to serve the tasks.

    Attributes:
      runs: By task; a task that it cannot serve is absent.
      trunk: Layers shared; None if unknown.
    """

    name: str
    runs: dict[str, Runs]
    trunk: int | None

    @property
    def layers(self) -> int | None:
        """The trunk's and those of all tasks."""
        return None if self.trunk is None else self.trunk + sum(runs.tuned for runs in self.runs.values())

    @property
    def mean(self) -> float:
        """Over the tasks."""
        return statistics.fmean(runs.mean for runs in self.runs.values())

    @property
    def maximum(self) -> float:
        """The mean over the tasks of the maxima over seeds."""
        return statistics.fmean(runs.maximum for runs in self.runs.values())

    def whole(self, evidence: Evidence) -> bool:
        """Whether it serves all tasks."""
        return self.runs.keys() == set(evidence.tasks)


def full_model(evidence: Evidence) -> Model:
    """One whole BERT for each task, which share nothing."""
    found = {task: evidence.full(task) for task in evidence.tasks}
    return Model("full fine-tuning", _present(found), 0)


def models(evidence: Evidence) -> tuple[Model, ...]:
    """The rows of the table; one without any task is left out."""
    teachers = {task: evidence.teacher(task) for task in evidence.tasks}
    rows = [
        full_model(evidence),
        *(_distilled(evidence, layers) for layers in evidence.student_sizes()),
        _on_a_trunk(evidence, "without KD", _present(teachers)),
        _mixed(evidence),
    ]
    return tuple(model for model in rows if model.runs)


def _distilled(evidence: Evidence, layers: int) -> Model:
    found = {}
    for task in evidence.tasks:
        teacher = evidence.teacher(task)
        small = teacher is not None and teacher.tuned < layers
        found[task] = teacher if small else evidence.student(task, layers)
    return _on_a_trunk(evidence, f"KD-{layers}", _present(found))


def _mixed(evidence: Evidence) -> Model:
    chosen = evidence.selection.options if evidence.selection else ()
    found = {option.task: evidence.runs_of(option) for option in chosen}
    return _on_a_trunk(evidence, "mixed", _present(found))


def _on_a_trunk(evidence: Evidence, name: str, runs: dict[str, Runs]) -> Model:
    shallowest = min((each.spec.fine_tuning_layers for each in runs.values()), default=0)
    whole = evidence.num_hidden_layers
    return Model(name, runs, None if whole is None else whole - shallowest)


def _present(found: dict[str, Runs | None]) -> dict[str, Runs]:
    return {task: runs for task, runs in found.items() if runs is not None}


def model_section(evidence: Evidence) -> Section:
    """A row for each model, a column for each task, and what all of it costs."""
    found = models(evidence)
    header = ("model", *evidence.tasks, "average", "layers", "overhead", "kept")
    table = Table(header, tuple(_row(evidence, model) for model in found)) if found else None
    text = f"{TEXT} {_told(evidence.selection)}" if evidence.selection else TEXT
    return Section(TITLE, text, table, _missing(evidence, found))


def _row(evidence: Evidence, model: Model) -> Row:
    cells = [quality_cell(model.runs.get(task)) for task in evidence.tasks]
    if not model.whole(evidence):
        return (Cell(model.name), *cells, *([NOTHING] * 4))
    return (Cell(model.name), *cells, *totals(evidence, model))


def totals(evidence: Evidence, model: Model) -> Row:
    """Average, layers, overhead and share kept of a model for all tasks."""
    jobs, full = all_jobs(model.runs.values()), full_model(evidence)
    several = any(len(runs.jobs) > 1 for runs in model.runs.values())
    average = f"{model.mean:.2f}" + (f" ({model.maximum:.2f})" if several else "")
    reference = full.mean if full.whole(evidence) else None
    kept = kept_cell(model.mean, reference, jobs)
    return (Cell(average, jobs), *overhead_cells(model.layers, evidence, jobs), kept)


def kept_cell(average: float, reference: float | None, jobs: Jobs) -> Cell:
    """The share of full fine-tuning's average, which leads to its own jobs; nothing without it."""
    return Cell(f"{average / reference:.1%}", jobs) if reference and reference > 0 else NOTHING


def overhead_cells(layers: int | None, evidence: Evidence, jobs: Jobs) -> Row:
    """Layers, and their share of one whole BERT for each task, of the model that `jobs` trained."""
    if layers is None or evidence.num_hidden_layers is None:
        return NOTHING, NOTHING
    separate = evidence.num_hidden_layers * len(evidence.tasks)
    return Cell(str(layers), jobs), Cell(f"{layers / separate:.1%}", jobs)


def _told(selection: Selection) -> str:
    parameters = ", ".join(f"{name} {value}" for name, value in sorted(selection.parameters.items()))
    chosen = ", ".join(f"{each.task} {each.frozen}+{each.tuned}" for each in selection.options)
    weighed = len(set(selection.weights.values())) > 1
    weights = ", ".join(f"{task} {weight:g}" for task, weight in sorted(selection.weights.items()))
    return f"Mixed is the selection by {selection.rule} ({parameters}), in shared + own layers: {chosen}." + (
        f" It weighed the tasks ({weights}); the average here does not." if weighed else ""
    )


def _missing(evidence: Evidence, found: tuple[Model, ...]) -> tuple[str, ...]:
    lines = []
    for model in found:
        absent = [task for task in evidence.tasks if task not in model.runs]
        if absent:
            lines.append(f"{model.name}: nothing for {', '.join(absent)}, so no average and no overhead.")
    if not evidence.student_sizes():
        lines.append("No student was distilled from a teacher, so there is no KD row.")
    if evidence.selection is None:
        lines.append("Nothing was selected, so there is no mixed model.")
    else:
        unknown = [each.folder for each in evidence.selection.options if evidence.runs_of(each) is None]
        lines += [f"The selection names {folder}, which is of no job here." for folder in unknown]
    if evidence.num_hidden_layers is None:
        lines.append("The layers of the BERT are not known, so there is no overhead and no curve.")
    return tuple(lines)
