"""Open-loop load: requests arrive when they are due, however slow the answers are.

A latency counts from when the request was due, not from when it was sent, so a server that falls behind
cannot hide it (no coordinated omission).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from centrabert.export.serving.errors import ServingError


@dataclass(frozen=True)
class Arrival:
    """A request to come.

    Attributes:
      seconds: After the start.
      tasks: Those it is for, unless the target asks all.
    """

    seconds: float
    tasks: tuple[str, ...]
    text_a: str
    text_b: str


@dataclass(frozen=True)
class Outcome:
    """What became of the arrivals of one run.

    Attributes:
      latencies: Of the answered ones, in milliseconds.
      refused: How many were not answered.
      seconds: From the first arrival to the last answer.
    """

    latencies: np.ndarray
    refused: int
    seconds: float

    def percentile(self, percent: float) -> float:
        """Of all arrivals; a refused one took for ever."""
        all_ = np.concatenate([self.latencies, np.full(self.refused, np.inf)])
        return float(np.percentile(all_, percent, method="higher"))

    @property
    def answered_per_second(self) -> float:
        return len(self.latencies) / self.seconds


Texts = dict[str, Sequence[tuple[str, str]]]
Ask = Callable[[Arrival], Awaitable[None]]  # raises ServingError for what is refused


def arrivals(rate: float, seconds: float, texts: Texts, seed: int, tasks_per_text: int = 1) -> list[Arrival]:
    """Poisson arrivals of so many a second.

    Tasks are equally likely; texts are drawn from those of a request's first task.
    """
    random = np.random.default_rng(seed)
    times = np.cumsum(random.exponential(1 / rate, int(rate * seconds * 1.5) + 20))
    tasks = sorted(texts)
    due = []
    for moment in times[times < seconds]:
        first = tasks[random.integers(len(tasks))]
        text_a, text_b = texts[first][random.integers(len(texts[first]))]
        others = [task for task in tasks if task != first]
        more = random.choice(others, tasks_per_text - 1, replace=False).tolist() if tasks_per_text > 1 else []
        due.append(Arrival(float(moment), (first, *more), text_a, text_b))
    return due


async def run(due: Sequence[Arrival], ask: Ask) -> Outcome:
    """Sends every arrival when it is due."""
    start = time.perf_counter() + 0.05
    answers = await asyncio.gather(*(_answer(arrival, ask, start) for arrival in due))
    latencies = np.array([latency for latency in answers if latency is not None])
    return Outcome(latencies, len(due) - len(latencies), time.perf_counter() - start)


async def _answer(arrival: Arrival, ask: Ask, start: float) -> float | None:
    await asyncio.sleep(max(0.0, start + arrival.seconds - time.perf_counter()))
    try:
        await ask(arrival)
    except ServingError:
        return None
    return 1000 * (time.perf_counter() - start - arrival.seconds)
