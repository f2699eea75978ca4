"""Multi-label classification: any number of the labels for each text or pair, none of them too."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
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

THRESHOLDS = "output_thresholds"  # float32 [labels], in the space of the logits; 0 is the probability 0.5
TOLERANCE = 1e-4  # as for a classification's probabilities
THRESHOLD_TOLERANCE = 1e-6  # thresholds are stored; only the sigmoid of one may round otherwise elsewhere


@dataclass(frozen=True)
class LabelSet(Answer):
    """The answer of a multi-label classification.

    Attributes:
      labels: Those that the text has, in the order of the task's labels.
      probabilities: Of all labels, each for itself, in that order.
      thresholds: Of all labels, in that order: the probability from which on a text has the label.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    thresholds: tuple[float, ...]


class MultilabelKind(TaskKind):
    """A sigmoid for each label, and a threshold for each, tuned on dev.

    The decision is answered as one bool for each label, and not as text: labels may hold any separator, and
    a tensor has as many entries in every row. The thresholds, as probabilities, are answered beside it, the
    same for every row: so whoever reads an answer sees how close it was, from whichever server it comes.
    They are compared before the sigmoid, which rounds what is very likely to 1.
    """

    name = "multilabel"
    reads = POOLED
    outputs = (
        Output("decision", "bool", (CLASS,)),
        Output("probabilities", "float32", (CLASS,), absolute=TOLERANCE),
        Output("thresholds", "float32", (CLASS,), absolute=THRESHOLD_TOLERANCE),
    )
    label_dtype = np.int32
    untrained = frozenset({THRESHOLDS})
    weighs_labels = True
    metrics = frozenset({"auc", "macro_f1", "micro_f1"})

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

    def balanced_weights(self, encoded: npt.NDArray[Any], labels: Labels) -> npt.NDArray[np.float64]:
        """Rows without the label over rows with it, so that both weigh the same together."""
        del labels
        counts = encoded.sum(0, dtype=np.int64)
        return np.maximum(len(encoded) - counts, 1) / np.maximum(counts, 1)

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            WEIGHTS: (len(labels), hidden),
            BIAS: (len(labels),),
            THRESHOLDS: (len(labels),),
        }

    def tuned(self, logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """For each label the threshold with the highest F1 on these rows; see `best_threshold`."""
        columns = zip(logits.T, labels.T, strict=True)
        return {THRESHOLDS: np.array([best_threshold(*column) for column in columns], np.float32)}

    def decide(self, predictions: Arrays, labels: Labels) -> npt.NDArray[Any]:
        """bool [rows, labels]."""
        del labels
        return predictions["decision"]

    def undecided(self, outputs: Arrays) -> npt.NDArray[np.bool_]:
        """Each label whose probability is no further from its threshold than the tolerance allows."""
        return np.asarray(np.abs(outputs["probabilities"] - outputs["thresholds"]) <= TOLERANCE)

    def answers(self, columns: Arrays, labels: Labels) -> list[LabelSet]:
        decided = [tuple(compress(labels, row)) for row in columns["decision"].tolist()]
        numbers = [map(tuple, decimals(columns[name])) for name in ("probabilities", "thresholds")]
        return [LabelSet(*row) for row in zip(decided, *numbers, strict=True)]

    def answer_json(self, answer: LabelSet, labels: Labels) -> dict[str, Any]:
        return {
            "labels": list(answer.labels),
            "probabilities": dict(zip(labels, answer.probabilities, strict=True)),
            "thresholds": dict(zip(labels, answer.thresholds, strict=True)),
        }

    def table_cells(self, answer: LabelSet, labels: Labels) -> dict[str, str]:
        """The labels as a data file has them: parted by commas, or a list in JSON if one holds a comma."""
        listed = any("," in label for label in labels)
        names = json.dumps(answer.labels, ensure_ascii=False) if listed else ",".join(answer.labels)
        probabilities = dict(zip(labels, answer.probabilities, strict=True))
        return {"prediction": names, "probabilities": json.dumps(probabilities, ensure_ascii=False)}

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """The mean cross-entropy of the labels; int32 [batch, labels], 0 or 1."""
        if head.targets:
            return _weighed_cross_entropy(head, labels)
        return _mean_cross_entropy(labels, head.logits)

    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """temperature^2 times the mean cross-entropy of the softened probabilities."""
        import tensorflow.compat.v1 as tf

        target = tf.sigmoid(teacher.logits / temperature)
        return temperature**2 * _mean_cross_entropy(target, head.logits / temperature)

    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        import tensorflow.compat.v1 as tf

        del labels
        thresholds = tf.convert_to_tensor(head.variables[THRESHOLDS])
        return {
            "decision": head.logits >= thresholds,
            "probabilities": tf.sigmoid(head.logits),
            "thresholds": tf.broadcast_to(tf.sigmoid(thresholds), tf.shape(head.logits)),
        }


def best_threshold(logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> np.float32:
    """The threshold at which the decision `logits >= threshold` has the highest F1 for one label.

    All are tried: the middles between neighbours among the logits, and 1 below the lowest. Of equally good
    ones it is the one that is nearest to 0. A label that no row has keeps 0, the probability 0.5.

    Args:
      logits: float32 [rows].
      labels: [rows], 1 for the rows that have the label.
    """
    if not labels.any():
        return np.float32(0)
    order = np.argsort(-logits, kind="stable")
    upper, hits = logits[order], np.cumsum(labels[order])
    lower = np.append(upper[1:], upper[-1] - 2)
    f1 = 2 * hits / (np.arange(1, len(upper) + 1) + hits[-1])
    middles = np.where((middle := (upper + lower) / 2) > lower, middle, upper)  # of neighbouring floats
    best = (upper > lower) & (f1 == f1[upper > lower].max())
    return np.float32(min(middles[best], key=abs))


def _mean_cross_entropy(target: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """float32 [batch], of Bernoulli variables with the probabilities `target`, [batch, labels]."""
    import tensorflow.compat.v1 as tf

    entropies = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(target, tf.float32), logits=logits)
    return tf.reduce_mean(entropies, 1)


def _weighed_cross_entropy(head: Head, labels: "tf.Tensor") -> "tf.Tensor":
    """float32 [batch], with label smoothing and weights of the labels that a row has."""
    import tensorflow.compat.v1 as tf

    smoothing = head.targets.smoothing
    target = tf.cast(labels, tf.float32) * (1 - smoothing) + smoothing / 2
    weights = tf.constant(head.targets.weights or 1.0, tf.float32)
    return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(target, head.logits, weights), 1)
