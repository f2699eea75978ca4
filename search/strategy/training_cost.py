"""What jobs cost, estimated before they run: word pieces times layers.

A layer forward is 1 unit for each word piece, backward 2; frozen layers have no backward, and no forward
either when their outputs are read from the cache. Embeddings, heads and the optimiser are not counted, nor is
the padding of batches of like length.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.glue_data.task_data import Examples
from centrabert.search.jobs.job_spec import FULL, STUDENT, TEACHER, JobSpec
from centrabert.search.strategy.search_space import SearchSpace

FORWARD, BACKWARD = 1, 2
# One conventional fine-tuning: every layer, every row padded (the defaults of BERT's run_classifier.py).
CONVENTIONAL_LENGTH, CONVENTIONAL_EPOCHS = 128, 3
PIECES_PER_WORD = 1.23  # BERT's English vocabulary on GLUE: MRPC 1.14, SST-2 1.19, RTE and QNLI 1.28
CJK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")  # nearly all; the others are rare
SPECIAL_PIECES = 2  # [CLS] and [SEP]; a pair has another [SEP]


@dataclass(frozen=True)
class Workload:
    """How much there is to read in a task.

    Attributes:
      train_tokens, dev_tokens: Word pieces of one pass over all rows, estimated without the vocabulary.
      unlabelled_rows, unlabelled_tokens: Of what students train on besides.

    Raises:
      UserError: A split has no rows.
    """

    task: str
    train_rows: int
    dev_rows: int
    train_tokens: int
    dev_tokens: int
    unlabelled_rows: int = 0
    unlabelled_tokens: int = 0

    def __post_init__(self) -> None:
        for split, rows in (("train", self.train_rows), ("dev", self.dev_rows)):
            if rows < 1:
                raise UserError(f"task {self.task}: {split} has no rows")

    @classmethod
    def of(
        cls,
        task: str,
        train: Examples,
        dev: Examples,
        space: SearchSpace,
        unlabelled: Examples | None = None,
    ) -> "Workload":
        """That of a task's rows in a search."""
        of_train = _lengths(train, space)[: space.max_train_rows or None]
        of_dev = _lengths(dev, space)
        texts = _lengths(unlabelled, space) if unlabelled else []
        counts = len(of_train), len(of_dev), sum(of_train), sum(of_dev)
        return cls(task, *counts, unlabelled_rows=len(texts), unlabelled_tokens=sum(texts))


def _lengths(rows: Examples, space: SearchSpace) -> list[int]:
    """Word pieces of each row, [CLS] and [SEP] included; a CJK character is a piece of its own."""
    lengths = []
    for text, other in zip(rows.text_a, rows.text_b, strict=True):
        words, characters = CJK.subn(" ", f"{text} {other}")
        pieces = round(PIECES_PER_WORD * len(words.split())) + characters
        lengths.append(min(space.max_seq_length, pieces + SPECIAL_PIECES + bool(other.split())))
    return lengths


@dataclass(frozen=True)
class TrainingCost:
    """Estimates in units of a word piece through a layer.

    Attributes:
      workloads: Of every task that is asked for, by name.
      cached: Whether the frozen layers' outputs are kept.
    """

    num_hidden_layers: int
    workloads: Mapping[str, Workload]
    cached: bool

    def of(self, jobs: Iterable[JobSpec]) -> float:
        """Of all the jobs, with what they share and is computed once."""
        given = list(jobs)
        return math.fsum([*map(self._alone, given), *self._logits(given), *self._activations(given)])

    def conventional(self, tasks: Iterable[str]) -> float:
        """Of one conventional fine-tuning of each task, judged once an epoch."""
        return math.fsum(
            CONVENTIONAL_EPOCHS
            * CONVENTIONAL_LENGTH
            * self.num_hidden_layers
            * ((FORWARD + BACKWARD) * work.train_rows + FORWARD * work.dev_rows)
            for work in (self.workloads[task] for task in tasks)
        )

    def _alone(self, spec: JobSpec) -> float:
        """Training, and judging once an epoch."""
        train, dev = self._tokens(spec)
        own = {
            FULL: self.num_hidden_layers,
            TEACHER: spec.fine_tuning_layers,
            STUDENT: spec.student_layers,
        }[spec.kind]
        frozen = self._computed(spec)
        judged = math.ceil(spec.num_train_epochs) * dev * FORWARD * (own + frozen)
        return spec.num_train_epochs * train * ((FORWARD + BACKWARD) * own + FORWARD * frozen) + judged

    def _logits(self, jobs: Sequence[JobSpec]) -> list[float]:
        """A pass over train for each teacher that has students."""
        passes = {
            spec.teacher: self._tokens(spec)[0] * FORWARD * (spec.fine_tuning_layers + self._computed(spec))
            for spec in jobs
            if spec.kind == STUDENT
        }
        return list(passes.values())

    def _activations(self, jobs: Sequence[JobSpec]) -> list[float]:
        """A pass through the trunk for each task, to the greatest depth that a job wants.

        The training rows pass once more with the texts behind them.
        """
        if not self.cached:
            return []
        passes: dict[tuple[str, ...], float] = {}
        for spec in jobs:
            train, dev = self._tokens(spec)
            train_rows, dev_rows = (spec.task, "train", spec.unlabelled_digest), (spec.task, "dev")
            for rows, tokens in ((train_rows, train), (dev_rows, dev)):
                cost = tokens * FORWARD * self._frozen(spec)
                passes[rows] = max(passes.get(rows, 0), cost)
        return list(passes.values())

    def _tokens(self, spec: JobSpec) -> tuple[int, int]:
        """Word pieces of one pass over train and over dev, padding included."""
        work = self.workloads[spec.task]
        rows, tokens = work.train_rows, work.train_tokens
        if spec.unlabelled_file:
            rows, tokens = rows + work.unlabelled_rows, tokens + work.unlabelled_tokens
        if spec.padded:
            return spec.max_seq_length * rows, spec.max_seq_length * work.dev_rows
        return tokens, work.dev_tokens

    def _computed(self, spec: JobSpec) -> int:
        """Frozen layers that are computed at every step."""
        return 0 if self.cached else self._frozen(spec)

    def _frozen(self, spec: JobSpec) -> int:
        return self.num_hidden_layers - spec.fine_tuning_layers
