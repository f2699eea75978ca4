"""Texts without a label for the students of a task, from the rows of this and other tasks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

# What would end a text in a file that has a text or a pair on each line.
BREAKS = re.compile("[\t\n\r]+")
NO_WORD = re.compile(r"\W+")


class TextRows(Protocol):
    """Rows of two columns; text_b is "" in a task of single texts."""

    @property
    def text_a(self) -> Sequence[str]: ...
    @property
    def text_b(self) -> Sequence[str]: ...


def collected_texts(
    own: TextRows,
    labelled: TextRows,
    evaluated: Iterable[TextRows],
    others: Iterable[TextRows],
    pair: bool,
    most: int | None,
) -> list[str]:
    """Lines as `read_unlabelled` reads them: first of the task's own rows, then of the other tasks'.

    A task of single texts takes both texts of a pair; a task of pairs takes no single texts. Of more than
    `most`, if that is given, they are a fixed random sample; none is there twice.

    Args:
      own: All training rows of the task.
      labelled: Those that are trained on with their labels, whose texts are left out.
      evaluated: The rows of dev and test, which are left out too, even where another task has other spaces,
        punctuation or capitals in them, or the texts of a pair the other way round.
      others: The training rows of other tasks; the task's own may be among them.
    """
    known, unseen = set(_lines([labelled], pair)), set(map(_words, _lines(evaluated, pair)))
    further = set(_lines([own], pair)) - known
    foreign = set(_lines(others, pair)) - known - further
    lines = (*_shuffled(further), *_shuffled(foreign))
    return [line for line in lines if _words(line) not in unseen][:most]


def _lines(splits: Iterable[TextRows], pair: bool) -> Iterator[str]:
    for rows in splits:
        for texts in zip(rows.text_a, rows.text_b, strict=True):
            lines = [BREAKS.sub(" ", text) for text in texts if text.strip()]
            if not pair:
                yield from lines
            elif len(lines) == 2:
                yield "\t".join(lines)


def _words(line: str) -> tuple[str, ...]:
    """The letters and digits of each text of a line, in one order."""
    return tuple(sorted(NO_WORD.sub("", text.casefold()) for text in line.split("\t")))


def _shuffled(lines: Iterable[str]) -> list[str]:
    """In one fixed order that is none."""
    ordered = sorted(lines)
    return [ordered[row] for row in np.random.default_rng(0).permutation(len(ordered))]
