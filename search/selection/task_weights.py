"""How much each task counts in the mean over tasks."""

import math
from collections.abc import Iterable, Mapping, Sequence

from centrabert.errors import UserError
from centrabert.search.selection.candidate import BranchCandidate


def task_weights(tasks: Iterable[str], weights: Mapping[str, float] | None) -> dict[str, float]:
    """One weight for each task; None weighs them equally, as the paper does.

    Raises:
      UserError: A task has no weight or one that is not above 0, or a weight has no task.
    """
    names = list(tasks)
    if weights is None:
        return dict.fromkeys(names, 1.0)
    if differing := sorted(weights.keys() ^ set(names)):
        raise UserError(f"the weights are not those of the tasks {', '.join(names)}: see {differing}")
    for task in names:
        if not (weights[task] > 0 and math.isfinite(weights[task])):
            raise UserError(f"task {task}: weight {weights[task]} is not a number above 0")
    return {task: weights[task] for task in names}


def mean_quality(candidates: Sequence[BranchCandidate], weights: Mapping[str, float]) -> float:
    """The weighted mean over the tasks, in percent."""
    total = math.fsum(weights[candidate.task] for candidate in candidates)
    return math.fsum(weights[candidate.task] * candidate.quality for candidate in candidates) / total


def mean_standard_error(candidates: Sequence[BranchCandidate], weights: Mapping[str, float]) -> float:
    """Of `mean_quality`, the errors of the tasks being independent."""
    total = math.fsum(weights[candidate.task] for candidate in candidates)
    return (
        math.hypot(*(weights[candidate.task] * candidate.standard_error for candidate in candidates)) / total
    )
