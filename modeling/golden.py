"""Golden answers of a branch: a few inputs with the outputs it gave, replayed wherever it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.branch_folder import dump
from centrabert.modeling.config import read_json
from centrabert.modeling.files import write_text

ROWS = 8
# Another CPU, or another batch around the rows, sums in another order: measured below 2e-6 on BERT outputs.
TOLERANCE = 1e-4


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
        write_text(path, dump({"rows": rows}))

    @classmethod
    def read(cls, path: Path) -> "Golden":
        """Inverse of `write`, to the last bit of a float32; raises UserError naming the file."""
        rows: list[dict[str, Any]] = read_json(path).get("rows", [])
        try:
            return cls(
                tuple(row["text_a"] for row in rows),
                tuple(row["text_b"] for row in rows),
                np.array([row["outputs"] for row in rows], np.float32),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: damaged golden file: {error}") from None


def golden_rows(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most ROWS row numbers, evenly spread over the lengths, the shortest and the longest among them."""
    order = np.argsort(lengths, kind="stable")
    picks = np.linspace(0, len(order) - 1, min(ROWS, len(order))).round().astype(np.int64)
    return np.sort(order[picks])
