"""Appendix D of the paper: quality against overhead, for every budget and for thresholds of the rule."""

from dataclasses import dataclass, replace

from centrabert.search.report.report_parts import NOTHING, Cell, Row, Section, Table, all_jobs
from centrabert.search.report.result_index import Evidence
from centrabert.search.report.table2_models import full_model, kept_cell, overhead_cells
from centrabert.search.selection.budget_optimum import Choice, pareto_front
from centrabert.search.selection.candidate import Option
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.seed_group import Runs
from centrabert.search.selection.selection import MARGINAL_BENEFIT, Selection
from centrabert.search.selection.serving_cost import LAYERS
from centrabert.search.selection.task_weights import mean_quality, mean_standard_error, task_weights

# The paper's are 1, 2 and 3; finer ones besides, for where layers bring less.
THRESHOLDS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
TITLE = "Quality against overhead (Appendix D)"
TEXT = (
    "The front is the best average that each number of layers can buy (the exact optimum); c is the "
    "threshold of the paper's marginal-benefit rule, in percent points per layer. The error is one standard "
    "error of the average by the spread over seeds, and unknown where a task has one seed only. Choices "
    "within an error of each other are alike; the front is a little too good, being chosen among many."
)


@dataclass(frozen=True)
class Point:
    """One choice for all tasks.

    Attributes:
      name: "front", "mixed", or the thresholds that end there: "c = 1 to 2".
    """

    name: str
    choice: Choice

    @property
    def layers(self) -> int:
        return int(self.choice.cost)


@dataclass(frozen=True)
class Curve:
    """What the tasks cost together and are worth on average.

    Attributes:
      front: Cheaper ones first.
      rule: By falling thresholds, which is by growing models.
      mixed: The selection, if it is one of these tasks.
      separate_layers: Of one whole BERT for each task.
      reference: The average of full fine-tuning, which computes those; None if a task has none.
    """

    front: tuple[Point, ...]
    rule: tuple[Point, ...]
    mixed: Point | None
    separate_layers: int
    reference: float | None


def curve(evidence: Evidence) -> Curve | None:
    """None unless every task has a teacher and the layers of the BERT are known."""
    if not evidence.options or any(evidence.teacher(task) is None for task in evidence.tasks):
        return None
    full, layers = full_model(evidence), evidence.num_hidden_layers or 0
    return Curve(
        tuple(Point("front", choice) for choice in pareto_front(evidence.options)),
        _by_threshold(evidence.options, evidence.selection),
        _mixed(evidence),
        layers * len(evidence.tasks),
        full.mean if full.whole(evidence) else None,
    )


def _by_threshold(options: tuple[Option, ...], selection: Selection | None) -> tuple[Point, ...]:
    used = selection.parameters["threshold"] if selection and selection.rule == MARGINAL_BENEFIT else 1.0
    ending: dict[tuple[Option, ...], list[float]] = {}
    for threshold in sorted({*THRESHOLDS, float(used)}, reverse=True):
        ending.setdefault(marginal_benefit(options, threshold), []).append(threshold)
    return tuple(_point(_thresholds(ends), chosen) for chosen, ends in ending.items())


def _thresholds(ends: list[float]) -> str:
    """All between two that end at one choice end there too."""
    return f"c = {ends[0]:g}" if len(ends) == 1 else f"c = {min(ends):g} to {max(ends):g}"


def _mixed(evidence: Evidence) -> Point | None:
    chosen = evidence.selection.options if evidence.selection else ()
    if {option.task for option in chosen} != set(evidence.tasks):
        return None
    current = [_judged_again(option, evidence.runs_of(option)) for option in chosen]
    known = tuple(option for option in current if option)
    return _point("mixed", known) if len(known) == len(chosen) else None


def _judged_again(option: Option, runs: Runs | None) -> Option | None:
    """With the quality of its jobs here, which may have grown more since the selection."""
    if runs is None:
        return None
    return replace(option, quality=runs.mean, standard_error=runs.standard_error, seeds=len(runs.jobs))


def _point(name: str, options: tuple[Option, ...]) -> Point:
    even = task_weights([option.task for option in options], None)
    error = mean_standard_error(options, even)
    return Point(name, Choice(options, LAYERS.total(options), mean_quality(options, even), error))


def curve_section(evidence: Evidence) -> Section:
    """The front, then the rule's choices, then full fine-tuning."""
    found = curve(evidence)
    if found is None:
        return Section(TITLE, TEXT, None, _missing(evidence))
    points = [*found.front, *found.rule, *([found.mixed] if found.mixed else [])]
    rows = [_row(evidence, point, found.reference) for point in points]
    header = ("choice", "layers", "overhead", "average", "error", "kept", "shared + own layers")
    return Section(TITLE, TEXT, Table(header, (*rows, *_reference_row(evidence, found))), ())


def _row(evidence: Evidence, point: Point, reference: float | None) -> Row:
    choice = point.choice
    runs = [each for each in map(evidence.runs_of, choice.options) if each]
    jobs = all_jobs(runs)
    unsure = any(option.seeds == 1 for option in choice.options)
    layers = ", ".join(f"{each.task} {each.frozen}+{each.tuned}" for each in choice.options)
    return (
        Cell(point.name),
        *overhead_cells(point.layers, evidence, jobs),
        Cell(f"{choice.quality:.2f}", jobs),
        NOTHING if unsure else Cell(f"{choice.standard_error:.2f}", jobs),
        kept_cell(choice.quality, reference, jobs),
        Cell(layers, jobs),
    )


def _reference_row(evidence: Evidence, found: Curve) -> tuple[Row, ...]:
    if found.reference is None:
        return ()
    jobs = all_jobs(full_model(evidence).runs.values())
    quality = Cell(f"{found.reference:.2f}", jobs)
    return (
        (
            Cell("full fine-tuning"),
            *overhead_cells(found.separate_layers, evidence, jobs),
            quality,
            NOTHING,
            kept_cell(found.reference, found.reference, jobs),
            NOTHING,
        ),
    )


def _missing(evidence: Evidence) -> tuple[str, ...]:
    without = [task for task in evidence.tasks if evidence.teacher(task) is None]
    if not without:  # the layers of the BERT are not known, which Table 2 says
        return ()
    return (f"{', '.join(without)}: no teacher, so no curve of quality against overhead.",)
