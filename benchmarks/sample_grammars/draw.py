"""Seeded drawing for the sample tasks: the same rows on every Python version."""

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Draw:
    """Draws from sequences by `random.Random.random()` alone.

    Of Python's generator only the sequence of `random()` for one seed is promised never to change, and the
    committed sample files are compared byte for byte.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample sentences, not secrets

    def below(self, limit: int) -> int:
        """An integer in 0..limit-1."""
        return int(self._random.random() * limit)

    def one(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` items from different places of `items`, in drawn order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        return self.some(items, len(items))
