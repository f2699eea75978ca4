"""The model_fn of one branch: trunk frozen by scope, own layers, head, loss, optimiser."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.aligned_trunk import trunk_outputs
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training import optimizer
from centrabert.modeling.training.estimator import EstimatorSpec, ModeKeys, ModelFn, Params, Tensors
from centrabert.modeling.training.token_dataset import TRUNK_OUTPUT

LossFn = Callable[[TaskSpec, Head, Tensors], tf.Tensor]


@dataclass(frozen=True)
class Optimization:
    """BERT's schedule in steps."""

    learning_rate: float
    num_train_steps: int
    num_warmup_steps: int
    seed: int


def task_loss(task: TaskSpec, head: Head, features: Tensors) -> tf.Tensor:
    """The loss of every row against its label, float32 [batch]."""
    return KINDS[task.kind].loss(head, features["labels"])


def model_fn_builder(
    config: BertConfig,
    branch: Branch,
    init_checkpoints: Mapping[Path, list[str]],
    optimization: Optimization | None = None,
    loss_fn: LossFn = task_loss,
    aligned: bool = False,
) -> ModelFn:
    """Returns the model_fn of a branch (model_fn_builder of run_classifier.py of BERT).

    Features that hold TRUNK_OUTPUT take the place of the frozen layers.

    Args:
      init_checkpoints: For each checkpoint the variables that start from it. The frozen ones must be among
        them, or a session cannot start; what nobody claims starts at random (a new head).
      optimization: Wanted for training only.
      loss_fn: (task, head, features) -> float32 [batch].
      aligned: Compute the frozen layers as TRUNK_OUTPUT would hold them, bit for bit; see `trunk`.
    """

    def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
        del labels, params  # labels are among the features
        seed = optimization.seed if optimization else 0
        training = mode == ModeKeys.TRAIN
        dropout = Dropout(seed, tf.train.get_or_create_global_step()) if training else None
        with tf.variable_scope("", custom_getter=_freezing(branch)):
            head = branch_head(features, config, branch, dropout, seed, aligned)
        expected = branch.owned_shapes(config) if TRUNK_OUTPUT in features else branch.shapes(config)
        _check_names(expected)
        for checkpoint, names in init_checkpoints.items():
            _start_from(checkpoint, [name for name in names if name in expected])
        task = branch.task
        outputs = KINDS[task.kind].output_tensors(head, task.labels)
        predictions = {"logits": head.logits, **outputs}
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions)
        loss = tf.reduce_mean(loss_fn(task, head, features))
        if not training or optimization is None:
            return EstimatorSpec(mode, predictions, loss)
        return EstimatorSpec(mode, predictions, loss, _train_op(loss, optimization))

    return model_fn


def branch_head(
    features: Tensors,
    config: BertConfig,
    branch: Branch,
    dropout: Dropout | None = None,
    seed: int = 0,
    aligned: bool = False,
) -> Head:
    """The head on top of the branch; dropout and gradients stay above the frozen layers."""
    input_ids = features["input_ids"]
    mask = attention_mask(input_ids)
    if branch.full_fine_tuning:
        x = embed(input_ids, features["segment_ids"], config, dropout)
    else:
        x = tf.stop_gradient(_trunk_output(features, mask, config, branch.frozen, aligned))
    own = range(branch.frozen, branch.depth)
    x = encode(x, mask, config, own, dropout, first_only=branch.task.reads == "cls")
    return apply_head(x, input_ids, branch.task, config, dropout, seed)


def _trunk_output(
    features: Tensors, mask: tf.Tensor, config: BertConfig, depth: int, aligned: bool
) -> tf.Tensor:
    """float32 [batch, length, hidden] after `depth` frozen layers: read, or computed in one of two ways."""
    if TRUNK_OUTPUT in features:
        return features[TRUNK_OUTPUT]
    input_ids, segment_ids = features["input_ids"], features["segment_ids"]
    if aligned:
        return trunk_outputs(input_ids, segment_ids, config, [depth])[depth]
    return encode(embed(input_ids, segment_ids, config), mask, config, range(depth))


def _freezing(branch: Branch) -> Callable[..., tf.Variable]:
    """A variable getter that makes shared variables local: not trained, not saved, always as pretrained."""

    def custom_getter(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
        if not branch.owns(name):
            arguments.update(trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        return getter(name, **arguments)

    return custom_getter


def _variables() -> dict[str, tf.Variable]:
    """The variables of the model, local ones included, by name."""
    created = tf.global_variables() + tf.local_variables()
    return {variable.op.name: variable for variable in created if variable.op.name != "global_step"}


def _check_names(expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raises UserError unless graph and names agree: a variable that nobody expects would train unseen."""
    if differing := sorted(_variables().keys() ^ expected.keys()):
        raise UserError(f"the graph's variables are not the branch's: {', '.join(differing)}")


def _start_from(checkpoint: Path, names: list[str]) -> None:
    variables = _variables()
    tf.train.init_from_checkpoint(str(checkpoint), {name: variables[name] for name in names})


def _train_op(loss: tf.Tensor, optimization: Optimization) -> tf.Operation:
    step = tf.train.get_or_create_global_step()
    learning_rate = optimizer.learning_rate_at(
        step, optimization.learning_rate, optimization.num_train_steps, optimization.num_warmup_steps
    )
    tf.summary.scalar("learning_rate", learning_rate)
    return optimizer.train_op(loss, tf.trainable_variables(), step, learning_rate)
