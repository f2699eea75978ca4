"""The data of a task, whatever files it lies in: all that training, distillation and search ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.digest import text_digest
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec


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

    A declaration of it is a frozen value: `TsvTask` for tab-separated files, GLUE's among them. Whatever
    else has these attributes and methods is trained, distilled and searched alike.

    Attributes:
      name: As in TaskSpec.
      kind: As in TaskSpec.
      labels: As in TaskSpec: the label names in the order of the head's outputs.
      pair: Whether a row has two texts.
      metrics: All that are reported, such as the kind allows; by the first a checkpoint is chosen.
      declared: What else decides a training than rows and flags, as a text; GLUE's tasks do without it.
      splits: The file of every split that the task may have, whether it is there or not: "train", "dev", and
        any others whose names begin with "dev" (evaluated too) or "test" (predicted).
      split: As in TaskSpec, of a tagging; others may do without it.
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


def task_spec(task: TaskData, max_seq_length: int = 128, pooling: str = "cls") -> TaskSpec:
    """What the model needs to know of a task; the defaults are BERT's."""
    metric, split = task.metrics[0], getattr(task, "split", "")
    return TaskSpec(task.name, task.kind, task.labels, task.pair, metric, max_seq_length, pooling, split)


def content_digests(task: TaskData, train: str, dev: str) -> dict[str, str]:
    """What the result of a training rests on: rows and, where no name says it, what is declared of the task.

    Args:
      train, dev: `Examples.digest`.
    """
    declared = getattr(task, "declared", "")
    return {"train": train, "dev": dev, **({"declared": text_digest(declared)} if declared else {})}


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
