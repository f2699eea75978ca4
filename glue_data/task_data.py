"""The data of a task, whatever files it lies in: all that training, distillation and search ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.digest import text_digest
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Examples:
    """The rows of one split, column by column, in the file's order and with the texts as they stand.

    Attributes:
      text_a: The single texts, or the first of every pair.
      text_b: The second of every pair; "" in a task of single texts.
      labels: For every row what the task's kind encodes: one of the task's labels (classification), a tuple
        of them that may be empty (multilabel), a score (regression) or a tuple with a tag for each word
        (tagging); None in a split without labels.
      ids: What the file calls its rows, each once; () where it does not, see `row_ids`.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    labels: tuple[Any, ...] | None = None
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        optional = [column for column in (self.labels, self.ids or None) if column is not None]
        for column in (self.text_b, *optional):
            if len(column) != len(self):
                raise UserError(f"{len(self)} first texts, but another column has {len(column)} rows")

    def __len__(self) -> int:
        return len(self.text_a)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of texts and labels: equal rows have equal digests, whatever file they come from."""
        return text_digest(repr((self.text_a, self.text_b, self.labels)))

    @property
    def row_ids(self) -> tuple[str, ...]:
        """What the rows are called in a submission: numbers from 0 where the file names none."""
        return self.ids or tuple(map(str, range(len(self))))


class Submission(NamedTuple):
    """A file of predictions."""

    file: str
    text: str


class TaskData(Protocol):
    """One task and where its rows come from; `find_task` finds it by its name.

    It is a frozen value: a `DeclaredTask` of what a user declares, or of GLUE's declarations. Whatever else
    has these attributes and methods is trained, distilled and searched alike; `PlainTask` has those that
    most tasks do without.

    Attributes:
      name: As in TaskSpec.
      kind: As in TaskSpec.
      labels: As in TaskSpec: the label names in the order of the head's outputs.
      pair: Whether a row has two texts.
      metrics: All that are reported, such as the kind allows; by the first a checkpoint is chosen.
      splits: The file of every split that the task may have, whether it is there or not: "train", "dev", and
        any others whose names begin with "dev" (evaluated too) or "test" (predicted).
      split: As in TaskSpec: "" but of a tagging.
      declared: What else decides a training than rows and flags, as a text; "" if nothing does.
      max_seq_length: As in TaskSpec, where no flag says it; None leaves it to BERT's.
      class_weights: As in Hyperparameters, where no flag says them.
      label_smoothing: As in Hyperparameters, where no flag says it.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def pair(self) -> bool: ...
    @property
    def metrics(self) -> tuple[str, ...]: ...
    @property
    def splits(self) -> Mapping[str, Path]: ...
    @property
    def split(self) -> str: ...
    @property
    def declared(self) -> str: ...
    @property
    def max_seq_length(self) -> int | None: ...
    @property
    def class_weights(self) -> tuple[str, ...]: ...
    @property
    def label_smoothing(self) -> float: ...

    def with_labels(self, labels: tuple[str, ...]) -> "TaskData":
        """The task with the labels of a branch; itself if it does not take its labels from train."""
        ...

    def read(self, split: str) -> Examples:
        """Every row of a split; raises UserError with file, line and value for whatever does not fit."""
        ...

    def submission(self, split: str, ids: Sequence[str], decisions: npt.NDArray[Any]) -> Submission | None:
        """The predictions for a test split as whoever scores them wants them; None where nobody does.

        Args:
          ids: What the rows are called, [n].
          decisions: Classes (integers) or scores, [n], or sets of labels, bool [n, labels].

        Raises:
          UserError: The split is not submitted, or a decision is no class or no finite score.
        """
        ...


Plain = TypeVar("Plain", bound="PlainTask")


class PlainTask:
    """A base class for a TaskData of which nothing is declared but its data."""

    split: str = ""
    declared: str = ""
    max_seq_length: int | None = None
    class_weights: tuple[str, ...] = ()
    label_smoothing: float = 0.0

    def with_labels(self: Plain, labels: tuple[str, ...]) -> Plain:
        """Itself: its labels are fixed."""
        del labels
        return self


def task_spec(task: TaskData, max_seq_length: int = 128, pooling: str = "cls") -> TaskSpec:
    """What the model needs to know of a task; the defaults are BERT's."""
    metric = task.metrics[0]
    return TaskSpec(task.name, task.kind, task.labels, task.pair, metric, max_seq_length, pooling, task.split)


def sampled_rows(rows: int, most: int | None) -> npt.NDArray[np.int64]:
    """Numbers of the rows to train on: all, or a fixed random sample of so many."""
    if most is None or most >= rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def content_digests(task: TaskData, train: str, dev: str) -> dict[str, str]:
    """What the result of a training rests on: rows and, where no name says it, what is declared of the task.

    Args:
      train, dev: `Examples.digest`.
    """
    declared = {"declared": text_digest(task.declared)} if task.declared else {}
    return {"train": train, "dev": dev, **declared}


def with_declared(task: TaskData, hyperparameters: Hyperparameters) -> Hyperparameters:
    """The hyper-parameters with those that the task declares in the place of those that are off."""
    return replace(
        hyperparameters,
        class_weights=hyperparameters.class_weights or task.class_weights,
        label_smoothing=hyperparameters.label_smoothing or task.label_smoothing,
    )


def label_array(task: TaskData, examples: Examples) -> npt.NDArray[Any] | None:
    """The labels as the task's kind encodes them, [rows, ...]; None for unlabelled rows.

    Raises:
      UserError: A label is none that the task can have.
    """
    if examples.labels is None:
        return None
    try:
        return KINDS[task.kind].encode_labels(examples.labels, task.labels)
    except UserError as error:
        raise UserError(f"task {task.name}: {error}") from None
