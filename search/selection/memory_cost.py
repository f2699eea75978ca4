"""What serving costs in memory: the variables of trunk and branches, exactly."""

import math
from collections.abc import Iterable, Mapping

from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.task import TaskSpec
from centrabert.search.selection.candidate import Option
from centrabert.search.selection.serving_cost import Cost

BYTES, MEGABYTE = 4, 1e6  # of a float32


def memory_cost(config: BertConfig, tasks: Mapping[str, TaskSpec]) -> Cost:
    """Megabytes (millions of bytes) of all float32 variables.

    Args:
      tasks: By name, every task that an option may be of.
    """

    def trunk(depth: int) -> float:
        return _megabytes(scopes.encoder_shapes(config, depth).values())

    def branch(option: Option) -> float:
        owned = Branch(tasks[option.task], option.frozen, option.tuned).owned_shapes(config)
        return _megabytes(owned.values())

    return Cost("megabytes", trunk, branch)


def _megabytes(shapes: Iterable[scopes.Shape]) -> float:
    return BYTES * sum(math.prod(shape) for shape in shapes) / MEGABYTE
