"""Rows that are known to be broken in an official file: the only ones a reader may skip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from centrabert.errors import UserError


@dataclass(frozen=True)
class KnownDefect:
    """A defect of a published file, narrow enough that no other mistake passes for it.

    Attributes:
      what: One phrase for the log.
      matches: Whether a row of the wrong width, given as its fields, has the defect.
      limit: The most such rows that the published file has; more mean that the file is another one.
    """

    what: str
    matches: Callable[[Sequence[str]], bool]
    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise UserError(f"a known defect of {self.limit} rows is none")


def is_half_of_a_pair(fields: Sequence[str]) -> bool:
    """Whether a short row is one side of a line break inside a quoted question.

    The break stands between an opening and a closing double quote, so each side has an odd number of them.
    """
    return len(fields) in range(2, 6) and sum(field.count('"') for field in fields) % 2 == 1


# Quora's release has 404,290 pairs on 404,301 lines: in 11 pairs a quoted question runs over two lines. GLUE
# first split those lines as they were, 363,870 into train and 40,431 into dev; readers that want six columns
# find 363,849 and 40,430 there, which leaves the 22 halves. The halves of a pair are not neighbours any more
# (nyu-mll/GLUE-baselines issue 5 shows one), so they cannot be joined. The later archive, "QQP-clean", has
# 363,846 rows and should have no halves. These are published figures; we have counted neither archive.
QUORA_HALVES = KnownDefect(
    "halves of a pair broken by a line break in Quora's release", is_half_of_a_pair, 22
)
