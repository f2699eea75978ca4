"""The one-standard-error rule: the cheapest of those that noise cannot tell from the best.

Breiman et al., Classification and Regression Trees, 1984, section 3.4.3.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from centrabert.errors import UserError
from centrabert.search.selection.numerics import billionths


class Measured(Protocol):
    """An Option of one task, or a Choice for all of them."""

    @property
    def quality(self) -> float: ...

    @property
    def standard_error(self) -> float: ...


Candidate = TypeVar("Candidate", bound=Measured)


def parsimonious(candidates: Iterable[Candidate], price: Callable[[Candidate], float]) -> Candidate:
    """The cheapest whose quality is at least the best one's minus the best one's standard error.

    Of equally cheap ones the better, then the first. Of equally good best ones the more certain.

    Raises:
      UserError: There is no candidate.
    """
    given = list(candidates)
    if not given:
        raise UserError("there is no candidate to choose from")
    best = min(given, key=lambda each: (-billionths(each.quality), each.standard_error))
    floor = billionths(best.quality) - billionths(best.standard_error)
    near = [each for each in given if billionths(each.quality) >= floor]
    return min(near, key=lambda each: (price(each), -billionths(each.quality)))
