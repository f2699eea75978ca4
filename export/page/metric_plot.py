"""Where the points of a task's metric over the versions stand; a template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# Pixels; the numbers of the axes stand in the margins.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 130, 52, 12, 12, 24
FLAT = 0.05  # above and below a metric that never changed


@dataclass(frozen=True)
class Measured:
    """A task's metric in one version.

    Attributes:
      value: On dev, of the branch that the version has.
      changed: Whether the version before had another branch, or none.
    """

    version: int
    value: float
    changed: bool


def metric_plot(measured: Sequence[Measured], versions: Sequence[int]) -> dict[str, Any]:
    """The values of a plot: `path`, a point for every change, and the numbers of both axes.

    Args:
      measured: At least one, the oldest first.
      versions: Numbers of all versions of the store, the oldest first: the plots of all tasks have one axis.
    """
    values = [each.value for each in measured]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - FLAT, high + FLAT
    places = {version: place for place, version in enumerate(versions)}
    step = (WIDTH - LEFT - RIGHT) / max(len(versions) - 1, 1)

    def x(version: int) -> float:
        return round(LEFT + step * places[version], 2)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 2)

    path = f"M{x(measured[0].version):g},{y(values[0]):g}" + "".join(
        f" {'L' if places[now.version] == places[before.version] + 1 else 'M'}"
        f"{x(now.version):g},{y(now.value):g}"
        for before, now in pairwise(measured)
    )
    return {
        "path": path,
        "points": [
            {"x": x(each.version), "y": y(each.value), "of": each} for each in measured if each.changed
        ],
        "ticks": [(y(value), f"{value:.3f}") for value in (high, low)],
        "ends": [(x(version), version) for version in dict.fromkeys([versions[0], versions[-1]])],
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT},
    }
