"""What serving costs: a trunk that all tasks share, and a branch for each."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.search.selection.candidate import Option
from centrabert.search.selection.numerics import BILLION, billionths


@dataclass(frozen=True)
class Cost:
    """An additive cost, in whatever is counted or measured.

    A table does for a function: `Cost("milliseconds", measured.__getitem__, ...)`.

    Attributes:
      unit: What it counts: "layers", "milliseconds", "bytes".
      trunk_cost: Of a trunk of so many layers.
      branch_cost: Of what an option adds to the trunk.
    """

    unit: str
    trunk_cost: Callable[[int], float]
    branch_cost: Callable[[Option], float]

    def __post_init__(self) -> None:
        if not self.unit:
            raise UserError("a cost without a unit; name what it counts, such as milliseconds")

    def trunk(self, depth: int) -> int:
        """Billionths of a unit; raises UserError for a cost that is no number of 0 or more."""
        return self._billionths(self.trunk_cost(depth), f"a trunk of {depth} layers")

    def branch(self, option: Option) -> int:
        """As `trunk`, for an option."""
        return self._billionths(
            self.branch_cost(option),
            f"task {option.task}, {option.frozen} frozen and {option.tuned} tuned layers",
        )

    def total(self, options: Sequence[Option]) -> float:
        """Of all tasks together, in units; the trunk is as deep as the option that freezes most."""
        depth = max(option.frozen for option in options)
        return (self.trunk(depth) + sum(self.branch(option) for option in options)) / BILLION

    def _billionths(self, cost: float, what: str) -> int:
        if not (math.isfinite(cost) and cost >= 0):
            raise UserError(f"{what}: a cost of {cost} {self.unit}; wanted a number of 0 or more")
        return billionths(cost)


# The paper's overhead, the `layers` of a MergePlan.
LAYERS = Cost("layers", trunk_cost=lambda depth: depth, branch_cost=lambda option: option.tuned)
