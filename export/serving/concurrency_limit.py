"""How many requests one protocol answers at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from centrabert.export.serving.errors import ServingError


class Places:
    """So many requests at a time, and no more. A request takes its place when it has arrived whole.

    Attributes:
      taken: By requests that are being answered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    @property
    def left(self) -> int:
        """Places that nobody has taken."""
        return self._most - self.taken

    def check(self) -> None:
        """Raises ServingError if there is none left."""
        if not self.left:
            raise overloaded()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Takes one for as long as the block lasts. Raises ServingError if there is none left."""
        self.check()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


def overloaded() -> ServingError:
    """What a client is told for which there is none."""
    return ServingError("RESOURCE_EXHAUSTED", "overloaded: too many requests at once; try again later")
