"""Class weights and label smoothing: from what a user gives to what the loss of a task reads."""

from centrabert.errors import UserError
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import LABELS_ALONE, LabelTargets
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.hyperparameters import BALANCED, Hyperparameters
from centrabert.modeling.training.token_dataset import Encoded


def label_targets(hyperparameters: Hyperparameters, task: TaskSpec, train: Encoded) -> LabelTargets:
    """What the loss of a training aims at.

    Raises:
      UserError: The task's kind has no classes to weigh, or as `Hyperparameters.weights_of`.
    """
    weights, smoothing = hyperparameters.class_weights, hyperparameters.label_smoothing
    kind = KINDS[task.kind]
    if not weights and not smoothing:
        return LABELS_ALONE
    if not kind.weighs_labels:
        raise UserError(
            f"task {task.name}: a {kind.name} takes neither class weights nor label smoothing; leave "
            "--class_weights and --label_smoothing out"
        )
    if not weights:
        return LabelTargets((), smoothing)
    if weights == (BALANCED,):
        if train.labels is None:
            raise UserError(f"task {task.name}: train has no labels to balance")
        return LabelTargets(tuple(kind.balanced_weights(train.labels, task.labels).tolist()), smoothing)
    try:
        return LabelTargets(hyperparameters.weights_of(task.labels), smoothing)
    except UserError as error:
        raise UserError(f"task {task.name}: {error}") from None
