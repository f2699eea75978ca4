"""Multi-label classification: any number of the labels for each text or pair, none of them too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.kinds.label_names import check_label_names
from centrabert.modeling.kinds.python_values import decimals
from centrabert.modeling.kinds.task_kind import CLASS, POOLED, Answer, Arrays, Head, Labels, Output, TaskKind

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

TOLERANCE = 1e-4  # as for a classification's probabilities


@dataclass(frozen=True)
class LabelSet(Answer):
    """The answer of a multi-label classification.

    Attributes:
      labels: Those that the text has, in the order of the task's labels.
      probabilities: Of all labels, each for itself, in that order.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class MultilabelKind(TaskKind):
    """A sigmoid for each label; a text has the labels that are more likely than not.

    The decision is answered as one bool for each label, and not as text: labels may hold any separator, and
    a tensor has as many entries in every row.
    """

    name = "multilabel"
    reads = POOLED
    outputs = (Output("decision", "bool", (CLASS,)), Output("probabilities", "float32", (CLASS,), TOLERANCE))
    label_dtype = np.int32
    metrics = frozenset({"macro_f1", "micro_f1"})

    def check_labels(self, labels: Labels) -> None:
        if not labels:
            raise UserError("a multi-label classification needs a label or more")
        check_label_names(labels)

    def encode_labels(self, values: Sequence[Any], labels: Labels) -> npt.NDArray[Any]:
        """int32 [rows, labels], 1 for each label that a row has; a row is a tuple of names, maybe empty."""
        positions = {label: position for position, label in enumerate(labels)}
        encoded = np.zeros([len(values), len(labels)], np.int32)
        for row, names in enumerate(values):
            for name in names:
                if name not in positions:
                    raise UserError(f"label {name!r} of row {row} is none of {', '.join(labels)}")
                encoded[row, positions[name]] = 1
        return encoded

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"output_weights": (len(labels), hidden), "output_bias": (len(labels),)}

    def decide(self, predictions: Arrays) -> npt.NDArray[Any]:
        """bool [rows, labels]."""
        return predictions["decision"]

    def answers(self, columns: Arrays, labels: Labels) -> list[LabelSet]:
        rows = zip(columns["decision"].tolist(), decimals(columns["probabilities"]), strict=True)
        return [
            LabelSet(tuple(label for label, has in zip(labels, decision, strict=True) if has), tuple(row))
            for decision, row in rows
        ]

    def answer_json(self, answer: LabelSet, labels: Labels) -> dict[str, Any]:
        probabilities = dict(zip(labels, answer.probabilities, strict=True))
        return {"labels": list(answer.labels), "probabilities": probabilities}

    def logits(self, x: "tf.Tensor", variables: "Mapping[str, tf.Variable]") -> "tf.Tensor":
        """float32 [batch, labels]."""
        import tensorflow.compat.v1 as tf

        weights, bias = variables["output_weights"], variables["output_bias"]
        return tf.nn.bias_add(tf.matmul(x, weights, transpose_b=True), bias)

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """The mean cross-entropy of the labels; int32 [batch, labels], 0 or 1."""
        return _mean_cross_entropy(labels, head.logits)

    def soft_loss(self, head: Head, teacher: "tf.Tensor", temperature: float) -> "tf.Tensor":
        """temperature^2 times the mean cross-entropy of the softened probabilities."""
        import tensorflow.compat.v1 as tf

        target = tf.sigmoid(teacher / temperature)
        return temperature**2 * _mean_cross_entropy(target, head.logits / temperature)

    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        import tensorflow.compat.v1 as tf

        del labels
        return {"decision": head.logits >= 0, "probabilities": tf.sigmoid(head.logits)}


def _mean_cross_entropy(target: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """float32 [batch], of Bernoulli variables with the probabilities `target`, [batch, labels]."""
    import tensorflow.compat.v1 as tf

    entropies = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(target, tf.float32), logits=logits)
    return tf.reduce_mean(entropies, 1)
