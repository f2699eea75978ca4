"""One small task of every kind. Whoever adds a kind adds one here, and it is tried from end to end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tiny

from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True)
class KindExample:
    """A task and what its data files say.

    Attributes:
      scale: The size of its numbers, by which they round.
      label: The label of a row by its number, as `TaskKind.encode_labels` takes it.
    """

    task: TaskSpec
    label: Callable[[int], Any]
    scale: float = 1.0


EXAMPLES = (
    KindExample(
        tiny.task("mood", labels=("bad", "so|so", "*good*"), pair=False),
        lambda row: ("bad", "so|so", "*good*")[row % 3],
    ),
    KindExample(
        tiny.task("nearness", "regression", pooling="mean"), lambda row: 1000.0 * (row % 5), scale=1000.0
    ),
    KindExample(
        tiny.task("topics", "multilabel", labels=("a|b", "sea, sun", "*"), pair=False, metric="macro_f1"),
        lambda row: ((), ("*",), ("a|b", "*"), ("a|b", "sea, sun", "*"))[row % 4],
    ),
)
