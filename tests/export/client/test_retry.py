"""How often the client tries and how long it waits, by a clock of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from centrabert.export.client.errors import ModelChanged, Overloaded, RequestError
from centrabert.export.client.retry import STANDARD, Deadline, Retry

BUSY = RequestError("RESOURCE_EXHAUSTED", "busy")


@dataclass
class Time:
    """A clock that only moves when something takes time.

    Attributes:
      pauses: Every sleep.
      left: What each request was told it may take.
    """

    now: float = 100.0
    pauses: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, lambda: self.now)

    def server(self, *answers: str | RequestError, takes: float = 0.0) -> Callable[[float], str]:
        """Gives one answer after the other, each after so many seconds."""
        coming = iter(answers)

        def send(seconds: float) -> str:
            self.left.append(seconds)
            self.now += takes
            answer = next(coming)
            if isinstance(answer, RequestError):
                raise answer
            return answer

        return send


def test_pauses_double_up_to_a_cap() -> None:
    time = Time()
    retry = Retry(tries=7, base=0.5, cap=5.0, random=lambda: 1.0, sleep=time.sleep)
    assert retry.run(time.server(*[BUSY] * 6, "answer"), time.deadline(100.0)) == "answer"
    assert time.pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_pause_is_a_random_share_of_the_longest() -> None:
    time = Time()
    retry = Retry(base=1.0, cap=64.0, random=iter([0.0, 0.125, 0.75]).__next__, sleep=time.sleep)
    retry.run(time.server(BUSY, BUSY, BUSY, "answer"), time.deadline(100.0))
    assert time.pauses == [0.0, 0.25, 3.0]


def test_a_seed_gives_the_same_pauses() -> None:
    def pauses() -> list[float]:
        time = Time()
        retry = Retry(random=Random(5).random, sleep=time.sleep)  # noqa: S311
        retry.run(time.server(*[BUSY] * 5, "answer"), time.deadline(100.0))
        return time.pauses

    assert pauses() == pauses()
    longest = [STANDARD.longest(failures) for failures in range(1, 6)]
    assert longest == [0.05, 0.1, 0.2, 0.4, 0.8]
    assert all(pause < most for pause, most in zip(pauses(), longest, strict=True))


def test_a_thousand_failures_overflow_nothing() -> None:
    assert Retry(tries=5000, cap=3.0).longest(4000) == 3.0


def test_tries_run_out() -> None:
    time = Time()
    busiest = RequestError(
        "UNAVAILABLE", "The batch scheduling queue to which this task was submitted is full"
    )
    with pytest.raises(Overloaded, match=r"UNAVAILABLE: The batch .* full \(after 3 tries\)") as error:
        Retry(tries=3, sleep=time.sleep).run(time.server(BUSY, BUSY, busiest, "answer"), time.deadline(100.0))
    assert error.value.__cause__ is busiest
    assert len(time.pauses) == 2


def test_one_try_is_one_request() -> None:
    time = Time()
    with pytest.raises(Overloaded, match="after 1 try"):
        Retry(tries=1, sleep=time.sleep).run(time.server(BUSY), time.deadline(100.0))
    assert time.pauses == []


def test_every_request_is_told_what_is_left() -> None:
    time = Time()
    retry = Retry(base=1.0, cap=1.0, random=lambda: 0.5, sleep=time.sleep)
    retry.run(time.server(BUSY, BUSY, "answer", takes=2.0), time.deadline(10.0))
    assert time.left == [10.0, 7.5, 5.0]


def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    time = Time()
    retry = Retry(base=1.0, cap=1.0, random=lambda: 0.5, sleep=time.sleep)
    with pytest.raises(Overloaded, match=r"after 2 tries"):
        retry.run(time.server(*[BUSY] * 9, takes=2.0), time.deadline(5.0))
    assert time.pauses == [0.5]


def test_after_the_deadline_no_request_is_sent() -> None:
    time = Time()
    deadline = time.deadline(5.0)
    time.now += 5.0
    with pytest.raises(RequestError, match="DEADLINE_EXCEEDED: no answer within 5 s") as error:
        STANDARD.run(time.server("answer"), deadline)
    assert not error.value.overload
    assert time.left == []


def test_a_cancelled_call_sends_nothing_more() -> None:
    time = Time()
    deadline = time.deadline(5.0)
    retry = Retry(sleep=lambda seconds: deadline.cancel())
    with pytest.raises(RequestError, match="CANCELLED"):
        retry.run(time.server(BUSY, "answer"), deadline)
    assert len(time.left) == 1


@pytest.mark.parametrize(
    "error",
    [
        RequestError("INVALID_ARGUMENT", "busy"),
        RequestError("UNAVAILABLE", "Connection refused"),
        RequestError("DEADLINE_EXCEEDED", "late"),
        RequestError("RESOURCE_EXHAUSTED", "CLIENT: Sent message larger than max (5 vs. 4)"),
        RequestError("RESOURCE_EXHAUSTED", "SERVER: Received message larger than max (5 vs. 4)"),
        RequestError("RESOURCE_EXHAUSTED", "Stream removed (received metadata size exceeds hard limit)"),
        ModelChanged("INVALID_ARGUMENT", "gone"),
        ValueError("a bug"),
    ],
)
def test_nothing_else_is_tried_again(error: Exception) -> None:
    time = Time()

    def send(seconds: float) -> str:
        raise error

    with pytest.raises(type(error)) as raised:
        Retry(sleep=time.sleep).run(send, time.deadline(100.0))
    assert raised.value is error
    assert time.pauses == []


@pytest.mark.parametrize("keys", [{"tries": 0}, {"base": -1.0}, {"base": 2.0, "cap": 1.0}])
def test_impossible_numbers_are_refused(keys: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="need one try"):
        Retry(**keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_a_timeout_is_seconds_above_0(seconds: float) -> None:
    with pytest.raises(ValueError, match="give seconds above 0"):
        Deadline(seconds)
