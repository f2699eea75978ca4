"""Labels of a store, such as stable and canary: which version each points to, and pointed to before."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from centrabert.errors import UserError
from centrabert.merge.store.sealed_json import read_sealed, write_sealed
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.version_record import Author
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys

# From version 2 on a move may be to no version.
FORMAT = Format("labels.json", version=2, upgrades={1: same_keys})
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
ROLL_BACK, REMOVE = "roll back", "remove the label"


@dataclass(frozen=True)
class Move:
    """Once that a label was moved.

    Attributes:
      version: To which version; None if the label was removed.
      reason: Such as "promote", "roll back", and what a comparison said.
    """

    version: int | None
    author: Author
    reason: str


@dataclass(frozen=True)
class Labels:
    """Every label's moves, the newest last.

    Raises:
      UserError: A label has a name that none may have, or no move.
    """

    moves: dict[str, tuple[Move, ...]]

    def __post_init__(self) -> None:
        for label, moves in self.moves.items():
            check_label(label)
            if not moves:
                raise UserError(f"label {label!r} points nowhere")

    @property
    def last(self) -> Mapping[str, int | None]:
        """Where each label points; None for one that was removed."""
        return {label: moves[-1].version for label, moves in self.moves.items()}

    @property
    def versions(self) -> Mapping[str, int]:
        """Where each label points that was not removed."""
        return {label: version for label, version in self.last.items() if version is not None}

    @property
    def by_version(self) -> Mapping[int, list[tuple[str, Move]]]:
        """The moves to each version, and removals of labels from it, with the label, the oldest first."""
        found: dict[int, list[tuple[str, Move]]] = {}
        for label, moves in self.moves.items():
            place: int | None = None
            for move in moves:
                place = place if move.version is None else move.version
                if place is not None:  # else a label was removed that never was
                    found.setdefault(place, []).append((label, move))
        for each in found.values():
            each.sort(key=lambda pair: pair[1].author.time)
        return found

    def moved(self, label: str, move: Move) -> "Labels":
        check_label(label)
        return Labels({**self.moves, label: (*self.moves.get(label, ()), move)})

    def rolled_back(self, label: str, author: Author) -> "Labels":
        """Points a label to where it pointed before the last version that it was given.

        Raises:
          UserError: There is no such label, or it never pointed elsewhere.
        """
        now = self.version(label)
        visited = _visited(self.moves[label])
        if len(visited) < 2:
            raise UserError(f"label {label!r} pointed nowhere before version {now}")
        return self.moved(label, Move(visited[-2], author, ROLL_BACK))

    def removed(self, label: str, author: Author) -> "Labels":
        """Points a label nowhere; its moves are kept. Raises UserError if there is no such label."""
        self.version(label)
        return self.moved(label, Move(None, author, REMOVE))

    def version(self, label: str) -> int:
        """Where a label points; raises UserError if there is no such label."""
        pointed = self.versions
        if label not in pointed:
            told = ", ".join(sorted(pointed)) or "none yet"
            raise UserError(f"there is no label {label!r}; there are: {told}")
        return pointed[label]


def _visited(moves: tuple[Move, ...]) -> list[int]:
    """The versions that a label can be rolled back through, the present one last.

    What was rolled back from is not among them, so that a second roll back goes one further; nor is what came
    before the label was removed.
    """
    visited: list[int] = []
    for move in moves:
        if move.version is None:
            visited.clear()
        elif move.reason == ROLL_BACK:
            del visited[-1:]
        elif visited[-1:] != [move.version]:
            visited.append(move.version)
    return visited


def check_label(label: str) -> None:
    """Raises UserError unless `label` can be one: it stands in a file of TF Serving and in URLs."""
    if not NAME.fullmatch(label):
        raise UserError(f"label {label!r}: wanted a name such as stable or canary: a-z, 0-9, _ and -")


def read_labels(folder: StoreFolder) -> Labels:
    """Reads labels.json; a store without it has no labels. Raises UserError if it is damaged."""
    if not folder.labels.exists():
        return Labels({})
    return read_dataclass(Labels, read_sealed(folder.labels, FORMAT), str(folder.labels))


def write_labels(folder: StoreFolder, labels: Labels) -> None:
    write_sealed(folder.labels, FORMAT, asdict(labels))
