"""The states inside the encoder that a loss may need besides the logits, and what notes them.

A graph holds every one of them anyway: who needs none pays nothing, and no bit changes.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

HIDDEN = "hidden"
QUERY, KEY, VALUE = "query", "key", "value"
ATTENTION_SCORES, ATTENTION = "attention_scores", "attention"
STATE_KINDS = (HIDDEN, QUERY, KEY, VALUE, ATTENTION_SCORES, ATTENTION)
Record = Callable[[str, "tf.Tensor"], None]


@dataclass(frozen=True, order=True)
class LayerState:
    """One tensor of one layer, float32; what stands at padding means nothing.

    Attributes:
      kind: "hidden" is the layer's output, [batch, length, hidden]. "query", "key" and "value" are
        [batch, heads, length, hidden / heads]. "attention_scores" are the scaled products of queries and
        keys with the mask of padding added, [batch, heads, length, length]; "attention" is their softmax,
        before dropout.
      depth: Number of layers up to and with this one, so that the state is one of `layer_{depth - 1}`.
        Depth 0 are the embeddings, which have a hidden state alone.

    Raises:
      ValueError: There is no such state.
    """

    kind: str
    depth: int

    def __post_init__(self) -> None:
        if self.kind not in STATE_KINDS:
            raise ValueError(f"state {self.kind!r} is none of {', '.join(STATE_KINDS)}")
        if self.depth < (0 if self.kind == HIDDEN else 1):
            raise ValueError(f"state {self.kind} at depth {self.depth}: no layer has one")

    @property
    def name(self) -> str:
        """As a feature, a prediction and a part of a file's name: `hidden_4`."""
        return f"{self.kind}_{self.depth}"


class StateRecorder:
    """Keeps the tensors of the `wanted` states while a graph is built, and lets all others pass."""

    def __init__(self, wanted: Collection[LayerState] = ()) -> None:
        self._wanted = frozenset(wanted)
        self._recorded: dict[LayerState, tf.Tensor] = {}

    def wants(self, kind: str, depth: int) -> bool:
        return LayerState(kind, depth) in self._wanted

    def wants_depth(self, depth: int) -> bool:
        """Whether any state of that layer is wanted."""
        return any(state.depth == depth for state in self._wanted)

    def record(self, depth: int, kind: str, tensor: "tf.Tensor") -> None:
        """Keeps the tensor if it is wanted."""
        if self.wants(kind, depth):
            self._recorded[LayerState(kind, depth)] = tensor

    def at(self, depth: int) -> Record:
        """`record` for one layer."""
        return partial(self.record, depth)

    def recorded(self) -> "dict[LayerState, tf.Tensor]":
        """Every wanted state; raises ValueError naming those that the graph does not have."""
        if absent := sorted(self._wanted - self._recorded.keys()):
            raise ValueError(f"the graph has no states {', '.join(state.name for state in absent)}")
        return dict(self._recorded)


NO_STATES = StateRecorder()
