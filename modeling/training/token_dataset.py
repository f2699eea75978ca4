"""A data set as word-piece ids: every row once, without padding, cut into batches of like length."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from absl import logging

from centrabert.errors import UserError
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.trunk_output_file import TrunkOutputFile
from centrabert.modeling.words.word_packing import pack_words
from centrabert.modeling.words.word_table import WordTable, word_table
from centrabert.modeling.words.words import split_words

# Features: float32 [batch, length, hidden], and int32 [batch, words, COLUMNS].
TRUNK_OUTPUT, PLACES = "trunk_output", "places"
LABELLED = "labelled"  # float32 [batch], where some rows have no label: 1 for those that have one
Rows = npt.NDArray[np.int64]
UNLIMITED = 2**30  # word pieces of a row that nobody truncates
CHUNK = 1000  # texts tokenised at once: enough to keep both cores busy, little enough to pad cheaply
MOST_UNKNOWN = 0.2  # of the pieces, without a warning; GLUE's texts have far below 0.01
POOL = 50  # batches among which rows are sorted by length: long enough to save padding, short enough to mix


class RowFeature(Protocol):
    """Something more that is known of every row, such as what a teacher says of it."""

    def batch(self, rows: Rows, length: int) -> npt.NDArray[np.generic]:
        """The rows' values, [batch, ...], with zeros for tokens up to `length`."""


@dataclass(frozen=True)
class Encoded:
    """Rows of [CLS] a [SEP] or [CLS] a [SEP] b [SEP], one after the other.

    Attributes:
      text_a, text_b: The texts they came from.
      ids, segment_ids: int32 [tokens].
      offsets: int64 [rows + 1]; row r is ids[offsets[r] : offsets[r + 1]].
      padding_id: What batches are padded with, the tokenizer's.
      labels: [labelled rows, ...] as the task's kind encodes them, or None; the rows behind these have none.
      trunk_output: What the frozen layers say of every token, read instead of computed, or None.
      features: By name, what a batch holds besides.
      padded_to: Every batch is at least so long.
      words: Where the words of each row stand, of a task that has a split.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    ids: npt.NDArray[np.int32]
    segment_ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    padding_id: int
    labels: npt.NDArray[np.generic] | None = None
    trunk_output: TrunkOutputFile | None = None
    features: Mapping[str, RowFeature] = field(default_factory=dict)
    padded_to: int = 0
    words: WordTable | None = None

    def __post_init__(self) -> None:
        if self.trunk_output is not None and self.trunk_output.shape[0] != len(self.ids):
            raise UserError(
                f"{self.trunk_output.file}: holds {self.trunk_output.shape[0]} tokens, "
                f"the data has {len(self.ids)}; remove the file"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Rows:
        return np.diff(self.offsets)

    @property
    def digest(self) -> str:
        """SHA-256 of ids, row boundaries, labels, and where words stand."""
        words = (self.words.places, self.words.offsets, self.words.cut) if self.words else ()
        return _digest(self.ids, self.segment_ids, self.offsets, self.labels, *words)

    @property
    def pieces_digest(self) -> str:
        """SHA-256 of ids and row boundaries: all that a trunk sees."""
        return _digest(self.ids, self.segment_ids, self.offsets)

    @property
    def trunk_dtype(self) -> str:
        """The precision in which the trunk's output reaches training."""
        return self.trunk_output.dtype if self.trunk_output else "float32"

    @property
    def some_unlabelled(self) -> bool:
        """Whether some rows have a label and others have none."""
        return self.labels is not None and len(self.labels) < len(self)

    def with_unlabelled(self, texts: "Encoded") -> "Encoded":
        """These rows and behind them others, whose labels, if there are any, are not taken."""
        if self.trunk_output is not None or self.features:
            raise ValueError("rows are added before anything is attached to them")
        return replace(
            self,
            text_a=self.text_a + texts.text_a,
            text_b=self.text_b + texts.text_b,
            ids=np.concatenate([self.ids, texts.ids]),
            segment_ids=np.concatenate([self.segment_ids, texts.segment_ids]),
            offsets=np.concatenate([self.offsets, self.offsets[-1] + texts.offsets[1:]]),
            words=self.words and texts.words and self.words.followed_by(texts.words),
        )

    def with_features(self, features: Mapping[str, RowFeature]) -> "Encoded":
        return replace(self, features={**self.features, **features})

    def with_trunk_output(self, file: TrunkOutputFile) -> "Encoded":
        return replace(self, trunk_output=file)

    def padded(self, length: int) -> "Encoded":
        return replace(self, padded_to=length)

    def take(self, rows: Rows) -> "Encoded":
        """The rows numbered `rows`, in that order; raises ValueError once more is attached."""
        if self.trunk_output is not None or self.features or self.some_unlabelled:
            raise ValueError("rows are chosen before anything is attached to them")
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        positions = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Encoded(
            tuple(self.text_a[row] for row in rows),
            tuple(self.text_b[row] for row in rows),
            self.ids[positions],
            self.segment_ids[positions],
            offsets,
            self.padding_id,
            None if self.labels is None else self.labels[rows],
            padded_to=self.padded_to,
            words=self.words and self.words.take(rows),
        )

    def batch(self, rows: Rows) -> dict[str, npt.NDArray[np.generic]]:
        """The rows as features, padded to the longest of them, or to `padded_to`."""
        lengths = self.lengths[rows]
        longest = int(lengths.max(initial=self.padded_to))
        columns = np.arange(longest)
        real = columns < lengths[:, None]  # [batch, length]
        positions = np.where(real, self.offsets[rows][:, None] + columns, 0)
        features: dict[str, npt.NDArray[np.generic]] = {
            "input_ids": np.where(real, self.ids[positions], np.int32(self.padding_id)),
            "segment_ids": np.where(real, self.segment_ids[positions], 0),
        }
        if self.labels is not None:
            known = rows < len(self.labels)
            features["labels"] = self.labels[np.where(known, rows, 0)]
            if self.some_unlabelled:
                features[LABELLED] = known.astype(np.float32)
        if self.words is not None:
            features[PLACES] = self.words.batch(rows)
        for name, feature in self.features.items():
            features[name] = feature.batch(rows, longest)
        if self.trunk_output is not None:
            features[TRUNK_OUTPUT] = self.trunk_output.padded(self.offsets[rows], lengths, self.padded_to)
        return features


