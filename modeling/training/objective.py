"""What training minimises, as one object: its loss, all that the loss reads, and what names it in a run."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.encoder import encode
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.estimator import Tensors
from centrabert.modeling.training.token_dataset import Encoded

Encoder = Callable[..., tf.Tensor]  # takes what `encode` takes, and returns what it returns


@dataclass(frozen=True)
class ModelStates:
    """What a model says of a batch.

    Attributes:
      layers: The states that were asked for; see `LayerState`.
      progress: float32 scalar, the share of all training steps that are done, from 0 to 1.
      padding_id: The tokenizer's.
    """

    head: Head
    layers: Mapping[LayerState, tf.Tensor] = field(default_factory=dict)
    progress: "tf.Tensor | float" = 0.0
    padding_id: int = 0

    @property
    def logits(self) -> tf.Tensor:
        """float32 [batch, ...], of the shape that the task's kind gives them."""
        return self.head.logits

    def real(self, features: Tensors) -> tf.Tensor:
        """bool [batch, length]: False at padding, where no state means anything."""
        return tf.not_equal(features["input_ids"], self.padding_id)


class Objective(Protocol):
    """A loss, and what it needs."""

    @property
    def states(self) -> Collection[LayerState]:
        """The states of the trained model that `loss` reads."""

    def annotate(self, train: Encoded) -> Encoded:
        """The training rows with the features that `loss` reads besides the labels; asked before training."""

    @property
    def standing(self) -> Mapping[Path, Mapping[str, str]]:
        """Other variables that `encoder` reads: checkpoint -> name in the graph -> name there.

        They neither train nor are saved.
        """

    def encoder(self, progress: tf.Tensor) -> Encoder:
        """What computes the own layers in training; evaluation and prediction have `encode`.

        Args:
          progress: As in ModelStates.
        """

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> tf.Tensor:
        """The loss of every row, float32 [batch]."""

    def to_json(self) -> dict[str, Any]:
        """`method`, which is its name, and every setting: two objectives that differ must differ here."""


class FineTuning:
    """The task's own loss against the labels."""

    states: Collection[LayerState] = ()
    standing: Mapping[Path, Mapping[str, str]] = MappingProxyType({})

    def annotate(self, train: Encoded) -> Encoded:
        return train

    def encoder(self, progress: tf.Tensor) -> Encoder:
        return encode

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> tf.Tensor:
        return KINDS[task.kind].loss(model.head, features["labels"])

    def to_json(self) -> dict[str, Any]:
        return {"method": "fine_tuning"}
