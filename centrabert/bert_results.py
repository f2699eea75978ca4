"""The result files of google-research/bert's run_classifier.py, for scripts that read them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import CLASS, POOLED, Head
from centrabert.modeling.task import TaskSpec

EVAL_RESULTS = "eval_results.txt"


def eval_results_text(metrics: Mapping[str, float], loss: float | None, global_step: int | None) -> str:
    """One `name = value` a line, sorted: metrics as eval_NAME, and eval_loss, global_step and loss, if known.

    BERT's `loss` is the mean over the batches, `eval_loss` the mean over the rows; here both are the latter.
    """
    known = {"eval_loss": loss, "global_step": global_step, "loss": loss}
    values = {**{f"eval_{name}": value for name, value in metrics.items()}, **known}
    return "".join(f"{name} = {values[name]}\n" for name in sorted(values) if values[name] is not None)


def mean_loss(task: TaskSpec, logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float | None:
    """The mean loss of all rows; None for a kind whose loss needs more than logits and labels."""
    import tensorflow.compat.v1 as tf

    kind = KINDS[task.kind]
    if kind.reads != POOLED:
        return None
    with tf.Graph().as_default(), tf.Session() as session:
        losses = session.run(kind.loss(Head(tf.constant(logits), {}), tf.constant(labels)))
    return float(np.mean(losses, dtype=np.float64))


def prediction_file(split: str) -> str:
    """test_results.tsv, or for another test split that with the split's ending, as in _mismatched."""
    return f"test_results{split.removeprefix('test')}.tsv"


def prediction_text(task: TaskSpec, predictions: Mapping[str, npt.NDArray[Any]]) -> str | None:
    """A line for each row: the probabilities of the labels in their order, or the score; tab-separated.

    None for a kind that answers neither with a number for each class nor with a single one.
    """
    for output in KINDS[task.kind].outputs:
        if output.dtype == "float32" and output.axes in ((), (CLASS,)):
            rows = predictions[output.name].reshape(len(predictions[output.name]), -1)
            return "".join("\t".join(map(str, row)) + "\n" for row in rows)
    return None