def _digest(*parts: npt.NDArray[np.generic] | None) -> str:
    return hashlib.sha256(b"|".join(b"" if part is None else part.tobytes() for part in parts)).hexdigest()


def encode(
    tokenizer: Tokenizer,
    task: TaskSpec,
    text_a: Sequence[str],
    text_b: Sequence[str],
    labels: npt.NDArray[np.generic] | None = None,
) -> Encoded:
    """Tokenises the texts with the graph that also serves; `text_b` is "" where there is one text.

    Raises:
      UserError: A text of a tagging has not as many words as tags.
    """
    if labels is not None and len(labels) != len(text_a):
        raise ValueError(f"there are {len(labels)} labels of {len(text_a)} texts")
    ids, segments, lengths = [], [], []
    places, cut = [], []
    for start in range(0, len(text_a), CHUNK):
        chunk = slice(start, start + CHUNK)
        if task.split:
            packed = pack_words(tokenizer, split_words(list(text_a[chunk]), task.split), task.max_seq_length)
            padded, kinds = packed.input_ids.numpy(), packed.segment_ids.numpy()
            places.append(packed.places.numpy())
            cut.append(packed.cut.numpy())
        else:
            rows = tokenizer.encode(list(text_a[chunk]), list(text_b[chunk]), task.max_seq_length)
            padded, kinds = (array.numpy() for array in rows)
        real = padded != tokenizer.padding_id
        ids.append(padded[real])
        segments.append(kinds[real])
        lengths.append(real.sum(1))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    pieces = np.concatenate(ids)
    _tell_unknown(tokenizer, task, pieces)
    words = word_table(places, cut) if task.split else None
    if words is not None:
        _check_words(task, words, labels)
    return Encoded(
        tuple(text_a),
        tuple(text_b),
        pieces,
        np.concatenate(segments),
        offsets,
        tokenizer.padding_id,
        labels,
        words=words,
    )


