"""Answers of a single-task model over an encoded data set."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import model_fn_builder
from centrabert.modeling.training.estimator import Estimator, InputFn, Params, RunConfig
from centrabert.modeling.training.token_dataset import Encoded, Rows, sorted_batches


def branch_estimator(bert: BertFolder, branch: Branch, checkpoint: Path, aligned: bool = False) -> Estimator:
    """The trained model of one task: trunk as pretrained, the rest from the branch's checkpoint.

    Args:
      aligned: See `model_fn_builder`; for what must not depend on whether the trunk's output is cached.
    """
    config = bert.config()
    init = {checkpoint: list(branch.owned_shapes(config))}
    if shared := branch.shared_names(config):
        init[bert.checkpoint] = shared
    return Estimator(model_fn_builder(config, branch, init, aligned=aligned), RunConfig())


def predict_logits(
    estimator: Estimator, encoded: Encoded, batch_size: int, checkpoint_path: str | None = None
) -> npt.NDArray[np.float32]:
    """float32 [rows, outputs], in the order of the rows; computed shortest first, to pad little."""
    plan = sorted_batches(encoded.lengths, batch_size)
    outputs = [
        batch["logits"]
        for batch in estimator.predict(input_fn(encoded, plan), checkpoint_path, yield_single_examples=False)
    ]
    logits = np.empty((len(encoded), outputs[0].shape[1]), np.float32)
    logits[np.concatenate(plan)] = np.concatenate(outputs)
    return logits


def decide(task: TaskSpec, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.generic]:
    """Classes int64 [rows], or scores float32 [rows]."""
    return logits[:, 0] if task.kind == "regression" else logits.argmax(1)


def input_fn(encoded: Encoded, plan: list[Rows]) -> InputFn:
    """The batches of `plan`, in order."""

    def batches(params: Params) -> tf.data.Dataset:
        del params
        return dataset(encoded, lambda: (encoded.batch(rows) for rows in plan))

    return batches


def dataset(encoded: Encoded, generator: object) -> tf.data.Dataset:
    """A tf.data.Dataset of the batches that `generator` makes from `encoded`."""
    example = encoded.batch(np.arange(1))
    signature = {name: tf.TensorSpec([None] * array.ndim, array.dtype) for name, array in example.items()}
    return tf.data.Dataset.from_generator(generator, output_signature=signature).prefetch(2)
