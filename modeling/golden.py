"""Golden answers of a branch: a few inputs with the outputs it gave, replayed wherever it goes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys

ROWS = 8
# Another CPU, or another batch around the rows, sums in another order: measured below 2e-6 on BERT outputs.
TOLERANCE = 1e-4
# Version 0 did not say its version.
FORMAT = Format("golden.json", version=1, upgrades={0: same_keys})


@dataclass(frozen=True)
class GoldenRow:
    """A row of golden.json: the texts, and the values of the answer to them."""

    text_a: str
    text_b: str
    outputs: tuple[float, ...]


@dataclass(frozen=True)
class GoldenKeys:
    """The keys of golden.json."""

    rows: tuple[GoldenRow, ...]


@dataclass(frozen=True)
class Golden:
    """Inputs and the answers to them.

    Attributes:
      outputs: float32 [rows, classes] probabilities, or [rows, 1] scores.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    outputs: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not len(self.text_a) == len(self.text_b) == len(self.outputs) > 0:
            raise UserError("golden: texts and outputs differ in number, or there are none")
        if self.outputs.ndim != 2:
            raise UserError(f"golden: outputs are {self.outputs.shape}, wanted (rows, outputs)")

    def check(self, outputs: npt.NDArray[np.float32], what: str) -> None:
        """Raises UserError naming `what` unless `outputs` equals the golden ones within TOLERANCE."""
        if outputs.shape != self.outputs.shape:
            raise UserError(f"{what}: golden outputs are {self.outputs.shape}, got {outputs.shape}")
        difference = np.abs(outputs - self.outputs).max(axis=1)
        worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
        if not difference[worst] <= TOLERANCE:
            raise UserError(
                f"{what}: golden row {worst} ({self.text_a[worst]!r}) differs by {difference[worst]:.3g}, "
                f"more than {TOLERANCE}"
            )

    def write(self, path: Path) -> None:
        rows = [
            {"text_a": a, "text_b": b, "outputs": [float(value) for value in row]}
            for a, b, row in zip(self.text_a, self.text_b, self.outputs, strict=True)
        ]
        write_text(path, FORMAT.text({"rows": rows}))

    @classmethod
    def read(cls, path: Path) -> "Golden":
        """Inverse of `write`, to the last bit of a float32; raises UserError naming the file."""
        rows = read_dataclass(GoldenKeys, FORMAT.read(path), str(path)).rows
        if len({len(row.outputs) for row in rows}) > 1:
            raise UserError(f"{path}: rows differ in the number of their outputs")
        try:
            return cls(
                tuple(row.text_a for row in rows),
                tuple(row.text_b for row in rows),
                np.array([row.outputs for row in rows], np.float32),
            )
        except UserError as error:
            raise UserError(f"{path}: {error}") from None


def golden_rows(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most ROWS row numbers, evenly spread over the lengths, the shortest and the longest among them."""
    order = np.argsort(lengths, kind="stable")
    picks = np.linspace(0, len(order) - 1, min(ROWS, len(order))).round().astype(np.int64)
    return np.sort(order[picks])
