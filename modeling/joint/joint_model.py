"""The model_fn of tasks that are trained together: one encoder, and a head for each task on top of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow.compat.v1 as tf

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import LABELS_ALONE, UNSCALED, LabelScale, LabelTargets
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.estimator import EstimatorSpec, ModelFn, Params, Tensors
from centrabert.modeling.training.token_dataset import PLACES

TASK = "task"  # feature: int32 [1], the number of the task that the batch is of


@dataclass(frozen=True)
class JointHead:
    """A task's head on the encoder that all train.

    Attributes:
      targets, scale: As for `Head`.
    """

    task: TaskSpec
    targets: LabelTargets = LABELS_ALONE
    scale: LabelScale = UNSCALED


def head_branch(task: TaskSpec, config: BertConfig) -> Branch:
    """The branch that a jointly trained task is: a head alone, pooler included."""
    return Branch(task, config.num_hidden_layers, 0)


def joint_names(tasks: Sequence[TaskSpec], config: BertConfig) -> dict[str, dict[str, str]]:
    """Task -> variable of its model -> its name in the joint checkpoint: the task stands before its own."""
    return {
        task.name: {
            name: f"{task.name}/{name}" if branch.owns(name) else name for name in branch.shapes(config)
        }
        for task in tasks
        for branch in [head_branch(task, config)]
    }


def joint_model_fn(
    config: BertConfig,
    heads: Sequence[JointHead],
    pretrained: Path,
    padding_id: int,
    optimization: Optimization,
) -> ModelFn:
    """Returns the model_fn of training: each step trains the encoder and the head of one task.

    The heads of the other tasks stand still, weight decay and Adam's moments included.

    Features are `input_ids`, `segment_ids`, TASK, and for every task `labels_NAME` and, if it tags words,
    `places_NAME`, which are read where the batch is of that task.

    Args:
      pretrained: The checkpoint that encoder and poolers start from; heads start at random.
    """

    def model_fn(features: Tensors, labels: object, mode: str, params: Params) -> EstimatorSpec:
        del labels, params
        dropout = optimization.dropout()
        names = _starts(config, heads)
        starting = checkpoint.starting(checkpoint.restored(pretrained, names))
        precision = optimization.getter(lambda name: True)
        with (
            tf.variable_scope("", custom_getter=starting),
            tf.variable_scope("", custom_getter=precision),
        ):
            losses = _losses(features, config, heads, padding_id, dropout, optimization.seed)
        loss = tf.add_n(losses)
        variables = tf.trainable_variables()
        train_op = optimization.train_op(loss, variables, _moved(variables, heads, features[TASK][0]))
        return EstimatorSpec(mode, loss=loss, train_op=train_op)

    return model_fn


def _starts(config: BertConfig, heads: Sequence[JointHead]) -> dict[str, str]:
    """Variable -> the pretrained one that it starts as: the encoder's and every task's pooler."""
    names = {name: name for name in scopes.encoder_shapes(config, config.num_hidden_layers)}
    for head in heads:
        if head.task.reads == "cls":
            names |= {f"{head.task.name}/{name}": name for name in scopes.pooler_shapes(config)}
    return names


def _moved(
    variables: Sequence[tf.Variable], heads: Sequence[JointHead], task: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Variables of heads -> whether a step of the task moves them: those of other tasks stand still."""
    return {
        variable.op.name: tf.equal(task, number)
        for number, head in enumerate(heads)
        for variable in variables
        if variable.op.name.startswith(f"{head.task.name}/")
    }


def _losses(
    features: Tensors,
    config: BertConfig,
    heads: Sequence[JointHead],
    padding_id: int,
    dropout: Dropout,
    seed: int,
) -> list[tf.Tensor]:
    """The mean loss of the batch against the labels of each task: 0 but for the task that it is of."""
    mask = attention_mask(features["input_ids"], padding_id)
    x = embed(features["input_ids"], features["segment_ids"], config, dropout)
    x = encode(x, mask, config, range(config.num_hidden_layers), dropout)
    losses = []
    for number, each in enumerate(heads):
        name, kind = each.task.name, KINDS[each.task.kind]
        with tf.variable_scope(name):
            head = apply_head(
                x, mask, each.task, config, dropout, seed + number, features.get(f"{PLACES}_{name}")
            )
        head = replace(head.trained_in(each.scale), targets=each.targets)
        labels = features[f"labels_{name}"]
        losses.append(
            tf.cond(
                tf.equal(features[TASK][0], number),
                lambda kind=kind, head=head, labels=labels: tf.reduce_mean(kind.loss(head, labels)),
                lambda: tf.constant(0.0),
            )
        )
    return losses
