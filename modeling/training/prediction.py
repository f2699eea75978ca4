"""Answers of a single-task model over an encoded data set, and the batches that go into a model."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.golden import Golden, golden_of, golden_rows
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import model_fn_builder
from centrabert.modeling.training.estimator import Arrays, Estimator, InputFn, Params, RunConfig
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.token_dataset import Encoded, Rows, sorted_batches, training_batches

Tuned = Mapping[str, npt.NDArray[Any]]
NOTHING_TUNED: Tuned = MappingProxyType({})


def branch_estimator(
    bert: BertFolder,
    branch: Branch,
    checkpoint: Path,
    padding_id: int,
    aligned: bool = False,
    states: Collection[LayerState] = (),
) -> Estimator:
    """The trained model of one task: trunk as pretrained, the rest from the branch's checkpoint.

    Args:
      padding_id: Of the rows that will be read.
      aligned: See `model_fn_builder`; for what must not depend on whether the trunk's output is cached.
      states: Are predicted too, by their names.
    """
    config = bert.config()
    init = {checkpoint: {name: name for name in branch.owned_shapes(config)}}
    if shared := branch.shared_names(config):
        init[bert.checkpoint] = {name: name for name in shared}
    model_fn = model_fn_builder(config, branch, init, padding_id, aligned=aligned, predicted_states=states)
    return Estimator(model_fn, RunConfig())


def predict(
    estimator: Estimator, encoded: Encoded, batch_size: int, checkpoint_path: str | None = None
) -> Arrays:
    """Logits and outputs by name, in the order of the rows; computed shortest first, to pad little.

    An axis of pieces, words or spans is as long as the longest row's, with 0 or "" behind the others' end.
    """
    plan = sorted_batches(encoded.lengths, batch_size)
    batches = list(estimator.predict(input_fn(encoded, plan), checkpoint_path, yield_single_examples=False))
    return {name: in_order([batch[name] for batch in batches], plan) for name in batches[0]}


def golden_answers(
    estimator: Estimator, task: TaskSpec, encoded: Encoded, checkpoint_path: str | None = None
) -> Golden:
    """The answers to a few of the rows, short and long ones."""
    rows = golden_rows(encoded.lengths)
    (batch,) = estimator.predict(input_fn(encoded, [rows]), checkpoint_path, yield_single_examples=False)
    text_a, text_b = (tuple(column[row] for row in rows) for column in (encoded.text_a, encoded.text_b))
    return golden_of(task, text_a, text_b, batch)


def in_order(batches: Sequence[npt.NDArray[np.generic]], plan: Sequence[Rows]) -> npt.NDArray[np.generic]:
    """The batches' rows where `plan` took them from, padded with 0 or "" to the longest."""
    shape = np.max([batch.shape[1:] for batch in batches], axis=0).astype(int)
    nothing = b"" if batches[0].dtype == object else 0
    whole = np.full((sum(map(len, plan)), *shape), nothing, batches[0].dtype)
    for batch, rows in zip(batches, plan, strict=True):
        index: tuple[Any, ...] = (rows, *map(slice, batch.shape[1:]))
        whole[index] = batch
    return whole


def decide(task: TaskSpec, predictions: Arrays, tuned: Tuned = NOTHING_TUNED) -> npt.NDArray[np.generic]:
    """What the metrics compare with the labels, [rows, ...] as the kind's `encode_labels`.

    Args:
      tuned: Variables of the head that take the place of those of the model; see `TaskKind.tuned`.
    """
    kind = KINDS[task.kind]
    if tuned:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variables = {name: tf.constant(value) for name, value in tuned.items()}
            head = Head(tf.constant(predictions["logits"]), variables)
            predictions = {**predictions, **session.run(kind.output_tensors(head, task.labels))}
    return kind.decide(predictions, task.labels)


def input_fn(encoded: Encoded, plan: list[Rows]) -> InputFn:
    """The batches of `plan`, in order."""

    def batches(params: Params) -> tf.data.Dataset:
        del params
        return dataset(encoded, lambda: (encoded.batch(rows) for rows in plan))

    return batches


def training_input_fn(train: Encoded, hyperparameters: Hyperparameters) -> InputFn:
    """The batches of training without end, from the step on that it starts from."""

    def batches(params: Params) -> tf.data.Dataset:
        def generate() -> Iterator[dict[str, npt.NDArray[np.generic]]]:
            plan = training_batches(
                train.lengths,
                hyperparameters.train_batch_size,
                hyperparameters.seed,
                params["start_step"],
            )
            return (train.batch(rows) for rows in plan)

        return dataset(train, generate)

    return batches


def dataset(encoded: Encoded, generator: object) -> tf.data.Dataset:
    """A tf.data.Dataset of the batches that `generator` makes from `encoded`."""
    example = encoded.batch(np.arange(1))
    signature = {name: tf.TensorSpec([None] * array.ndim, array.dtype) for name, array in example.items()}
    return tf.data.Dataset.from_generator(generator, output_signature=signature).prefetch(2)
