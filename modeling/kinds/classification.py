"""Classification: one label of several for each text or pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.kinds.label_names import check_label_names
from centrabert.modeling.kinds.python_values import decimals
from centrabert.modeling.kinds.task_kind import (
    BIAS,
    CLASS,
    POOLED,
    WEIGHTS,
    Answer,
    Arrays,
    Head,
    Labels,
    Output,
    TaskKind,
)

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

TOLERANCE = 1e-4  # between two CPUs, or batches, probabilities of a BERT differ by less than 2e-6 (measured)


@dataclass(frozen=True)
class Classification(Answer):
    """The answer of a classification.

    Attributes:
      label: The most probable one.
      probabilities: Of all labels, in the order of the task's labels.
    """

    label: str
    probabilities: tuple[float, ...]


class ClassificationKind(TaskKind):
    """Softmax over the labels; the head is that of run_classifier.py of BERT."""

    name = "classification"
    reads = POOLED
    outputs = (Output("label", "string"), Output("probabilities", "float32", (CLASS,), absolute=TOLERANCE))
    label_dtype = np.int32
    weighs_labels = True
    metrics = frozenset({"auc", "accuracy", "f1", "macro_f1", "matthews", "micro_f1"})

    def check_labels(self, labels: Labels) -> None:
        if len(labels) < 2:
            raise UserError("a classification needs two labels or more")
        check_label_names(labels)

    def encode_labels(self, values: Sequence[Any], labels: Labels) -> npt.NDArray[Any]:
        """int32 [rows], positions in `labels`; raises UserError for a value that is none of them."""
        positions = {label: position for position, label in enumerate(labels)}
        for row, value in enumerate(values):
            if value not in positions:
                raise UserError(f"label {value!r} of row {row} is none of {', '.join(labels)}")
        return np.array([positions[value] for value in values], np.int32)

    def balanced_weights(self, encoded: npt.NDArray[Any], labels: Labels) -> npt.NDArray[np.float64]:
        """Rows over labels times rows of the label, as scikit-learn's: the mean over the rows is 1."""
        counts = np.bincount(encoded, minlength=len(labels))
        return len(encoded) / (len(labels) * np.maximum(counts, 1))

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        return {WEIGHTS: (len(labels), hidden), BIAS: (len(labels),)}

    def decide(self, predictions: Arrays, labels: Labels) -> npt.NDArray[Any]:
        """int64 [rows], positions of the labels."""
        positions = {label.encode(): position for position, label in enumerate(labels)}
        return np.array([positions[label] for label in predictions["label"].tolist()], np.int64)

    def undecided(self, outputs: Arrays) -> npt.NDArray[np.bool_]:
        """Where the two largest probabilities are no further apart than the tolerance allows them to move."""
        second, first = np.sort(outputs["probabilities"], axis=1)[:, -2:].T
        return np.asarray(first - second <= 2 * TOLERANCE)

    def answers(self, columns: Arrays, labels: Labels) -> list[Classification]:
        del labels
        rows = zip(columns["label"], decimals(columns["probabilities"]), strict=True)
        return [Classification(label, tuple(row)) for label, row in rows]

    def answer_json(self, answer: Classification, labels: Labels) -> dict[str, Any]:
        probabilities = dict(zip(labels, answer.probabilities, strict=True))
        return {"label": answer.label, "probabilities": probabilities}

    def table_cells(self, answer: Classification, labels: Labels) -> dict[str, str]:
        del labels
        return {"prediction": answer.label, "probability": str(max(answer.probabilities))}

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """Cross-entropy; labels are int32 [batch]."""
        import tensorflow.compat.v1 as tf

        if head.targets:
            return _weighed_cross_entropy(head, labels)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, head.logits)

    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """temperature^2 times the cross-entropy of the softened answers."""
        import tensorflow.compat.v1 as tf

        target = tf.nn.softmax(teacher.logits / temperature)
        softened = head.logits / temperature
        return temperature**2 * tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=softened)

    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        import tensorflow.compat.v1 as tf

        positions = tf.argmax(head.logits, 1, output_type=tf.int32)
        return {
            "label": tf.gather(tf.constant(labels), positions),
            "probabilities": tf.nn.softmax(head.logits),
        }


def _weighed_cross_entropy(head: Head, labels: "tf.Tensor") -> "tf.Tensor":
    """float32 [batch], with class weights and label smoothing."""
    import tensorflow.compat.v1 as tf

    classes, smoothing = head.logits.shape[1], head.targets.smoothing
    target = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=head.logits)
    weights = head.targets.weights
    return losses * tf.gather(tf.constant(weights, tf.float32), labels) if weights else losses
