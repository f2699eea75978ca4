"""Table 2 of the paper: models for all tasks at once, from full fine-tuning to the mixed one."""

import statistics
from dataclasses import dataclass

from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.report.document import NOTHING, Cell, Row, Section, Table, all_jobs, quality_cell
from centrabert.search.report.result_index import ResultIndex
from centrabert.search.selection.seed_group import FinishedGroup
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
      groups: By task; a task that it cannot serve is absent.
      trunk: Layers shared; None if unknown.
    """

    name: str
    groups: dict[str, FinishedGroup]
    trunk: int | None

    @property
    def layers(self) -> int | None:
        """The trunk's and those of all tasks."""
        return None if self.trunk is None else self.trunk + sum(group.tuned for group in self.groups.values())

    @property
    def mean(self) -> float:
        """Over the tasks."""
        return statistics.fmean(group.mean for group in self.groups.values())

    @property
    def maximum(self) -> float:
        """The mean over the tasks of the maxima over seeds."""
        return statistics.fmean(group.maximum for group in self.groups.values())

    def whole(self, results: ResultIndex) -> bool:
        """Whether it serves all tasks."""
        return self.groups.keys() == set(results.tasks)


def full_model(results: ResultIndex) -> Model:
    """One whole BERT for each task, which share nothing."""
    found = {task: results.full(task) for task in results.tasks}
    return Model("full fine-tuning", _present(found), 0)


def models(results: ResultIndex) -> tuple[Model, ...]:
    """The rows of the table; one without any task is left out."""
    teachers = {task: results.teacher(task) for task in results.tasks}
    rows = [
        full_model(results),
        *(_distilled(results, layers) for layers in results.student_sizes()),
        _on_a_trunk(results, "without KD", _present(teachers)),
        _mixed(results),
    ]
    return tuple(model for model in rows if model.groups)


def _distilled(results: ResultIndex, layers: int) -> Model:
    found = {}
    for task in results.tasks:
        teacher = results.teacher(task)
        small = teacher is not None and teacher.tuned < layers
        found[task] = teacher if small else results.student(task, layers)
    return _on_a_trunk(results, f"KD-{layers}", _present(found))


def _mixed(results: ResultIndex) -> Model:
    chosen = results.selection.chosen if results.selection else ()
    found = {candidate.task: results.group_of(candidate) for candidate in chosen}
    return _on_a_trunk(results, "mixed", _present(found))


def _on_a_trunk(results: ResultIndex, name: str, groups: dict[str, FinishedGroup]) -> Model:
    shallowest = min((each.spec.fine_tuning_layers for each in groups.values()), default=0)
    whole = results.num_hidden_layers
    return Model(name, groups, None if whole is None else whole - shallowest)


def _present(found: dict[str, FinishedGroup | None]) -> dict[str, FinishedGroup]:
    return {task: group for task, group in found.items() if group is not None}


def model_section(results: ResultIndex) -> Section:
    """A row for each model, a column for each task, and what all of it costs."""
    found = models(results)
    header = ("model", *results.tasks, "average", "layers", "overhead", "kept")
    table = Table(header, tuple(_row(results, model) for model in found)) if found else None
    text = f"{TEXT} {_selection_text(results.selection)}" if results.selection else TEXT
    return Section(TITLE, text, table, _missing(results, found))


def _row(results: ResultIndex, model: Model) -> Row:
    cells = [quality_cell(model.groups.get(task)) for task in results.tasks]
    if not model.whole(results):
        return (Cell(model.name), *cells, *([NOTHING] * 4))
    return (Cell(model.name), *cells, *totals(results, model))


def totals(results: ResultIndex, model: Model) -> Row:
    """Average, layers, overhead and share kept of a model for all tasks."""
    jobs, full = all_jobs(model.groups.values()), full_model(results)
    several = any(len(group.jobs) > 1 for group in model.groups.values())
    average = f"{model.mean:.2f}" + (f" ({model.maximum:.2f})" if several else "")
    reference = full.mean if full.whole(results) else None
    kept = kept_cell(model.mean, reference, jobs)
    return (Cell(average, jobs), *overhead_cells(model.layers, results, jobs), kept)


def kept_cell(average: float, reference: float | None, jobs: Jobs) -> Cell:
    """The share of full fine-tuning's average, which leads to its own jobs; nothing without it."""
    return Cell(f"{average / reference:.1%}", jobs) if reference and reference > 0 else NOTHING


def overhead_cells(layers: int | None, results: ResultIndex, jobs: Jobs) -> Row:
    """Layers, and their share of one whole BERT for each task, of the model that `jobs` trained."""
    if layers is None or results.num_hidden_layers is None:
        return NOTHING, NOTHING
    separate = results.num_hidden_layers * len(results.tasks)
    return Cell(str(layers), jobs), Cell(f"{layers / separate:.1%}", jobs)


def _selection_text(selection: Selection) -> str:
    parameters = ", ".join(f"{name} {value}" for name, value in sorted(selection.parameters.items()))
    chosen = ", ".join(f"{each.task} {each.frozen}+{each.tuned}" for each in selection.chosen)
    weighed = len(set(selection.weights.values())) > 1
    weights = ", ".join(f"{task} {weight:g}" for task, weight in sorted(selection.weights.items()))
    return f"Mixed is the selection by {selection.rule} ({parameters}), in shared + own layers: {chosen}." + (
        f" It weighed the tasks ({weights}); the average here does not." if weighed else ""
    )


def _missing(results: ResultIndex, found: tuple[Model, ...]) -> tuple[str, ...]:
    lines = []
    for model in found:
        absent = [task for task in results.tasks if task not in model.groups]
        if absent:
            lines.append(f"{model.name}: nothing for {', '.join(absent)}, so no average and no overhead.")
    if not results.student_sizes():
        lines.append("No student was distilled from a teacher, so there is no KD row.")
    if results.selection is None:
        lines.append("Nothing was selected, so there is no mixed model.")
    else:
        unknown = [each.folder for each in results.selection.chosen if results.group_of(each) is None]
        lines += [f"The selection names {folder}, which is of no job here." for folder in unknown]
    if results.num_hidden_layers is None:
        lines.append("The layers of the BERT are not known, so there is no overhead and no curve.")
    return tuple(lines)
