"""One small task of every kind. Whoever adds a kind adds one here, and it is tried from end to end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tiny

from centrabert.modeling.kinds.tag_scheme import tag_labels
from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True)
class KindExample:
    """A task and what its data files say.

    Attributes:
      scale: The size of its numbers, by which they round.
      label: The label of a row by its number and text, as `TaskKind.encode_labels` takes it.
    """

    task: TaskSpec
    label: Callable[[int, str], Any]
    scale: float = 1.0


LABELS, IOBES = (tag_labels(["a word", "*"], scheme) for scheme in ("bio", "iobes"))


def tags(text: str, begins: str = "B-") -> tuple[str, ...]:
    """Every word of more than three letters is an entity."""
    return tuple(f"{begins}*" if len(word) > 3 else "O" for word in text.split())


EXAMPLES = (
    KindExample(
        tiny.task("mood", labels=("bad", "so|so", "*good*"), pair=False),
        lambda row, text: ("bad", "so|so", "*good*")[row % 3],
    ),
    KindExample(
        tiny.task("nearness", "regression", pooling="mean"),
        lambda row, text: 1000.0 * (row % 5),
        scale=1000.0,
    ),
    KindExample(
        tiny.task("topics", "multilabel", labels=("a|b", "sea, sun", "*"), pair=False, metric="macro_f1"),
        lambda row, text: ((), ("*",), ("a|b", "*"), ("a|b", "sea, sun", "*"))[row % 4],
    ),
    KindExample(tiny.task("slots", "tagging", labels=LABELS), lambda row, text: tags(text)),
    KindExample(
        tiny.task("marks", "crf_tagging", labels=IOBES, split="bert"), lambda row, text: tags(text, "S-")
    ),
)
