"""The page of a store: its versions, who changed what when, the model as drawn, metrics over versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centrabert.export.page.metric_plot import Measured, metric_plot
from centrabert.export.page.model_diagram import diagram
from centrabert.export.page.page import template
from centrabert.export.page.version_tree import version_tree
from centrabert.merge.manifest import Manifest

if TYPE_CHECKING:
    from centrabert.merge.store.labels import Move
    from centrabert.merge.store.version_record import Version


@dataclass(frozen=True)
class ShownVersion:
    """A version with what stands beside its record.

    Attributes:
      labels: Those that point to it.
      proof: What was proved of it, in lines.
    """

    version: "Version"
    labels: tuple[str, ...]
    proof: str


@dataclass(frozen=True)
class TaskHistory:
    """A task's metric in every version that has it, the oldest first."""

    task: str
    metric: str
    measured: tuple[Measured, ...]


def store_page(
    name: str,
    versions: Sequence[ShownVersion],
    histories: Sequence[TaskHistory],
    number: int,
    manifest: Manifest,
    damaged: Mapping[int, str],
    moves: "Mapping[int, Sequence[tuple[str, Move]]]",
) -> str:
    """A document that loads nothing and runs nothing; all texts are escaped.

    Args:
      name: What the store is called.
      versions: All that can be read, the oldest first.
      number: Which version is drawn; `manifest` is its own.
      damaged: What is wrong with each of the other versions, by number.
      moves: Of labels, by the version that each was moved to or removed from, the oldest first.
    """
    numbers = sorted([*(each.version.number for each in versions), *damaged])
    parents = {each.version.number: each.version.parent for each in versions}
    return template("store_page.html").render(
        name=name,
        versions=list(reversed(versions)),
        known=frozenset(numbers),
        tree=version_tree({number: parents.get(number) for number in numbers}),
        damaged=damaged,
        moves=moves,
        rows={each.version.number: each for each in versions},
        plots=[(each, metric_plot(each.measured, numbers)) for each in histories],
        number=number,
        diagram=diagram(manifest.plan),
    )
