"""Appendix D of the paper: quality against overhead, for every budget and for thresholds of the rule."""

from dataclasses import dataclass, replace

from centrabert.search.report.document import NOTHING, Cell, Row, Section, Table, all_jobs
from centrabert.search.report.result_index import ResultIndex
from centrabert.search.report.table2_models import full_model, kept_cell, overhead_cells
from centrabert.search.selection.budget_optimum import Choice, pareto_front
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.seed_group import FinishedGroup
from centrabert.search.selection.selection import MARGINAL_BENEFIT, Selection
from centrabert.search.selection.serving_cost import LAYERS
from centrabert.search.selection.task_weights import mean_quality, mean_standard_error, task_weights

# The paper's are 1, 2 and 3; finer ones besides, for where layers bring less.
THRESHOLDS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0)
TITLE = "Quality against overhead (Appendix D)"
TEXT = (
    "The front is the best average that each number of layers can buy (the exact optimum); c is the "
    "threshold of the paper's marginal-benefit rule, in percent points per layer. The error is one standard "
    "error of the average, by the spread over seeds or over resamples of dev, whichever is larger; it is "
    "unknown where an older version has trained a task with one seed only. Choices within an error of each "
    "other are alike; the front is a little too good, being chosen among many."
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


def curve(results: ResultIndex) -> Curve | None:
    """None unless every task has a teacher and the layers of the BERT are known."""
    if not results.candidates or any(results.teacher(task) is None for task in results.tasks):
        return None
    full, layers = full_model(results), results.num_hidden_layers or 0
    return Curve(
        tuple(Point("front", choice) for choice in pareto_front(results.candidates)),
        _by_threshold(results.candidates, results.selection),
        _mixed(results),
        layers * len(results.tasks),
        full.mean if full.whole(results) else None,
    )


def _by_threshold(candidates: tuple[BranchCandidate, ...], selection: Selection | None) -> tuple[Point, ...]:
    used = selection.parameters["threshold"] if selection and selection.rule == MARGINAL_BENEFIT else 1.0
    ending: dict[tuple[BranchCandidate, ...], list[float]] = {}
    for threshold in sorted({*THRESHOLDS, float(used)}, reverse=True):
        ending.setdefault(marginal_benefit(candidates, threshold), []).append(threshold)
    return tuple(_point(_thresholds(ends), chosen) for chosen, ends in ending.items())


def _thresholds(ends: list[float]) -> str:
    """All between two that end at one choice end there too."""
    return f"c = {ends[0]:g}" if len(ends) == 1 else f"c = {min(ends):g} to {max(ends):g}"


def _mixed(results: ResultIndex) -> Point | None:
    chosen = results.selection.chosen if results.selection else ()
    if {candidate.task for candidate in chosen} != set(results.tasks):
        return None
    current = [_judged_again(candidate, results.group_of(candidate)) for candidate in chosen]
    known = tuple(candidate for candidate in current if candidate)
    return _point("mixed", known) if len(known) == len(chosen) else None


def _judged_again(candidate: BranchCandidate, group: FinishedGroup | None) -> BranchCandidate | None:
    """With the quality of its jobs here, which may have grown more since the selection."""
    if group is None:
        return None
    return replace(
        candidate, quality=group.mean, standard_error=group.standard_error(), seeds=len(group.jobs)
    )


def _point(name: str, candidates: tuple[BranchCandidate, ...]) -> Point:
    even = task_weights([candidate.task for candidate in candidates], None)
    error = mean_standard_error(candidates, even)
    return Point(name, Choice(candidates, LAYERS.total(candidates), mean_quality(candidates, even), error))


def curve_section(results: ResultIndex) -> Section:
    """The front, then the rule's choices, then full fine-tuning."""
    found = curve(results)
    if found is None:
        return Section(TITLE, TEXT, None, _missing(results))
    points = [*found.front, *found.rule, *([found.mixed] if found.mixed else [])]
    rows = [_row(results, point, found.reference) for point in points]
    header = ("choice", "layers", "overhead", "average", "error", "kept", "shared + own layers")
    return Section(TITLE, TEXT, Table(header, (*rows, *_reference_row(results, found))), ())


def _row(results: ResultIndex, point: Point, reference: float | None) -> Row:
    choice = point.choice
    groups = [each for each in map(results.group_of, choice.chosen) if each]
    jobs = all_jobs(groups)
    unsure = any(each.seeds == 1 and not each.standard_error for each in choice.chosen)
    layers = ", ".join(f"{each.task} {each.frozen}+{each.tuned}" for each in choice.chosen)
    return (
        Cell(point.name),
        *overhead_cells(point.layers, results, jobs),
        Cell(f"{choice.quality:.2f}", jobs),
        NOTHING if unsure else Cell(f"{choice.standard_error:.2f}", jobs),
        kept_cell(choice.quality, reference, jobs),
        Cell(layers, jobs),
    )


def _reference_row(results: ResultIndex, found: Curve) -> tuple[Row, ...]:
    if found.reference is None:
        return ()
    jobs = all_jobs(full_model(results).groups.values())
    quality = Cell(f"{found.reference:.2f}", jobs)
    return (
        (
            Cell("full fine-tuning"),
            *overhead_cells(found.separate_layers, results, jobs),
            quality,
            NOTHING,
            kept_cell(found.reference, found.reference, jobs),
            NOTHING,
        ),
    )


def _missing(results: ResultIndex) -> tuple[str, ...]:
    without = [task for task in results.tasks if results.teacher(task) is None]
    if not without:  # the layers of the BERT are not known, which Table 2 says
        return ()
    return (f"{', '.join(without)}: no teacher, so no curve of quality against overhead.",)
