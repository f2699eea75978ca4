"""Timing several sides in turn in one process: the machine's moods fall on all of them."""

import statistics
import time
from collections.abc import Callable, Mapping


def alternate(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round of each side, after two that do not count; the order turns each round."""
    milliseconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 2):
        for name in sides if number % 2 else reversed(sides):
            start = time.perf_counter()
            sides[name]()
            milliseconds[name].append(1000 * (time.perf_counter() - start))
    return {name: rounds_[2:] for name, rounds_ in milliseconds.items()}


def ratio(milliseconds: Mapping[str, list[float]], above: str, below: str) -> float:
    """The median over rounds of one side's time over another's in the same round."""
    pairs = zip(milliseconds[above], milliseconds[below], strict=True)
    return statistics.median(a / b for a, b in pairs)


def median(milliseconds: Mapping[str, list[float]], side: str) -> float:
    return statistics.median(milliseconds[side])
