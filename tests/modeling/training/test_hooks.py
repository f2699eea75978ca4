"""What watches a training session: the progress bar, the stop by a signal, the frozen trunk."""

import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf2
import tensorflow.compat.v1 as tf
from tqdm import tqdm

from centrabert.modeling import checkpoint
from centrabert.modeling.digest import tensor_digest, tensor_digests
from centrabert.modeling.training import hooks
from centrabert.modeling.training.estimator import Estimator, EstimatorSpec, Params, RunConfig, Tensors
from centrabert.modeling.training.hooks import (
    FrozenCheck,
    Interruption,
    ProgressBar,
    SummarySaver,
    interruptible,
)

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
    """Adds 1 to `w` in each step; `trunk` stands still unless params say otherwise."""
    weights = tf.get_variable("w", initializer=0.0, use_resource=True)
    trunk = tf.get_variable(
        "trunk", initializer=[1.0, 2.0], trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES]
    )
    move = trunk.assign_add([0.0, params["trunk_moves"]])
    with tf.control_dependencies([weights.assign_add(1), move]):
        train_op = tf.train.get_global_step().assign_add(1, read_value=False)
    return EstimatorSpec(mode, loss=tf.reduce_sum(features["x"]), train_op=train_op)


def input_fn(params: Params) -> tf2.data.Dataset:
    return tf2.data.Dataset.from_tensors({"x": [0.0]}).repeat()


def train(
    folder: Path, max_steps: int, watching: list[Any], trunk_moves: float = 0.0, listening: Sequence[Any] = ()
) -> None:
    estimator = Estimator(model_fn, RunConfig(folder), {"trunk_moves": trunk_moves})
    estimator.train(input_fn, max_steps, watching, listening)


def saved(folder: Path) -> dict[str, float]:
    tensors = checkpoint.read(Path(tf.train.latest_checkpoint(str(folder))))
    return {name: float(tensor) for name, tensor in tensors.items()}


class Send(tf.train.SessionRunHook):
    """Sends this process a signal after step `step`."""

    def __init__(self, number: signal.Signals, step: int) -> None:
        self._number, self._left = number, step

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), self._number)


@pytest.fixture(params=SIGNALS, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> signal.Signals:
    chosen: signal.Signals = request.param
    return chosen


@pytest.fixture(autouse=True)
def handlers_are_put_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_stops_training_with_a_checkpoint(number: signal.Signals, tmp_path: Path) -> None:
    """After the running step; the same call then goes on from there."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # the default would end this process
    try:
        with pytest.raises(KeyboardInterrupt), interruptible() as interruption:
            train(tmp_path, 100, [Send(number, 3), interruption])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert saved(tmp_path) == {"w": 3, "global_step": 3}
    with interruptible() as interruption:
        train(tmp_path, 5, [interruption])
    assert saved(tmp_path) == {"w": 5, "global_step": 5}


def test_the_own_handler_of_a_signal_is_asked_at_the_end(number: signal.Signals) -> None:
    """Which may raise what it likes, as that of the scripts' SIGTERM does."""
    calls = []
    before = signal.signal(number, lambda given, frame: calls.append(given))
    try:
        with pytest.raises(KeyboardInterrupt), interruptible() as interruption:
            os.kill(os.getpid(), number)
            assert interruption.signal == number
            assert calls == []
    finally:
        signal.signal(number, before)
    assert calls == [number]


def test_an_ignored_signal_stops_too(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), interruptible():
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, before)


def test_an_error_is_not_hidden_by_a_signal() -> None:
    with pytest.raises(ValueError, match="diverged"), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("diverged")


def test_without_a_signal_nothing_stops(tmp_path: Path) -> None:
    with interruptible() as interruption:
        train(tmp_path, 4, [interruption])
    assert saved(tmp_path) == {"w": 4, "global_step": 4}


def test_another_thread_cannot_be_interrupted() -> None:
    """Python lets the main thread alone catch signals: the block runs as it is."""
    found: list[Interruption] = []

    def work() -> None:
        with interruptible() as interruption:
            found.append(interruption)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [interruption.signal for interruption in found] == [None]


TRUNK = tensor_digests({"trunk": np.array([1, 2], np.float32)})


def test_frozen_check_passes_what_stood_still(tmp_path: Path) -> None:
    train(tmp_path, 3, [], listening=[FrozenCheck(TRUNK)])
    assert saved(tmp_path)["global_step"] == 3


def test_frozen_check_sees_the_smallest_move(tmp_path: Path) -> None:
    """One bit of one element."""
    least = float(np.spacing(np.float32(2)))
    with pytest.raises(RuntimeError, match=r"frozen variables changed during training: trunk$"):
        train(tmp_path, 1, [], least, [FrozenCheck(TRUNK)])


def test_frozen_check_misses_no_variable(tmp_path: Path) -> None:
    """A variable that the graph lacks, or trains, is not the frozen one it should be."""
    digests = {**TRUNK, "w": tensor_digest(np.zeros([], np.float32)), "lost": "0" * 64}
    with pytest.raises(RuntimeError, match=r"training: lost, w$"):
        train(tmp_path, 1, [], listening=[FrozenCheck(digests)])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_bar_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts at the step that training starts from, and ends at the last."""
    train(tmp_path, 2, [])
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(hooks, "tqdm", partial(tqdm, mininterval=0))  # shows every step
    train(tmp_path, 5, [ProgressBar("rte 3+2", 5)])
    assert re.findall(r"rte 3\+2: +\d+%.*? (\d)/5", terminal.getvalue()) == ["2", "3", "4", "5"]


def test_no_progress_bar_in_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    train(tmp_path, 3, [ProgressBar("rte 3+2", 3)])
    assert "rte" not in log.getvalue()


def test_every_step_fetches_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow rewrites the graph for each set of fetches, which takes longer than many a small step."""
    asked: list[str] = []
    before_run = SummarySaver.before_run

    def listened(self: SummarySaver, run_context: Any) -> Any:
        asked.append(str(before_run(self, run_context)))
        return before_run(self, run_context)

    monkeypatch.setattr(SummarySaver, "before_run", listened)
    estimator = Estimator(model_fn, RunConfig(tmp_path, save_summary_steps=2), {"trunk_moves": 0.0})
    estimator.train(input_fn, 5)
    assert len(asked) == 5 and len(set(asked)) == 1
