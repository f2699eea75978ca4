"""Counts of a task's rows: labels, lengths, duplicates, and rows that train and dev share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.glue_data.task_data import Examples
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.tag_scheme import spans
from centrabert.modeling.kinds.task_kind import TOKENS

PERCENTILES = {"shortest": 0, "median": 50, "90 %": 90, "95 %": 95, "99 %": 99, "longest": 100}
BINS = 10
NO_LABEL = "(no label)"
Texts = tuple[str, str]


@dataclass(frozen=True)
class SplitStatistics:
    """Of the rows of one file.

    Attributes:
      labels: How often each label occurs, the most frequent first: of a tagging its entities by type, of a
        regression the scores in bins. {} for a file without labels.
      lengths: PERCENTILES of the rows' lengths in word pieces, [CLS] and [SEP] among them.
      histogram: (shortest, longest, rows) of ten bins of lengths.
      truncated: Rows that are longer than max_seq_length.
      empty: Rows whose texts hold nothing.
      duplicates: Rows whose texts stand further up already.
      contradictions: Those of them that have another label there.
      shared: Rows whose texts train has too; None of train.
    """

    rows: int
    labels: Mapping[str, int]
    lengths: Mapping[str, int]
    histogram: tuple[tuple[int, int, int], ...]
    truncated: int
    empty: int
    duplicates: int
    contradictions: int
    shared: int | None = None


def split_statistics(
    kind: str,
    examples: Examples,
    lengths: npt.NDArray[np.int64],
    max_seq_length: int,
    train: frozenset[Texts] | None = None,
) -> SplitStatistics:
    """Counts the rows of a file.

    Args:
      kind: As in TaskSpec.
      lengths: Of every row, in word pieces, as if nothing were truncated.
      train: `texts_of` train; None for train itself.
    """
    rows = texts_of(examples)
    duplicates, contradictions = _duplicates(rows, examples.labels)
    return SplitStatistics(
        rows=len(rows),
        labels=label_counts(kind, examples.labels or ()),
        lengths={name: _percentile(lengths, share) for name, share in PERCENTILES.items()},
        histogram=histogram(lengths),
        truncated=int((lengths > max_seq_length).sum()),
        empty=sum(not (a.strip() or b.strip()) for a, b in rows),
        duplicates=duplicates,
        contradictions=contradictions,
        shared=None if train is None else sum(row in train for row in rows),
    )


def texts_of(examples: Examples) -> list[Texts]:
    """The text or pair of every row."""
    return list(zip(examples.text_a, examples.text_b, strict=True))


def label_counts(kind: str, labels: Sequence[Any]) -> dict[str, int]:
    """How often each label occurs, the most frequent first; the bins of scores in their order."""
    if not labels:
        return {}
    if isinstance(labels[0], float):
        counts, edges = np.histogram(labels, bins=min(BINS, len(set(labels))))
        names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
        return dict(zip(names, counts.tolist(), strict=True))
    if KINDS[kind].reads == TOKENS:
        return dict(Counter(span.type for row in labels for span in spans(row)).most_common())
    if isinstance(labels[0], tuple):
        return dict(Counter(label for row in labels for label in row or (NO_LABEL,)).most_common())
    return dict(Counter(labels).most_common())


def histogram(lengths: npt.NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
    """(shortest, longest, rows) of bins of equal width that hold all lengths, ten at most."""
    first, last = int(lengths.min()), int(lengths.max())
    width = -(-(last - first + 1) // BINS)
    counts = np.bincount((lengths - first) // width)
    return tuple(
        (first + place * width, first + (place + 1) * width - 1, int(count))
        for place, count in enumerate(counts)
    )


def _percentile(lengths: npt.NDArray[np.int64], share: int) -> int:
    """A length that occurs, of which so many rows at least are no longer."""
    return int(np.percentile(lengths, share, method="inverted_cdf"))


def _duplicates(rows: Sequence[Texts], labels: Sequence[Any] | None) -> tuple[int, int]:
    first: dict[Texts, int] = {}
    duplicates = contradictions = 0
    for row, texts in enumerate(rows):
        if (before := first.setdefault(texts, row)) == row:
            continue
        duplicates += 1
        contradictions += labels is not None and labels[row] != labels[before]
    return duplicates, contradictions
