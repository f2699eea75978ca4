"""The model_fn of distillation on texts: the student, and the teacher standing still beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.distill.comparison import hidden_states, relations
from centrabert.distill.comparison.layer_pairs import even_layers
from centrabert.distill.text.text_objectives import (
    COSINE,
    DIVERGENCE,
    PRODUCTS,
    SQUARE,
    Comparison,
    states_of,
)
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.layer_states import HIDDEN, LayerState, StateRecorder
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.estimator import EstimatorSpec, ModelFn, Params, Tensors

TEACHER = "teacher"  # the scope of its variables
States = Mapping[LayerState, tf.Tensor]


def text_model_fn(
    config: BertConfig,
    layers: int,
    comparisons: Sequence[Comparison],
    pretrained: Path,
    padding_id: int,
    optimization: Optimization,
) -> ModelFn:
    """Returns the model_fn of training.

    Args:
      config: The teacher's; the student has `layers` layers.
      pretrained: The teacher's checkpoint, from which the student starts too.
    """

    def model_fn(features: Tensors, labels: object, mode: str, params: Params) -> EstimatorSpec:
        del labels, params
        of_student, of_teacher = states_of(comparisons)
        student = replace(config, num_hidden_layers=layers)
        starts = checkpoint.restored(pretrained, starting_names(config, layers))
        with (
            tf.variable_scope("", custom_getter=checkpoint.starting(starts)),
            tf.variable_scope("", custom_getter=optimization.getter(lambda name: True)),
        ):
            own = _states(features, padding_id, student, of_student, optimization.dropout())
        with tf.variable_scope(TEACHER, custom_getter=_frozen(config, pretrained)):
            other = _states(features, padding_id, config, of_teacher)
        real = tf.not_equal(features["input_ids"], padding_id)
        loss = tf.add_n([_loss(each, own, other, real) for each in comparisons])
        loss = tf.reduce_mean(loss)
        train_op = optimization.train_op(loss, _reached(loss, tf.trainable_variables()))
        return EstimatorSpec(mode, loss=loss, train_op=train_op)

    return model_fn


def _reached(loss: tf.Tensor, variables: Sequence[tf.Variable]) -> list[tf.Variable]:
    """What the loss depends on: above the last state that is compared, a layer says nothing to it."""
    gradients = tf.gradients(loss, list(variables))
    return [each for each, gradient in zip(variables, gradients, strict=True) if gradient is not None]


def starting_names(config: BertConfig, layers: int) -> dict[str, str]:
    """The student's variable -> the teacher's that it starts as."""
    names = {name: name for name in scopes.embedding_shapes(config)}
    for own, other in enumerate(even_layers(layers, config.num_hidden_layers)):
        shapes = zip(scopes.layer_shapes(config, own), scopes.layer_shapes(config, other), strict=True)
        names |= dict(shapes)
    return names


def _frozen(config: BertConfig, pretrained: Path) -> Callable[..., tf.Variable]:
    """A variable getter of the teacher: not trained, not saved, always as pretrained."""
    names = scopes.encoder_shapes(config, config.num_hidden_layers)
    tensors = checkpoint.restored(pretrained, {f"{TEACHER}/{name}": name for name in names})
    starting = checkpoint.starting(tensors)

    def custom_getter(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
        arguments.update(trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        return starting(getter, name, **arguments)

    return custom_getter


def _states(
    features: Tensors,
    padding_id: int,
    config: BertConfig,
    wanted: Sequence[LayerState],
    dropout: Dropout | None = None,
) -> States:
    recorder = StateRecorder(wanted)
    ids, segments = features["input_ids"], features["segment_ids"]
    mask, x = attention_mask(ids, padding_id), embed(ids, segments, config, dropout)
    encode(x, mask, config, range(config.num_hidden_layers), dropout, recorder=recorder)
    return recorder.recorded()


def _loss(comparison: Comparison, student: States, teacher: States, real: tf.Tensor) -> tf.Tensor:
    """float32 [batch]."""
    own, other = student[comparison.student], tf.stop_gradient(teacher[comparison.teacher])
    if comparison.loss == COSINE:
        return hidden_states.cosine_distance(own, other, real)
    if comparison.loss == SQUARE and comparison.student.kind == HIDDEN:
        return hidden_states.squared_error(own, other, real)
    if comparison.loss == SQUARE:
        return relations.squared_error(own, other, real)
    if comparison.loss == DIVERGENCE:
        return relations.divergence(own, other, real)
    if comparison.loss == PRODUCTS:
        return relations.divergence(relations.products(own), relations.products(other), real)
    raise ValueError(f"no such loss: {comparison.loss}")
