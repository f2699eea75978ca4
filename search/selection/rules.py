"""The rules of selection by their names: candidates in, selection out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from centrabert.errors import UserError
from centrabert.search.selection.budget_optimum import optimum
from centrabert.search.selection.candidate import BranchCandidate, by_task
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.numerics import to_billionths
from centrabert.search.selection.selection import MARGINAL_BENEFIT, ONE_STANDARD_ERROR, OPTIMUM, Selection
from centrabert.search.selection.serving_cost import LAYERS, Cost
from centrabert.search.selection.task_weights import task_weights

Weights = Mapping[str, float] | None


class Measured(Protocol):
    """A candidate of one task, or a Choice for all of them."""

    @property
    def quality(self) -> float: ...

    @property
    def standard_error(self) -> float: ...


M = TypeVar("M", bound=Measured)


def by_marginal_benefit(
    candidates: Iterable[BranchCandidate], threshold: float, weights: Weights = None
) -> Selection:
    """The paper's rule, each task by itself; the weights count in the mean only."""
    chosen = marginal_benefit(candidates, threshold)
    return _selection(MARGINAL_BENEFIT, {"threshold": threshold}, chosen, weights)


def by_optimum(
    candidates: Iterable[BranchCandidate], budget: float, cost: Cost = LAYERS, weights: Weights = None
) -> Selection:
    """The best that the budget buys, for all tasks at once."""
    chosen = optimum(candidates, budget, cost, weights).chosen
    return _selection(OPTIMUM, {"budget": budget, "unit": cost.unit}, chosen, weights)


def by_one_standard_error(
    candidates: Iterable[BranchCandidate], cost: Cost = LAYERS, weights: Weights = None
) -> Selection:
    """For each task by itself the candidate of the cheapest branch within one standard error of its best."""
    chosen = tuple(one_standard_error_choice(own, cost.branch) for own in by_task(candidates).values())
    return _selection(ONE_STANDARD_ERROR, {"unit": cost.unit}, chosen, weights)


def one_standard_error_choice(measured: Iterable[M], price: Callable[[M], float]) -> M:
    """The cheapest whose quality is at least the best one's minus the best one's standard error.

    Of equally cheap ones the better, then the first. Of equally good best ones the more certain. Source:
    Breiman et al., Classification and Regression Trees, 1984, section 3.4.3.

    Raises:
      UserError: There is nothing to choose from.
    """
    given = list(measured)
    if not given:
        raise UserError("there is no candidate to choose from")
    best = min(given, key=lambda each: (-to_billionths(each.quality), each.standard_error))
    floor = to_billionths(best.quality) - to_billionths(best.standard_error)
    near = [each for each in given if to_billionths(each.quality) >= floor]
    return min(near, key=lambda each: (price(each), -to_billionths(each.quality)))


def _selection(
    rule: str, parameters: dict[str, float | str], candidates: tuple[BranchCandidate, ...], weights: Weights
) -> Selection:
    return Selection(
        rule, parameters, task_weights([candidate.task for candidate in candidates], weights), candidates
    )
