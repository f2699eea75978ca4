"""What serving costs: a trunk that all tasks share, and a branch for each."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.task import TaskSpec
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.numerics import BILLION, to_billionths

FLOAT32_BYTES, MEGABYTE = 4, 1e6


@dataclass(frozen=True)
class Cost:
    """An additive cost, in whatever is counted or measured.

    A table does for a function: `Cost("milliseconds", measured.__getitem__, ...)`.

    Attributes:
      unit: What it counts: "layers", "milliseconds", "bytes".
      trunk_cost: Of a trunk of so many layers.
      branch_cost: Of what a candidate adds to the trunk.
    """

    unit: str
    trunk_cost: Callable[[int], float]
    branch_cost: Callable[[BranchCandidate], float]

    def __post_init__(self) -> None:
        if not self.unit:
            raise UserError("a cost without a unit; name what it counts, such as milliseconds")

    def trunk(self, depth: int) -> int:
        """Billionths of a unit; raises UserError for a cost that is no number of 0 or more."""
        return self._billionths(self.trunk_cost(depth), f"a trunk of {depth} layers")

    def branch(self, candidate: BranchCandidate) -> int:
        """As `trunk`, for a candidate."""
        return self._billionths(
            self.branch_cost(candidate),
            f"task {candidate.task}, {candidate.frozen} frozen and {candidate.tuned} tuned layers",
        )

    def total(self, candidates: Sequence[BranchCandidate]) -> float:
        """Of all tasks together, in units; the trunk is as deep as the candidate that freezes most."""
        depth = max(candidate.frozen for candidate in candidates)
        return (self.trunk(depth) + sum(self.branch(candidate) for candidate in candidates)) / BILLION

    def _billionths(self, cost: float, what: str) -> int:
        if not (math.isfinite(cost) and cost >= 0):
            raise UserError(f"{what}: a cost of {cost} {self.unit}; wanted a number of 0 or more")
        return to_billionths(cost)


# The paper's overhead, the `layers` of a MergePlan.
LAYERS = Cost("layers", trunk_cost=lambda depth: depth, branch_cost=lambda candidate: candidate.tuned)


def memory_cost(config: BertConfig, tasks: Mapping[str, TaskSpec]) -> Cost:
    """Megabytes (millions of bytes) of all float32 variables.

    Args:
      tasks: By name, every task that a candidate may be of.
    """

    def trunk(depth: int) -> float:
        return _megabytes(scopes.encoder_shapes(config, depth).values())

    def branch(candidate: BranchCandidate) -> float:
        owned = Branch(tasks[candidate.task], candidate.frozen, candidate.tuned).owned_shapes(config)
        return _megabytes(owned.values())

    return Cost("megabytes", trunk, branch)


def _megabytes(shapes: Iterable[scopes.Shape]) -> float:
    return FLOAT32_BYTES * sum(math.prod(shape) for shape in shapes) / MEGABYTE
