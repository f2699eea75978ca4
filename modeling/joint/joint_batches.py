"""The rows of tasks that are trained together: every batch is of one task."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from centrabert.modeling.branch_checkpoint import label_scale
from centrabert.modeling.joint.joint_model import TASK
from centrabert.modeling.kinds.task_kind import LabelScale
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.estimator import Params
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.token_dataset import PLACES, Encoded, Rows, training_plan
from centrabert.modeling.training.train_branch import Score

Batch = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class JointTask:
    """A task with its rows.

    Attributes:
      hyperparameters: What it declares of class weights and label smoothing is in it; for the rest all tasks'
        are the same.
      score: As in `TrainingJob`.
    """

    spec: TaskSpec
    train: Encoded
    dev: Encoded
    score: Score
    hyperparameters: Hyperparameters

    @property
    def scale(self) -> LabelScale:
        """In whose units its head is trained."""
        return label_scale(self.spec, self.train.labels)


def joint_plan(
    lengths: Sequence[Rows], batch_size: int, seed: int, start_step: int
) -> Iterator[tuple[int, Rows]]:
    """Task and rows of every batch from step `start_step` on, as a run from step 0 would see them."""
    epoch, skipped = divmod(start_step, sum(-(-len(each) // batch_size) for each in lengths))
    while True:
        batches = [
            (task, rows)
            for task, each in enumerate(lengths)
            for rows in training_plan(each, batch_size, seed, epoch)
        ]
        order = np.random.default_rng([seed, epoch, len(lengths)]).permutation(len(batches))
        yield from (batches[at] for at in order[skipped:])
        epoch, skipped = epoch + 1, 0


def joint_input_fn(
    tasks: Sequence[JointTask], hyperparameters: Hyperparameters
) -> Callable[[Params], tf.data.Dataset]:
    """The batches of training: of one task each, and of the others no row."""
    absent = {each.spec.name: each.train.batch(np.arange(0)) for each in tasks}

    def batch(task: int, rows: Rows) -> Batch:
        features: Batch = {TASK: np.array([task], np.int32)}
        for number, each in enumerate(tasks):
            of_task = each.train.batch(rows) if number == task else absent[each.spec.name]
            features |= {
                f"{name}_{each.spec.name}": of_task[name] for name in ("labels", PLACES) if name in of_task
            }
            if number == task:
                features |= {name: of_task[name] for name in ("input_ids", "segment_ids")}
        return features

    def batches(params: Params) -> tf.data.Dataset:
        example = batch(0, np.arange(1))
        signature = {name: tf.TensorSpec([None] * array.ndim, array.dtype) for name, array in example.items()}
        lengths = [each.train.lengths for each in tasks]

        def generate() -> Iterator[Batch]:
            plan = joint_plan(
                lengths, hyperparameters.train_batch_size, hyperparameters.seed, params["start_step"]
            )
            return (batch(task, rows) for task, rows in plan)

        return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)

    return batches
