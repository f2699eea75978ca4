"""The model_fn of one branch: trunk frozen by scope, own layers, head, loss, optimiser."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.modeling import checkpoint
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import LABELS_ALONE, UNSCALED, Head, LabelScale, LabelTargets
from centrabert.modeling.layers.adapter import Adapter
from centrabert.modeling.layers.aligned_trunk import trunk_outputs
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.bfloat16 import rounding
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.layers.layer_states import NO_STATES, LayerState, StateRecorder
from centrabert.modeling.layers.lora import LowRankUpdate
from centrabert.modeling.training import optimizer
from centrabert.modeling.training.estimator import EstimatorSpec, ModeKeys, ModelFn, Params, Tensors
from centrabert.modeling.training.objective import Encoder, FineTuning, ModelStates, Objective
from centrabert.modeling.training.token_dataset import PLACES, TRUNK_OUTPUT

FINE_TUNING = FineTuning()


@dataclass(frozen=True)
class Optimization:
    """BERT's schedule in steps, what the loss reads of the labels, and what trains for matrices."""

    learning_rate: float
    num_train_steps: int
    num_warmup_steps: int
    seed: int
    targets: LabelTargets = LABELS_ALONE
    lora: LowRankUpdate | None = None
    bias_correction: bool = False
    bfloat16: bool = False

    def dropout(self) -> Dropout:
        return Dropout(self.seed, tf.train.get_or_create_global_step())

    def getter(self, trains: Callable[[str], bool]) -> Callable[..., Any] | None:
        """The custom getter of training's precision; None for float32. See `bfloat16.rounding`."""
        return rounding(trains) if self.bfloat16 else None

    def progress(self) -> tf.Tensor:
        """float32 scalar: the share of the steps that are done before this one."""
        return tf.cast(tf.train.get_or_create_global_step(), tf.float32) / self.num_train_steps

    def train_op(
        self,
        loss: tf.Tensor,
        variables: Sequence[tf.Variable],
        moved: Mapping[str, tf.Tensor] = optimizer.ALWAYS,
    ) -> tf.Operation:
        """One step of the schedule; see `optimizer.train_op`."""
        step = tf.train.get_or_create_global_step()
        rate = optimizer.learning_rate_at(
            step, self.learning_rate, self.num_train_steps, self.num_warmup_steps
        )
        tf.summary.scalar("learning_rate", rate)
        return optimizer.train_op(loss, variables, step, rate, self.bias_correction, moved)

    def trained(self, model: ModelStates) -> ModelStates:
        """The model with what training says of it: its targets, and the share of the steps that are done."""
        return replace(model, head=replace(model.head, targets=self.targets), progress=self.progress())


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
        frozen ones must be among them; what nobody claims starts at random (a new head).
      padding_id: The tokenizer's.
      optimization, objective: Wanted for training only.
      aligned: Compute the frozen layers as TRUNK_OUTPUT would hold them, bit for bit; see `trunk_outputs`.
      predicted_states: Are among the predictions, by their names.
      scale: In whose units the variables of the head are.
    """

    def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
        del labels, params  # labels are among the features
        training = optimization if mode == ModeKeys.TRAIN else None
        dropout = training.dropout() if training else None
        recorder = StateRecorder(predicted_states if mode == ModeKeys.PREDICT else objective.states)
        expected = branch.owned_shapes(config) if TRUNK_OUTPUT in features else branch.shapes(config)
        encoder = objective.encoder(training.progress()) if training else encode
        seed = optimization.seed if optimization else 0
        with _variables(expected, branch, init_checkpoints, config, training, objective):
            head = branch_head(
                features, padding_id, config, branch, dropout, seed, aligned, recorder, encoder
            )
        head = head.trained_in(scale)
        states = recorder.recorded()
        outputs = KINDS[branch.task.kind].output_tensors(head, branch.task.labels)
        predictions = {"logits": head.logits, **outputs, **{state.name: states[state] for state in states}}
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions)
        model = ModelStates(head, states, padding_id=padding_id)
        model = training.trained(model) if training else model
        loss = tf.reduce_mean(objective.loss(branch.task, model, features))
        train_op = training.train_op(loss, tf.trainable_variables()) if training else None
        return EstimatorSpec(mode, predictions, loss, train_op)

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
    encoder: Encoder = encode,
) -> Head:
    """The head on top of the branch; dropout, gradients and recorded states stay above the frozen layers.

    Args:
      encoder: What computes the own layers.
    """
    input_ids = features["input_ids"]
    mask = attention_mask(input_ids, padding_id)
    if branch.full_fine_tuning:
        x = embed(input_ids, features["segment_ids"], config, dropout)
    else:
        x = tf.stop_gradient(_trunk_output(features, mask, padding_id, config, branch.frozen, aligned))
    if branch.adapter_size:
        encoder = partial(encoder, adapter=Adapter(branch.adapter_size, seed))
    own = range(branch.frozen, branch.depth)
    first_only = branch.task.reads == "cls" and not recorder.wants_depth(branch.depth)
    x = encoder(x, mask, config, own, dropout, first_only, recorder)
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


@contextmanager
def _variables(
    expected: Collection[str],
    branch: Branch,
    checkpoints: Mapping[Path, Mapping[str, str]],
    config: BertConfig,
    training: Optimization | None,
    objective: Objective,
) -> Iterator[None]:
    """Variables made here start from the checkpoints; shared ones stand still, and with LoRA own ones.

    Raises:
      ValueError: At the end they are not the expected ones: what nobody expects would train unseen.
    """
    starts, updating, precision = _starts(expected, branch, checkpoints), None, None
    standing: dict[str, tf.Tensor] = {}
    if training is not None:
        for prefix, names in objective.standing.items():
            standing |= checkpoint.restored(prefix, names)
        expected = {*expected, *standing}
        precision = training.getter(lambda name: name not in standing and branch.owns(name))
        if (lora := training.lora) is not None:
            updating = lora.getter(branch, config, training.seed)
            expected |= lora.shapes(branch, config).keys()
    with (
        tf.variable_scope("", custom_getter=updating),
        tf.variable_scope("", custom_getter=checkpoint.starting({**starts, **standing})),
        tf.variable_scope("", custom_getter=_freezing(branch, standing)),
        tf.variable_scope("", custom_getter=precision),
    ):
        yield
    created = {v.op.name for v in tf.global_variables() + tf.local_variables()} - {"global_step"}
    if differing := sorted(created ^ set(expected)):
        raise ValueError(f"the graph's variables are not the branch's: {', '.join(differing)}")


def _freezing(branch: Branch, standing: Collection[str]) -> Callable[..., Any]:
    """A variable getter that makes shared and `standing` variables local: not trained, and not saved."""

    def custom_getter(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> Any:
        if name not in standing and branch.owns(name):
            return getter(name, **arguments)
        arguments.update(trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        variable = getter(name, **arguments)
        # The gradient of shared ones stops at the cut; below these there are own layers.
        return tf.stop_gradient(variable) if name in standing else variable

    return custom_getter


def _starts(
    expected: Collection[str], branch: Branch, checkpoints: Mapping[Path, Mapping[str, str]]
) -> dict[str, tf.Tensor]:
    """What variables start from, by name; what is frozen is read apart, as a resumed run reads it alone."""
    starts: dict[str, tf.Tensor] = {}
    for prefix, names in checkpoints.items():
        for owned in (False, True):
            chosen = {
                name: there
                for name, there in names.items()
                if name in expected and branch.owns(name) == owned
            }
            starts |= checkpoint.restored(prefix, chosen)
    return starts
