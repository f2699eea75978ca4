"""The rules of selection by their names: options in, selection out."""

from collections.abc import Iterable, Mapping

from centrabert.search.selection.budget_optimum import optimum
from centrabert.search.selection.candidate import Option, by_task
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.parsimony import parsimonious
from centrabert.search.selection.selection import MARGINAL_BENEFIT, ONE_STANDARD_ERROR, OPTIMUM, Selection
from centrabert.search.selection.serving_cost import LAYERS, Cost
from centrabert.search.selection.task_weights import task_weights

Weights = Mapping[str, float] | None


def by_marginal_benefit(options: Iterable[Option], threshold: float, weights: Weights = None) -> Selection:
    """The paper's rule, each task by itself; the weights count in the mean only."""
    chosen = marginal_benefit(options, threshold)
    return _selection(MARGINAL_BENEFIT, {"threshold": threshold}, chosen, weights)


def by_optimum(
    options: Iterable[Option], budget: float, cost: Cost = LAYERS, weights: Weights = None
) -> Selection:
    """The best that the budget buys, for all tasks at once."""
    chosen = optimum(options, budget, cost, weights).options
    return _selection(OPTIMUM, {"budget": budget, "unit": cost.unit}, chosen, weights)


def by_one_standard_error(
    options: Iterable[Option], cost: Cost = LAYERS, weights: Weights = None
) -> Selection:
    """For each task by itself the option of the cheapest branch within one standard error of its best."""
    chosen = tuple(parsimonious(own, cost.branch) for own in by_task(options).values())
    return _selection(ONE_STANDARD_ERROR, {"unit": cost.unit}, chosen, weights)


def _selection(
    rule: str, parameters: dict[str, float | str], options: tuple[Option, ...], weights: Weights
) -> Selection:
    return Selection(rule, parameters, task_weights([option.task for option in options], weights), options)
