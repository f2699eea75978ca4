"""The model_fn of one branch: trunk frozen by scope, own layers, head, loss, optimiser."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import LABELS_ALONE, UNSCALED, Head, LabelScale, LabelTargets
from centrabert.modeling.layers.aligned_trunk import trunk_outputs
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.layers.layer_states import NO_STATES, LayerState, StateRecorder
from centrabert.modeling.training import optimizer
from centrabert.modeling.training.estimator import EstimatorSpec, ModeKeys, ModelFn, Params, Tensors
from centrabert.modeling.training.objective import FineTuning, ModelStates, Objective
from centrabert.modeling.training.token_dataset import PLACES, TRUNK_OUTPUT

FINE_TUNING = FineTuning()


@dataclass(frozen=True)
class Optimization:
    """BERT's schedule in steps, and what the loss reads of the labels."""

    learning_rate: float
    num_train_steps: int
    num_warmup_steps: int
    seed: int
    targets: LabelTargets = LABELS_ALONE


def model_fn_builder(
    config: BertConfig,
    branch: Branch,
    init_checkpoints: Mapping[Path, Mapping[str, str]],
    padding_id: int,
    optimization: Optimization | None = None,
    objective: Objective = FINE_TUNING,
    aligned: bool = False,
    predicted_states: Collection[LayerState] = (),
    scale: LabelScale = UNSCALED,
) -> ModelFn:
    """Returns the model_fn of a branch (model_fn_builder of run_classifier.py of BERT).

    Features that hold TRUNK_OUTPUT take the place of the frozen layers.

    Args:
      init_checkpoints: For each checkpoint the variables that start from it, with their names in it. The
        frozen ones must be among them, or a session cannot start; what nobody claims starts at random (a new
        head).
      padding_id: The tokenizer's.
      optimization: Wanted for training only.
      objective: What training minimises.
      aligned: Compute the frozen layers as TRUNK_OUTPUT would hold them, bit for bit; see `trunk_outputs`.
      predicted_states: Are among the predictions, by their names.
      scale: In whose units the variables of the head are.
    """

    def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
        del labels, params  # labels are among the features
        seed = optimization.seed if optimization else 0
        training = mode == ModeKeys.TRAIN
        dropout = Dropout(seed, tf.train.get_or_create_global_step()) if training else None
        recorder = StateRecorder(predicted_states if mode == ModeKeys.PREDICT else objective.states)
        with tf.variable_scope("", custom_getter=_freezing(branch)):
            head = branch_head(features, padding_id, config, branch, dropout, seed, aligned, recorder)
        head = head.trained_in(scale)
        expected = branch.owned_shapes(config) if TRUNK_OUTPUT in features else branch.shapes(config)
        _start(expected, init_checkpoints)
        states = recorder.recorded()
        outputs = KINDS[branch.task.kind].output_tensors(head, branch.task.labels)
        predictions = {"logits": head.logits, **outputs, **{state.name: states[state] for state in states}}
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions)
        head = replace(head, targets=optimization.targets) if training and optimization else head
        loss = tf.reduce_mean(objective.loss(branch.task, ModelStates(head, states), features))
        if not training or optimization is None:
            return EstimatorSpec(mode, predictions, loss)
        return EstimatorSpec(mode, predictions, loss, _train_op(loss, optimization))

    return model_fn


def branch_head(
    features: Tensors,
    padding_id: int,
    config: BertConfig,
    branch: Branch,
    dropout: Dropout | None = None,
    seed: int = 0,
    aligned: bool = False,
    recorder: StateRecorder = NO_STATES,
) -> Head:
    """The head on top of the branch; dropout, gradients and recorded states stay above the frozen layers."""
    input_ids = features["input_ids"]
    mask = attention_mask(input_ids, padding_id)
    if branch.full_fine_tuning:
        x = embed(input_ids, features["segment_ids"], config, dropout)
    else:
        x = tf.stop_gradient(_trunk_output(features, mask, padding_id, config, branch.frozen, aligned))
    own = range(branch.frozen, branch.depth)
    first_only = branch.task.reads == "cls" and not recorder.wants_depth(branch.depth)
    x = encode(x, mask, config, own, dropout, first_only, recorder)
    return apply_head(x, mask, branch.task, config, dropout, seed, features.get(PLACES))


def _trunk_output(
    features: Tensors, mask: tf.Tensor, padding_id: int, config: BertConfig, depth: int, aligned: bool
) -> tf.Tensor:
    """float32 [batch, length, hidden] after `depth` frozen layers: read, or computed in one of two ways."""
    if TRUNK_OUTPUT in features:
        return features[TRUNK_OUTPUT]
    input_ids, segment_ids = features["input_ids"], features["segment_ids"]
    if aligned:
        return trunk_outputs(input_ids, segment_ids, padding_id, config, [depth])[depth]
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
    """Raises ValueError unless graph and names agree: a variable that nobody expects would train unseen."""
    if differing := sorted(_variables().keys() ^ expected.keys()):
        raise ValueError(f"the graph's variables are not the branch's: {', '.join(differing)}")


def _start(expected: Mapping[str, tuple[int, ...]], checkpoints: Mapping[Path, Mapping[str, str]]) -> None:
    """Lets the graph's variables, which must be the expected ones, start from the checkpoints."""
    _check_names(expected)
    for checkpoint, names in checkpoints.items():
        _start_from(checkpoint, {name: there for name, there in names.items() if name in expected})


def _start_from(checkpoint: Path, names: Mapping[str, str]) -> None:
    """Lets every variable start as the one of the checkpoint that `names` gives for it."""
    variables, left = _variables(), dict(names)
    while left:  # an assignment names no variable of the checkpoint twice
        assigned = {there: name for name, there in left.items()}
        tf.train.init_from_checkpoint(
            str(checkpoint), {there: variables[name] for there, name in assigned.items()}
        )
        left = {name: there for name, there in left.items() if assigned[there] != name}


def _train_op(loss: tf.Tensor, optimization: Optimization) -> tf.Operation:
    step = tf.train.get_or_create_global_step()
    learning_rate = optimizer.learning_rate_at(
        step, optimization.learning_rate, optimization.num_train_steps, optimization.num_warmup_steps
    )
    tf.summary.scalar("learning_rate", learning_rate)
    return optimizer.train_op(loss, tf.trainable_variables(), step, learning_rate)
