"""What a loss is told of the model that is trained."""

from typing import Any

import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.task_kind import LabelTargets
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import Optimization, model_fn_builder
from centrabert.modeling.training.estimator import ModeKeys, Tensors
from centrabert.modeling.training.objective import FineTuning, ModelStates

TARGETS = LabelTargets(smoothing=0.1)


class Witness(FineTuning):
    """Remembers what it was told."""

    told: tuple[ModelStates, tf.Tensor]

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> Any:
        self.told = model, model.real(features)
        return super().loss(task, model, features)


def test_a_loss_knows_padding_targets_and_how_far_training_is() -> None:
    """Padding by the tokenizer's id, which need not be 0; the share of steps before the one that is run."""
    witness, features = Witness(), {"input_ids": [[0, 5, 1], [0, 0, 4]], "segment_ids": [[0] * 3] * 2}
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        optimization = Optimization(1.0, 8, 0, 0, TARGETS)
        branch = Branch(tiny.task("rte"), 0, 1)
        model_fn = model_fn_builder(tiny.CONFIG, branch, {}, 1, optimization, witness)
        tensors = {name: tf.constant(rows) for name, rows in {**features, "labels": [1, 0]}.items()}
        model_fn(tensors, None, ModeKeys.TRAIN, {})
        model, real = witness.told
        session.run(step.initializer)
        session.run(step.assign(2))
        progress, real = session.run([model.progress, real])
    assert (progress, model.head.targets) == (0.25, TARGETS)
    assert real.tolist() == [[True, True, False], [True, True, True]]
