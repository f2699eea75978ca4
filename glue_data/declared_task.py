"""A declared task and its files: the TaskData of what a user brings, and of GLUE's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.declared import row_values
from centrabert.glue_data.declared.declaration import (
    CLASSIFICATION,
    MULTILABEL,
    REGRESSION,
    TAGGING,
    Declaration,
)
from centrabert.glue_data.declared.dev_split import dev_rows
from centrabert.glue_data.declared.rows import Rows, read_declared
from centrabert.glue_data.declared.split_files import split_files
from centrabert.glue_data.metrics import check_metrics
from centrabert.glue_data.readers.formats import SEQ
from centrabert.glue_data.readers.table import shown
from centrabert.glue_data.submission import predictions_text
from centrabert.glue_data.task_data import Examples, Submission
from centrabert.modeling.kinds.tag_scheme import BIO, IOBES, OUTSIDE, UNSEEN, split_tag, tag_labels
from centrabert.modeling.training.hyperparameters import BALANCED, Hyperparameters

# All that are reported of a kind; by the first a checkpoint is chosen, unless the declaration names one.
METRICS = {
    CLASSIFICATION: ("accuracy", "macro_f1"),
    REGRESSION: ("pearson", "spearman"),
    MULTILABEL: ("micro_f1", "macro_f1"),
    TAGGING: ("entity_f1", "strict_entity_f1", "tag_accuracy"),
}
# What is said of them, of labels and of tags.
UNSEEN_LABELS = (("labels", "are left out"), ("tags", "count as entities that are not found"))


@dataclass(frozen=True)
class DeclaredTask:
    """What a declaration says, as TaskData; every file is read once.

    Attributes:
      stored: The labels as a trained branch has them; () takes those of the declaration, or of train.
    """

    declaration: Declaration
    stored: tuple[str, ...] = ()

    def with_labels(self, labels: tuple[str, ...]) -> "DeclaredTask":
        """The task with the labels of a branch, whatever train says by now; those of the declaration stay."""
        return self if self.declaration.labels else replace(self, stored=labels)

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def kind(self) -> str:
        return self.declaration.head

    @property
    def pair(self) -> bool:
        return bool(self.declaration.text_b)

    @property
    def metrics(self) -> tuple[str, ...]:
        official = self.declaration.official
        usual = official.metrics if official else METRICS[self.declaration.kind]
        return tuple(dict.fromkeys([*filter(None, [self.declaration.metric]), *usual]))

    @property
    def split(self) -> str:
        return self.declaration.words

    @property
    def declared(self) -> str:
        """All that decides a training besides rows and flags; where train tells the labels, its rows do."""
        own = self.declaration
        weights = [list(own.class_weights), own.label_smoothing]
        if own.official:  # the rest is known by its name
            return json.dumps(weights) if any(weights) else ""
        return json.dumps([self.kind, list(own.labels), self.metrics[0], self.split, *weights])

    @property
    def max_seq_length(self) -> int | None:
        return self.declaration.max_seq_length

    @property
    def class_weights(self) -> tuple[str, ...]:
        return self.declaration.class_weights

    @property
    def label_smoothing(self) -> float:
        return self.declaration.label_smoothing

    @property
    def splits(self) -> Mapping[str, Path]:
        return split_files(self.declaration)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Raises UserError as `read`, where train has to say them; () of a regression."""
        labels = self.stored or self._declared_labels()
        if not labels and self.declaration.kind != REGRESSION:
            labels = self._labels_of_train()
        with self._declared_by("metric"):
            check_metrics(self.kind, labels, self.metrics)
        if self.class_weights not in ((), (BALANCED,)):
            with self._declared_by("class_weights"):
                Hyperparameters(class_weights=self.class_weights).weights_of(labels)
        return labels

    def read(self, split: str) -> Examples:
        """Every row of a split; see `TaskData`."""
        rows = self._rows(split)
        if split == "train" and not self.declaration.official:
            self._check_varied(rows)
        if rows.labels is not None and self.declaration.kind != REGRESSION:
            rows = self._with_known_labels(rows, split)
        return Examples(rows.text_a, rows.text_b, rows.labels, rows.ids)

    def submission(self, split: str, ids: Sequence[str], decisions: npt.NDArray[Any]) -> Submission | None:
        """Of GLUE's as its server takes it: labels by name, scores cut to their range; see `TaskData`."""
        if (official := self.declaration.official) is None:
            return None
        file = {each.name: each.submission for each in official.files}.get(split)
        if not file:
            raise UserError(f"task {self.name}: nobody takes predictions for {split}, only for test files")
        text = predictions_text(self.name, self.labels, official.score_range, ids, decisions)
        return Submission(file, text)

    @contextmanager
    def _declared_by(self, key: str) -> Iterator[None]:
        """What is wrong within is told of the declaration's key."""
        try:
            yield
        except UserError as error:
            raise self.declaration.wrong(key, str(error).removeprefix("--")) from None

    def _declared_labels(self) -> tuple[str, ...]:
        """Of a tagging its types are declared."""
        named = self.declaration.labels
        return tag_labels(named, self._scheme) if named and self.declaration.kind == TAGGING else named

    def _labels_of_train(self) -> tuple[str, ...]:
        """In order; raises UserError for a train file of which nothing can be learned."""
        train = self._file("train")
        values = train.labels or ()
        if self.declaration.kind == CLASSIFICATION:
            self._check_varied(train)
            return row_values.in_order(set(values))
        found = {label for row in values for label in row} - {OUTSIDE if self._tags else ""}
        if not found:
            raise UserError(f"{train.path}: no row has a label; there is nothing to learn")
        if self._tags:
            return tag_labels({split_tag(tag)[1] for tag in found}, self._scheme)
        return row_values.in_order(found)

    def _check_varied(self, train: Rows) -> None:
        """Raises UserError where all rows have one label or score, or the same labels."""
        found = set(train.labels or ())
        if self._tags or len(found) > 1:
            return
        (only,) = found
        what = (
            f"the same labels: {shown(only) or 'none'}" if isinstance(only, tuple) else f"the label {only!r}"
        )
        raise UserError(f"{train.path}: every row has {what}; there is nothing to learn")

    @property
    def _tags(self) -> bool:
        return self.declaration.kind == TAGGING

    @property
    def _scheme(self) -> str:
        """The model's, in which tags are read."""
        return IOBES if self.declaration.scheme == IOBES else BIO

    def _with_known_labels(self, rows: Rows, split: str) -> Rows:
        """The rows of a split; raises UserError for a label that the task has not.

        Where train has told the labels, and a row has several, those of other splits that train never had are
        counted and reported: labels are left out; tags mark an entity that nobody can find.
        """
        known = set(self.labels)
        several = self.declaration.kind != CLASSIFICATION
        unknown = [
            (row, place, label)
            for row, value in enumerate(rows.labels or ())
            for place, label in enumerate(value if several else (value,))
            if label not in known
        ]
        if not unknown:
            return rows
        row, place, label = unknown[0]
        if not several or split == "train" or self.declaration.labels:
            whose = "the task declares" if self.declaration.labels else "train has"
            fix = "" if self.declaration.labels else "; declare all labels if it is one"
            what = f"word {place + 1}: tag" if self._tags else "label"
            raise rows.wrong(
                row, f"{what} {label!r} is none of those that {whose}: {shown(self.labels)}{fix}"
            )
        logging.warning(
            "%s: %d %s that train never had, which %s, the first is %r on line %d",
            *(rows.path, len(unknown), *UNSEEN_LABELS[self._tags], label, rows.lines[row]),
        )
        if self._tags:
            instead = {label: f"{split_tag(label)[0]}-{UNSEEN}" for _, _, label in unknown}
            kept = tuple(tuple(instead.get(tag, tag) for tag in value) for value in rows.labels or ())
        else:
            kept = tuple(tuple(each for each in value if each in known) for value in rows.labels or ())
        return replace(rows, labels=kept)

    def _rows(self, split: str) -> Rows:
        """As they stand in the file."""
        carved = self.declaration.dev_fraction and split in ("train", "dev")
        return self._carved[split] if carved else self._file(split)

    def _file(self, split: str) -> Rows:
        if split not in self._files:
            if split not in self.splits:
                fix = "; give dev, or dev_fraction to make it of train" if split == "dev" else ""
                raise UserError(f"task {self.name}: there is no {split} file{fix}")
            path = self.splits[split]
            if not path.exists() and not self.declaration.official:
                raise UserError(f"{path}: no such file, {split} of task {self.name}")
            if path.is_dir() and self.declaration.format != SEQ:
                fix = f"name a file in it, or declare the format {SEQ} if it holds seq.in"
                raise self.declaration.wrong(split, f"{split}: {path} is a folder; {fix}")
            self._files[split] = read_declared(self.declaration, path, not split.startswith("test"))
        return self._files[split]

    @cached_property
    def _files(self) -> dict[str, Rows]:
        return {}

    @cached_property
    def _carved(self) -> dict[str, Rows]:
        """Train and dev, made of the train file."""
        whole = self._file("train")
        try:
            dev = dev_rows(self._strata(whole), self.declaration.dev_fraction)
        except UserError as error:
            raise UserError(f"{whole.path}: {error}") from None
        train = np.setdiff1d(np.arange(len(whole)), dev)
        return {"train": whole.take(train.tolist()), "dev": whole.take(dev.tolist())}

    def _strata(self, whole: Rows) -> Sequence[Sequence[str]]:
        """The labels of each row: of a tagging the types of its entities, of scores a tenth of all of them.

        Parts of scores are so large that both train and dev get some of each.
        """
        values = whole.labels or ()
        if self._tags:
            return [sorted({split_tag(tag)[1] for tag in tags} - {""}) for tags in values]
        if self.declaration.kind == REGRESSION:
            dev = round(self.declaration.dev_fraction * len(whole))
            parts = max(1, min(10, dev, len(whole) - dev))
            ranks = np.argsort(np.argsort(values, kind="stable"))
            return [(str(parts * rank // len(whole)),) for rank in ranks.tolist()]
        return values if self.declaration.kind == MULTILABEL else [(label,) for label in values]
