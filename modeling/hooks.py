"""What watches a training session: progress bar, stop signal, and the check that the trunk stood still."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow.compat.v1 as tf
from tqdm import tqdm

from centrabert.modeling.digest import tensor_digests


class ProgressBar(tf.train.SessionRunHook):
    """Steps done, steps a second and the time to come, on a terminal only."""

    def __init__(self, title: str, num_steps: int) -> None:
        self._title, self._num_steps = title, num_steps

    def after_create_session(self, session: tf.Session, coord: Any) -> None:
        done = int(session.run(tf.train.get_global_step()))
        self._bar = tqdm(
            desc=self._title, total=self._num_steps, initial=done, unit="step", disable=None, leave=False
        )

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._bar.update()

    def end(self, session: tf.Session) -> None:
        self._bar.close()


class Interruption(tf.train.SessionRunHook):
    """Turns the first Ctrl-C or SIGTERM into a stop after the running step, with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *signal_and_frame: object) -> None:
        self.asked = True

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self.asked:
            run_context.request_stop()


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Yields an Interruption that listens; raises KeyboardInterrupt at the end if one was asked for."""
    interruption = Interruption()
    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(number, interruption.ask) for number in numbers]
    except ValueError:  # not the main thread: nobody sends signals here
        yield interruption
        return
    try:
        yield interruption
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    if interruption.asked:
        raise KeyboardInterrupt


class FrozenCheck(tf.train.SessionRunHook):
    """The third lock on the trunk: after training its variables have the digests they came with."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = digests

    def end(self, session: tf.Session) -> None:
        frozen = {v.op.name: v for v in tf.local_variables() if v.op.name in self._digests}
        found = tensor_digests(session.run(frozen))
        if moved := sorted(name for name in self._digests if found.get(name) != self._digests[name]):
            raise RuntimeError(f"frozen variables changed during training: {', '.join(moved)}")
