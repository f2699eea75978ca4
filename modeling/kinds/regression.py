"""Regression: one score for each text or pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.kinds.python_values import decimals
from centrabert.modeling.kinds.task_kind import (
    BIAS,
    POOLED,
    UNSCALED,
    WEIGHTS,
    Answer,
    Arrays,
    Head,
    Labels,
    LabelScale,
    Output,
    TaskKind,
)

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

# Rounding grows with the range of the scores, but never falls below that of the activations, which are of
# order 1 in every BERT: between two CPUs, or batches, they differ by less than 2e-6 (measured).
RELATIVE, ABSOLUTE = 1e-4, 1e-5
# Up to here, as STS-B's, scores are learned as they are, which is BERT's way. A step of the optimiser is as
# long whatever they are, so a new head never gets to 1000: on the sample of STS-B, Pearson's correlation is
# 0.73 after 4 epochs; with the same scores times 200 it is 0.01, and with 1000 more -0.06 (measured).
LARGEST = 5.0


@dataclass(frozen=True)
class Score(Answer):
    """The answer of a regression."""

    value: float


class RegressionKind(TaskKind):
    """A linear output, trained by the squared error; of large scores in units of their spread."""

    name = "regression"
    reads = POOLED
    outputs = (Output("score", "float32", absolute=ABSOLUTE, relative=RELATIVE),)
    label_dtype = np.float32
    metrics = frozenset({"pearson", "spearman"})

    def check_labels(self, labels: Labels) -> None:
        if labels:
            raise UserError(f"a regression has no labels, got {tuple(labels)}")

    def encode_labels(self, values: Sequence[Any], labels: Labels) -> npt.NDArray[Any]:
        """float32 [rows]; raises UserError for a value that is not finite."""
        del labels
        scores = np.array(values, np.float32)
        if (bad := np.flatnonzero(~np.isfinite(scores))).size:
            raise UserError(f"the score of row {bad[0]} is {scores[bad[0]]}, which is not finite")
        return scores

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        del labels
        return {WEIGHTS: (1, hidden), BIAS: (1,)}

    def label_scale(self, labels: npt.NDArray[Any]) -> LabelScale:
        """Mean and standard deviation, where a score is beyond LARGEST."""
        scores = labels.astype(np.float64)
        if np.abs(scores).max(initial=0) <= LARGEST:
            return UNSCALED
        return LabelScale(float(scores.mean()), float(scores.std()) or 1.0)

    def scaled(self, variables: Arrays, scale: LabelScale) -> dict[str, npt.NDArray[Any]]:
        mean, spread = np.float32(scale.mean), np.float32(scale.spread)
        weights, bias = variables[WEIGHTS], variables[BIAS]
        return {WEIGHTS: spread * weights, BIAS: mean + spread * bias}

    def decide(self, predictions: Arrays, labels: Labels) -> npt.NDArray[Any]:
        """float32 [rows]."""
        del labels
        return predictions["score"]

    def answers(self, columns: Arrays, labels: Labels) -> list[Score]:
        del labels
        return [Score(value) for value in decimals(columns["score"])]

    def answer_json(self, answer: Score, labels: Labels) -> dict[str, Any]:
        del labels
        return {"score": answer.value}

    def table_cells(self, answer: Score, labels: Labels) -> dict[str, str]:
        del labels
        return {"prediction": str(answer.value)}

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """Squared error; labels are float32 [batch]."""
        return _squared(head.logits[:, 0] - labels, head.scale)

    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """Squared difference of the scores; there is no softmax to soften."""
        del temperature
        return _squared(head.logits[:, 0] - teacher.logits[:, 0], head.scale)

    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        del labels
        return {"score": head.logits[:, 0]}


def _squared(difference: "tf.Tensor", scale: LabelScale) -> "tf.Tensor":
    """float32 [batch], in units of the spread."""
    import tensorflow.compat.v1 as tf

    return tf.square(difference if scale == UNSCALED else difference / scale.spread)