def _tell_unknown(tokenizer: Tokenizer, task: TaskSpec, ids: npt.NDArray[np.int32]) -> None:
    """Warns where much of the texts is unknown to the vocabulary, so that the model cannot read it."""
    pieces = ids[~np.isin(ids, [tokenizer.layout.cls_id, tokenizer.layout.sep_id])]
    unknown = int((pieces == tokenizer.unknown_id).sum())
    if unknown > MOST_UNKNOWN * len(pieces):
        logging.warning(
            "task %s: %d of the %d pieces of its texts are unknown to the vocabulary, and all of these are "
            "the same to the model; is this BERT one for such texts, and is do_lower_case=%s right for it?",
            task.name,
            unknown,
            len(pieces),
            str(tokenizer.do_lower_case).lower(),
        )


def row_lengths(tokenizer: Tokenizer, text_a: Sequence[str], text_b: Sequence[str], split: str = "") -> Rows:
    """Word pieces of every row, int64 [rows], as if nothing were truncated; special ones among them.

    Args:
      split: As in TaskSpec: words are tokenised one by one.
    """
    lengths = []
    for start in range(0, len(text_a), CHUNK):
        chunk = slice(start, start + CHUNK)
        if split:
            ids = pack_words(tokenizer, split_words(list(text_a[chunk]), split), UNLIMITED).input_ids
        else:
            ids, _ = tokenizer.encode(list(text_a[chunk]), list(text_b[chunk]), UNLIMITED)
        lengths.append((ids.numpy() != tokenizer.padding_id).sum(1))
    return np.concatenate(lengths).astype(np.int64)


def _check_words(task: TaskSpec, words: WordTable, labels: npt.NDArray[Any] | None) -> None:
    """Raises UserError unless there is a tag for every word; tells how many words were cut."""
    if labels is not None:
        tags = (labels >= 0).sum(1)
        if (wrong := np.flatnonzero(tags != words.words)).size:
            row = wrong[0]
            raise UserError(
                f"task {task.name}: the text of row {row} has {words.words[row]} words, with the split "
                f"{task.split}, but {tags[row]} tags"
            )
    if words.cut.any():
        logging.warning(
            "task %s: %d of %d words, at the end of %d of %d texts, are cut off by max_seq_length %d",
            task.name,
            words.cut.sum(),
            words.words.sum(),
            (words.cut > 0).sum(),
            len(words.cut),
            task.max_seq_length,
        )


def training_plan(lengths: Rows, batch_size: int, seed: int, epoch: int) -> list[Rows]:
    """The batches of one epoch: every row once, in an order that only seed and epoch decide.

    Rows are shuffled, sorted by length within pools of POOL batches, cut, and the batches shuffled.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches: list[Rows] = []
    for start in range(0, len(order), batch_size * POOL):
        pool = order[start : start + batch_size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[at : at + batch_size] for at in range(0, len(pool), batch_size)]
    return [batches[at] for at in random.permutation(len(batches))]


def training_batches(lengths: Rows, batch_size: int, seed: int, start_step: int) -> Iterator[Rows]:
    """Batches without end from step `start_step` on, as a run from step 0 would see them."""
    per_epoch = -(-len(lengths) // batch_size)
    epoch, skipped = divmod(start_step, per_epoch)
    while True:
        yield from training_plan(lengths, batch_size, seed, epoch)[skipped:]
        epoch, skipped = epoch + 1, 0


def sorted_batches(lengths: Rows, batch_size: int) -> list[Rows]:
    """Every row once, shortest first: for prediction."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
