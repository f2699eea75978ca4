"""What a task is: its name, its kind of answer, and how its text is read."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from centrabert.errors import UserError
from centrabert.modeling.formats.dataclass_json import keys_of, read_dataclass
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import TOKENS, TaskKind
from centrabert.modeling.words.word_places import SPLITS

POOLINGS = ("cls", "mean")
NAME = re.compile(r"[a-z][a-z0-9_]*")
# A task name is a variable scope, a file name and a signature name at once. "all" means every task to
# run_predict; "describe", "route" and "serving_default" are signatures of their own.
RESERVED_NAMES = frozenset(
    {"all", "bert", "cls", "describe", "global_step", "route", "serving_default", "text"}
)


@dataclass(frozen=True)
class TextReading:
    """How a task reads a text or a pair: tasks of one reading have the same input.

    Attributes:
      pair: Whether both texts are read, or the first alone.
      split: As in TaskSpec; the words are tokenised one by one, and cut between two.
    """

    pair: bool = False
    split: str = ""


@dataclass(frozen=True)
class TaskSpec:
    """One text task.

    Attributes:
      name: `[a-z][a-z0-9_]*`, not one of RESERVED_NAMES and not ending in `_ids`.
      kind: A name of modeling/kinds/, such as "classification" (one of `labels`), "multilabel" (any number of
        them) or "regression" (one score).
      labels: The label names in the order of the head's outputs; () for regression.
      pair: Whether the task reads two texts.
      metric: The dev metric by which a checkpoint is chosen, one of those that suit the kind.
      max_seq_length: Word pieces read at most, with [CLS] and [SEP]; BERT's default is 128.
      pooling: "cls" is BERT's pooled [CLS]; "mean" the mean over all tokens, for trunks that are sentence
        encoders. A kind that reads every token has no use for it.
      split: How the text of a tagging becomes the words that it tags, one of SPLITS, see
        `words/words.py`; "" for every other kind.
    """

    LEFT_OUT: ClassVar = frozenset({"split"})

    name: str
    kind: str
    labels: tuple[str, ...]
    pair: bool
    metric: str
    max_seq_length: int = 128
    pooling: str = "cls"
    split: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.kind not in KINDS:
            raise UserError(f"task {self.name}: kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.pooling not in POOLINGS:
            raise UserError(f"task {self.name}: pooling {self.pooling!r} is none of {', '.join(POOLINGS)}")
        shortest = shortest_length(self.pair)
        if self.max_seq_length < shortest:
            raise UserError(f"task {self.name}: max_seq_length {self.max_seq_length} is below {shortest}")
        self._check_kind(KINDS[self.kind])
        self._check_split(KINDS[self.kind])

    def _check_kind(self, kind: TaskKind) -> None:
        try:
            kind.check_labels(self.labels)
        except UserError as error:
            raise UserError(f"task {self.name}: {error}") from None
        if self.metric not in kind.metrics:
            raise UserError(
                f"task {self.name}: metric {self.metric!r} is not for a {kind.name}; "
                f"choose one of {', '.join(sorted(kind.metrics))}"
            )

    def _check_split(self, kind: TaskKind) -> None:
        if kind.reads != TOKENS:
            if self.split:
                raise UserError(f"task {self.name}: split {self.split!r} is for a tagging, not a {kind.name}")
        elif self.split not in SPLITS:
            raise UserError(f"task {self.name}: split {self.split!r} is none of {', '.join(SPLITS)}")
        elif self.pair:
            raise UserError(f"task {self.name}: a {kind.name} reads single texts, not pairs")

    @property
    def reading(self) -> TextReading:
        return TextReading(self.pair, self.split)

    @property
    def reads(self) -> str:
        """What the head reads of the encoder: "cls", "mean" or "tokens"."""
        return TOKENS if KINDS[self.kind].reads == TOKENS else self.pooling

    def to_json(self) -> dict[str, Any]:
        return {**keys_of(self), "labels": list(self.labels)}

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str = "task") -> "TaskSpec":
        """Inverse of `to_json`; raises UserError that begins with `source`."""
        return read_dataclass(cls, keys, source)


def shortest_length(pair: bool) -> int:
    """The least max_seq_length: [CLS] a [SEP] b [SEP], or [CLS] a [SEP]."""
    return 5 if pair else 3


def check_name(name: str) -> None:
    """Raises UserError unless `name` can be a scope, a file and a signature."""
    if not NAME.fullmatch(name):
        raise UserError(f"task name {name!r} is not of the form [a-z][a-z0-9_]*")
    if name in RESERVED_NAMES or name.endswith("_ids"):
        raise UserError(f"task name {name!r} is reserved; choose another")
