"""What a task kind is: everything that depends on what sort of answer a task gives, in one object.

Servers, clients, model cards and pages read kinds without TensorFlow. So a kind imports TensorFlow inside
those of its methods that build a graph, and nowhere else.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

Arrays = Mapping[str, npt.NDArray[Any]]
Labels = Sequence[str]
POOLED, TOKENS = "pooled", "tokens"  # what a head reads of the encoder
CLASS, WORD, SPAN, RANGE = "class", "word", "span", "range"  # axes of an output
WEIGHTS, BIAS = "output_weights", "output_bias"  # of BERT's linear head: [outputs, hidden] and [outputs]


@dataclass(frozen=True)
class Output:
    """One tensor of the answer; the batch is its first dimension.

    Attributes:
      dtype: TensorFlow's name of it: "string", "float32", "int32" or "bool".
      axes: Of the dimensions after the batch: CLASS counts the labels; WORD the words of the longest row,
        SPAN the spans of the row with the most, and a row has "" and 0 behind its own; RANGE is a start and
        an end.
      absolute, relative: How far a number may be from the golden one where another CPU computes it, or a
        batch of other rows: so much, or this share of the largest golden number, whichever is more.
    """

    name: str
    dtype: str
    axes: tuple[str, ...] = ()
    absolute: float = 0.0
    relative: float = 0.0

    def tolerance(self, golden: npt.NDArray[Any]) -> float:
        """The largest difference from these golden numbers that is rounding alone."""
        return max(self.absolute, self.relative * float(np.abs(golden).max(initial=0)))


@dataclass(frozen=True)
class LabelTargets:
    """What training aims at besides the bare labels; the default is the labels alone.

    Attributes:
      weights: Of the task's labels, in their order: the loss of a label counts so often. Of a multi-label row
        it is the loss of the labels that it has. () weighs none.
      smoothing: The share of a label's probability that all labels get alike (Szegedy et al. 2016).
    """

    weights: tuple[float, ...] = ()
    smoothing: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.weights or self.smoothing)


LABELS_ALONE = LabelTargets()


@dataclass(frozen=True)
class LabelScale:
    """The units in which a head is trained: a label is mean + spread * units."""

    mean: float = 0.0
    spread: float = 1.0

    @property
    def inverse(self) -> "LabelScale":
        """Units are mean + spread * label."""
        return LabelScale(-self.mean / self.spread, 1 / self.spread)


UNSCALED = LabelScale()


@dataclass(frozen=True)
class Head:
    """A task's head, applied to a batch.

    Attributes:
      logits: float32 [batch, ...].
      variables: The head's own, by the names of `TaskKind.head_shapes`.
      real: bool [batch, length]; False for padding. Only where the head reads TOKENS.
      places: int32 [batch, words, COLUMNS], see `words/word_places.py`; of a task that has a split.
      labels: Of the task.
      targets: How `loss` reads the labels, in training.
      scale: In whose units the variables are while they are trained; logits are always in those of labels.
    """

    logits: "tf.Tensor"
    variables: "Mapping[str, tf.Variable]"
    real: "tf.Tensor | None" = None
    places: "tf.Tensor | None" = None
    labels: Labels = ()
    targets: LabelTargets = LABELS_ALONE
    scale: LabelScale = UNSCALED

    def trained_in(self, scale: LabelScale) -> "Head":
        """The head whose variables, and so logits as they come from them, are in units of `scale`."""
        if scale == UNSCALED:
            return self
        return replace(self, logits=scale.mean + scale.spread * self.logits, scale=scale)


class Answer:
    """What a client gets from one task for one row; each kind has its own, a frozen dataclass."""

    def with_text(self, text: str) -> "Answer":
        """The answer to this text, where it quotes it."""
        del text
        return self


class TaskKind(ABC):
    """A sort of answer.

    Attributes:
      name: What `task.kind` says.
      reads: POOLED, float32 [batch, hidden], or TOKENS, float32 [batch, length, hidden].
      outputs: The tensors of an answer, of which the first tells the decision.
      label_dtype: Of the numeric labels that training reads.
      untrained: Variables of the head that no gradient moves; `tuned` sets them.
      metrics: By which a checkpoint may be chosen; see `glue_data/metrics.py`.
      weighs_labels: Whether `loss` takes class weights and label smoothing.
    """

    name: ClassVar[str]
    reads: ClassVar[str]
    outputs: ClassVar[tuple[Output, ...]]
    label_dtype: ClassVar[type[np.generic]]
    untrained: ClassVar[frozenset[str]] = frozenset()
    metrics: ClassVar[frozenset[str]]
    weighs_labels: ClassVar[bool] = False

    @abstractmethod
    def check_labels(self, labels: Labels) -> None:
        """Raises UserError, without naming the task, unless a task can have these labels."""

    @abstractmethod
    def encode_labels(self, values: Sequence[Any], labels: Labels) -> npt.NDArray[Any]:
        """The numeric labels [rows, ...] that `loss` and the metrics read, from those of a data file.

        Raises:
          UserError: One of them is none that such a task can have.
        """

    def balanced_weights(self, encoded: npt.NDArray[Any], labels: Labels) -> npt.NDArray[np.float64]:
        """A weight for each label, the larger, the rarer it is; only of kinds that weigh labels.

        Args:
          encoded: From `encode_labels`, of the training rows.
        """
        raise ValueError(f"a {self.name} weighs no labels")

    @abstractmethod
    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        """The head's variables by name; the names do not depend on the arguments.

        A vector starts at zero, everything else as BERT's weights do.
        """

    @abstractmethod
    def decide(self, predictions: Arrays, labels: Labels) -> npt.NDArray[Any]:
        """What the metrics compare with the numeric labels, [rows, ...].

        Args:
          predictions: The tensors of `outputs`, all rows; strings as TensorFlow's bytes.
        """

    def label_scale(self, labels: npt.NDArray[Any]) -> LabelScale:
        """The units in which a head learns these labels of train best."""
        del labels
        return UNSCALED

    def scaled(self, variables: Arrays, scale: LabelScale) -> Mapping[str, npt.NDArray[Any]]:
        """Those of a head's variables that depend on units, in those of the labels, from those of `scale`."""
        del variables, scale
        return {}

    def tuned(self, logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Mapping[str, npt.NDArray[Any]]:
        """The best values of the `untrained` variables for rows of dev, found at every evaluation.

        A checkpoint is chosen by its metrics with them, and they are part of it when it is kept.
        """
        del logits, labels
        return {}

    def undecided(self, outputs: Arrays) -> npt.NDArray[np.bool_]:
        """Where the decision is so close that rounding may turn it: nowhere unless a kind says so.

        One bool for each row, or for each entry of the first output.
        """
        return np.zeros(len(outputs[self.outputs[0].name]), bool)

    @abstractmethod
    def answers(self, columns: Arrays, labels: Labels) -> Sequence[Answer]:
        """The answer to each row, as Python clients get it.

        Args:
          columns: By the names of `outputs`; strings as str.
          labels: Of the task, () where they are not known.
        """

    @abstractmethod
    def answer_json(self, answer: Any, labels: Labels) -> dict[str, Any]:
        """One of `answers` as `run_predict` writes it."""

    def table_cells(self, answer: Any, labels: Labels) -> dict[str, str]:
        """One of `answers` as the columns of a table of predictions, by their names."""
        return {"prediction": json.dumps(self.answer_json(answer, labels), ensure_ascii=False)}

    def logits(self, x: "tf.Tensor", variables: "Mapping[str, tf.Variable]") -> "tf.Tensor":
        """float32 [batch, ...] from what the head `reads`: a linear layer, as in BERT's run_classifier.py."""
        import tensorflow.compat.v1 as tf

        return tf.nn.bias_add(tf.matmul(x, variables[WEIGHTS], transpose_b=True), variables[BIAS])

    @abstractmethod
    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """The loss of every row against its label; float32 [batch]."""

    @abstractmethod
    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """The loss of every row against a teacher's, for vanilla distillation; float32 [batch].

        Args:
          teacher: With the teacher's logits and variables, which are constants, for the same rows.
        """

    def logit_error(self, head: Head, teacher: Head) -> "tf.Tensor":
        """The mean squared difference of a row's logits from a teacher's; float32 [batch].

        As the gradient of a soft loss of ever higher temperature tends to that of half of it.
        """
        import tensorflow.compat.v1 as tf

        return tf.reduce_mean(tf.square((head.logits - teacher.logits) / head.scale.spread), 1)

    @abstractmethod
    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        """The tensors of `outputs` by name."""
