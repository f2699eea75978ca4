"""The best choice for all tasks at once, exactly: what one budget can buy, and every budget's best.

A dynamic program over the depth of the trunk: task by task it keeps, for each depth so far, the partial
choices that no other one beats. Costs need be neither whole numbers nor rising with the depth; where they
are whole, as layers are, no more is kept than a knapsack's table holds. All is counted in billionths.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from centrabert.errors import UserError
from centrabert.search.selection.candidate import BranchCandidate, by_task
from centrabert.search.selection.numerics import BILLION, to_billionths
from centrabert.search.selection.serving_cost import LAYERS, Cost
from centrabert.search.selection.task_weights import mean_quality, mean_standard_error, task_weights


@dataclass(frozen=True)
class Choice:
    """One candidate for each task, in the order of the task names.

    Attributes:
      cost: Of all together with their trunk, in the unit of the cost.
      quality: Weighted mean over the tasks, in percent.
      standard_error: Of `quality`.
    """

    chosen: tuple[BranchCandidate, ...]
    cost: float
    quality: float
    standard_error: float


class _Point(NamedTuple):
    """A choice for the first tasks; points sort as they are preferred among those of one cost."""

    cost: int  # billionths of the cost's unit
    loss: int  # minus the weighted sum of qualities, in billionths
    layers: int
    picks: tuple[int, ...]  # indices among the candidates of each task


def optimum(
    candidates: Iterable[BranchCandidate],
    budget: float,
    cost: Cost = LAYERS,
    weights: Mapping[str, float] | None = None,
) -> Choice:
    """The choice of the greatest weighted mean quality within the budget.

    Of equally good ones the cheapest, of those the one with the fewest layers, of those always the same one.

    Args:
      budget: In the unit of `cost`, for the trunk and all branches together.
      weights: One for each task; None weighs them equally.

    Raises:
      UserError: Nothing fits the budget, or an argument is impossible.
    """
    if not (budget >= 0 and math.isfinite(budget)):
        raise UserError(f"budget {budget} {cost.unit} is not a number of 0 or more")
    front = pareto_front(candidates, cost, weights)
    fitting = [choice for choice in front if to_billionths(choice.cost) <= to_billionths(budget)]
    if not fitting:
        raise UserError(
            f"budget {budget:.12g} {cost.unit}: the cheapest choice costs {front[0].cost:.12g}; "
            "raise the budget"
        )
    return fitting[-1]


def pareto_front(
    candidates: Iterable[BranchCandidate], cost: Cost = LAYERS, weights: Mapping[str, float] | None = None
) -> tuple[Choice, ...]:
    """Every choice that no other one beats in cost or in quality without being worse in the other.

    Cheaper ones first, each better than the one before. Of choices with equal cost and quality the one with
    the fewest layers, and of those always the same one.

    Raises:
      UserError: There is no candidate, or a cost or a weight is impossible.
    """
    grouped = by_task(candidates)
    weights = task_weights(grouped, weights)
    tasks = tuple(grouped.values())
    return tuple(
        _choice([own[pick] for own, pick in zip(tasks, point.picks, strict=True)], point, weights)
        for point in _front(tasks, cost, weights)
    )


def _choice(candidates: Sequence[BranchCandidate], point: _Point, weights: Mapping[str, float]) -> Choice:
    return Choice(
        tuple(candidates),
        point.cost / BILLION,
        mean_quality(candidates, weights),
        mean_standard_error(candidates, weights),
    )


def _front(
    tasks: Sequence[Sequence[BranchCandidate]], cost: Cost, weights: Mapping[str, float]
) -> list[_Point]:
    fronts = {0: [_Point(0, 0, 0, ())]}  # by the depth of the trunk so far; its cost comes last
    for candidates in tasks:
        steps = [_step(candidate, pick, cost, weights) for pick, candidate in enumerate(candidates)]
        grown: dict[int, list[_Point]] = defaultdict(list)
        for depth, points in fronts.items():
            for candidate, step in zip(candidates, steps, strict=True):
                grown[max(depth, candidate.frozen)] += [_joined(point, step) for point in points]
        fronts = {depth: _unbeaten(points) for depth, points in grown.items()}
    trunks = {depth: _Point(cost.trunk(depth), 0, depth, ()) for depth in fronts}
    return _unbeaten(_joined(trunks[depth], point) for depth, points in fronts.items() for point in points)


def _step(candidate: BranchCandidate, pick: int, cost: Cost, weights: Mapping[str, float]) -> _Point:
    loss = -to_billionths(weights[candidate.task] * candidate.quality)
    return _Point(cost.branch(candidate), loss, candidate.tuned, (pick,))


def _joined(one: _Point, other: _Point) -> _Point:
    return _Point(
        one.cost + other.cost, one.loss + other.loss, one.layers + other.layers, one.picks + other.picks
    )


def _unbeaten(points: Iterable[_Point]) -> list[_Point]:
    """Those with a lesser loss than all that cost no more; cheaper ones first."""
    kept: list[_Point] = []
    for point in sorted(points):
        if not kept or point.loss < kept[-1].loss:
            kept.append(point)
    return kept
