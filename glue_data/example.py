"""One row of a task: its text and, where it is known, its label."""

import math
from dataclasses import dataclass

from centrabert.errors import UserError


@dataclass(frozen=True)
class Example:
    """The text of one row, as it stands in the file.

    Attributes:
      text_a: The sentence, or the first of a pair.
      text_b: The second of a pair; "" in a task of single sentences.
      label: A label's name (classification), a score (regression), or None in an unlabelled test file.
    """

    text_a: str
    text_b: str = ""
    label: str | float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.label, float) and not math.isfinite(self.label):
            raise UserError(f"label {self.label} of {self.text_a!r} is not a finite number")
