"""What watches a training session: what is saved, the progress bar, the stop signal, and the frozen trunk."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from signal import SIGINT, SIGTERM
from types import FrameType
from typing import Any

import tensorflow.compat.v1 as tf
from tqdm import tqdm

from centrabert.modeling.digest import tensor_digests


class EvenSaver(tf.train.CheckpointSaverHook):
    """Saves at multiples of `save_steps`, also after a run was resumed in between."""

    def __init__(self, folder: str, save_steps: int, **arguments: Any) -> None:
        super().__init__(folder, save_steps=save_steps, **arguments)
        self._save_steps = save_steps

    def after_create_session(self, session: tf.Session, coord: Any) -> None:
        super().after_create_session(session, coord)
        step = int(session.run(self._global_step_tensor))
        self._timer.update_last_triggered_step(step // self._save_steps * self._save_steps)


class SummarySaver(tf.train.SummarySaverHook):
    """Fetches summaries at every step, though it writes few: a second set of fetches costs a graph."""

    def before_run(self, run_context: Any) -> Any:
        super().before_run(run_context)
        fetched = {"global_step": self._global_step_tensor, "summary": self._get_summary_op()}
        return tf.train.SessionRunArgs(fetched)


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
    """Turns a signal into a stop after the running step, with a checkpoint.

    Attributes:
      signal: The number of the last signal, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def notice(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:  # asked twice: no step or evaluation is waited for
            raise KeyboardInterrupt
        del frame
        self.signal = number

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self.signal is not None:
            run_context.request_stop()


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Yields an Interruption that notices Ctrl-C and SIGTERM; at its end their own handlers are asked.

    Raises:
      KeyboardInterrupt: A signal came, and its own handler raised nothing else.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread can catch signals
        return
    handlers = {int(number): signal.signal(number, interruption.notice) for number in (SIGINT, SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if interruption.signal is not None:
        handler = handlers[interruption.signal]
        if callable(handler):
            handler(interruption.signal, None)
        raise KeyboardInterrupt


class FrozenCheck(tf.train.CheckpointSaverListener):
    """The third lock on the trunk: whenever training saves, its variables have the digests they came with."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = digests

    def before_save(self, session: tf.Session, global_step_value: int) -> None:
        frozen = {v.op.name: v for v in tf.local_variables() if v.op.name in self._digests}
        found = tensor_digests(session.run(frozen))
        if moved := sorted(name for name in self._digests if found.get(name) != self._digests[name]):
            raise RuntimeError(f"frozen variables changed during training: {', '.join(moved)}")
