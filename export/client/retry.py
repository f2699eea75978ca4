"""How long a client waits and how often it tries: one deadline, and backoff where a server is overloaded."""

import math
import random as randomness
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from centrabert.errors import UserError
from centrabert.export.client.errors import Overloaded, RequestError

T = TypeVar("T")


class Deadline:
    """When a call must have ended, all its requests and pauses included.

    Args:
      seconds: From now.
      clock: Seconds since some moment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = check_timeout(seconds)
        self._end = clock() + seconds
        self._cancelled = False

    def cancel(self) -> None:
        """Lets nothing begin any more."""
        self._cancelled = True

    def remaining(self) -> float:
        """Seconds, below 0 when it has passed."""
        return self._end - self._clock()

    def left(self) -> float:
        """Seconds that a request may take, above 0.

        Raises:
          RequestError: DEADLINE_EXCEEDED, or CANCELLED.
        """
        if self._cancelled:
            raise RequestError("CANCELLED", "another request of the same call has failed")
        seconds = self.remaining()
        if seconds <= 0:
            raise RequestError("DEADLINE_EXCEEDED", f"no answer within {self._seconds:g} s")
        return seconds


def check_timeout(seconds: float) -> float:
    """Returns `seconds`; raises UserError unless they are a time to wait."""
    if not 0 < seconds < math.inf:
        raise UserError(f"timeout={seconds}: give seconds above 0")
    return seconds


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter, on overload and nothing else.

    With the defaults the five pauses take 0.8 s on average and 1.55 s at most.

    Attributes:
      tries: At most, the first included; 1 never tries again.
      base: Seconds that the first pause takes at most; each further pause may take twice as long.
      cap: Seconds that any pause takes at most.
      random: Numbers in [0, 1), for the share of the longest pause that is taken.
      sleep: Lets that many seconds pass.
    """

    tries: int = 6
    base: float = 0.05
    cap: float = 1.0
    random: Callable[[], float] = randomness.random
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if self.tries < 1 or not 0 <= self.base <= self.cap:
            raise UserError(
                f"tries={self.tries}, base={self.base}, cap={self.cap}: need one try and 0 <= base <= cap"
            )

    def longest(self, failures: int) -> float:
        """Seconds that the pause after so many failures takes at most."""
        return float(min(self.cap, self.base * 2.0 ** min(failures - 1, 64)))

    def run(self, send: Callable[[float], T], deadline: Deadline) -> T:
        """What `send` returns.

        Args:
          send: Is given the seconds that are left.

        Raises:
          Overloaded: The last try failed as those before, or the pause would outlast the deadline.
          RequestError: `send` failed otherwise, or the deadline has passed.
        """
        failures = 0
        while True:
            try:
                return send(deadline.left())
            except RequestError as error:
                if not error.overload:
                    raise
                failures += 1
                pause = self.random() * self.longest(failures)
                if failures == self.tries or pause >= deadline.remaining():
                    tries = "1 try" if failures == 1 else f"{failures} tries"
                    raise Overloaded(error.code, f"{error.message} (after {tries})") from error
            self.sleep(pause)


STANDARD = Retry()
