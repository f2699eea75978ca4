"""A joke-sized slot-filling task in the words of `tiny`, as somebody's own TaskData."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from centrabert.glue_data.task_data import Examples, PlainTask
from centrabert.modeling.kinds.tag_scheme import tag_labels

PLACES, COLOURS = ("house", "river", "road"), ("red", "green", "blue")
LABELS = tag_labels(["colour", "place"], "bio")
LETTERS = ("ab", "xyz", "qq")  # words of several pieces


def tagged(rows: int, seed: int, longest: int = 7) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Texts and the tags of their words: a colour, and "the" with a place behind it."""
    random = np.random.default_rng(seed)
    texts, tags = [], []
    for _ in range(rows):
        words: list[str] = []
        own: list[str] = []
        while len(words) < random.integers(1, longest):
            kind = random.integers(3)
            some = [
                ["the", random.choice(PLACES)],
                [random.choice(COLOURS)],
                [random.choice([*LETTERS, "dog"])],
            ]
            words += some[kind]
            own += [["B-place", "I-place"], ["B-colour"], ["O"]][kind]
        texts.append(" ".join(words))
        tags.append(tuple(own))
    return tuple(texts), tuple(tags)


@dataclass(frozen=True)
class SlotFilling(PlainTask):
    """Slot filling; its splits are drawn and lie in no file."""

    name: str = "slots"
    kind: str = "crf_tagging"
    labels: tuple[str, ...] = LABELS
    pair: bool = False
    metrics: tuple[str, ...] = ("entity_f1", "strict_entity_f1", "tag_accuracy")
    split: str = "whitespace"

    @property
    def splits(self) -> Mapping[str, Path]:
        return {"train": Path("train"), "dev": Path("dev")}

    def read(self, split: str) -> Examples:
        texts, tags = tagged(*{"train": (60, 1), "dev": (20, 2)}[split])
        return Examples(texts, ("",) * len(texts), tags)

    def submission(self, split: str, ids: Sequence[str], decisions: Any) -> Any:
        raise NotImplementedError
