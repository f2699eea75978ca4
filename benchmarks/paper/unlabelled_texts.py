"""Texts without a label, which a teacher's answers teach a student on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Texts:
    """Rows of a task's training file; text_b is "" in a task of single texts."""

    text_a: Sequence[str]
    text_b: Sequence[str]

    def lines(self, pair: bool) -> list[str]:
        """As lines of a file without labels: every text, or the pairs, of which single texts have none."""
        if not pair:
            return [text for text in (*self.text_a, *self.text_b) if text]
        return [f"{one}\t{other}" for one, other in zip(self.text_a, self.text_b, strict=True) if other]


def unlabelled_lines(trained: Texts, own: Texts, others: Iterable[Texts], pair: bool, most: int) -> list[str]:
    """First what the task's own file has beyond the rows trained on, then what the other tasks' files have.

    Of more than `most` a fixed random sample; no line twice.

    Args:
      trained: The rows that are trained on with their labels.
      own: All of the task's file.
      pair: Whether the task is one of pairs.
    """
    labelled = set(trained.lines(pair))
    further = set(own.lines(pair)) - labelled
    foreign = {line for each in others for line in each.lines(pair)} - labelled - further
    return [*_shuffled(further), *_shuffled(foreign)][:most]


def _shuffled(lines: Iterable[str]) -> list[str]:
    """In one fixed order that is none."""
    ordered = sorted(lines)
    return [ordered[row] for row in np.random.default_rng(0).permutation(len(ordered))]
