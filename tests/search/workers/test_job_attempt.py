"""What needs no Ray cluster to be seen: attempts, how many jobs nodes hold, addresses without a cluster."""

import _thread
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from signal import SIGINT, Signals

import fake_search
import pytest

from centrabert.search.jobs.job_folder import LOG, prepare
from centrabert.search.strategy.search_space import teachers
from centrabert.search.workers.job_attempt import Attempt, AttemptResult, StopRequest, run_attempt
from centrabert.search.workers.ray_cluster import ResourceRequest, connect
from centrabert.search.workers.ray_pool import wait_for_file

SPECS = teachers(fake_search.SPACE)
NODE = socket.gethostname()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_file_that_comes_late_is_awaited(tmp_path: Path) -> None:
    file = tmp_path / "late"
    assert not wait_for_file(file, seconds=0)
    writer = threading.Timer(0.3, file.touch)
    writer.start()
    assert wait_for_file(file)
    writer.join()


@pytest.mark.parametrize(
    ("needs", "jobs"),
    [
        (ResourceRequest(1), 3 + 8),
        (ResourceRequest(2), 1 + 4),
        (ResourceRequest(0.1), 30 + 80),
        (ResourceRequest(1, 1), 2),
        (ResourceRequest(1, 0.3), 6),
        (ResourceRequest(8, 1), 1),
        (ResourceRequest(9), 0),
    ],
)
def test_nodes_hold_so_many_jobs(needs: ResourceRequest, jobs: int) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 3.0, "memory": 5.0}},
        {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}},
        {"Alive": True, "Resources": {"GPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 16.0, "GPU": 16.0}},
    ]
    assert needs.times(nodes) == jobs


def test_an_address_that_is_silent_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        message = f"--ray_address={address}: no Ray cluster to be had there (no answer in 3 seconds); start"
        with pytest.raises(ValueError, match=re.escape(message)):
            connect(address, timeout=3)


def test_an_address_that_is_none_is_told_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^--ray_address=nowhere: .*Invalid address format: nowhere\)"):
        connect("nowhere", timeout=60)


def test_ray_is_asked_for_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=re.escape("Ray is not installed; pip install 'centrabert[ray]'")):
        connect("auto")


def test_a_node_uses_its_own_python(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SPECS[0])
    attempt = Attempt(("/elsewhere/python", "-c", "print('ran')"), folder, "/elsewhere/python", folder)
    assert run_attempt(attempt).error == f"ran (exit code 0; see {folder / LOG})"


class WatchedRequest(StopRequest):
    """Tells how often it has been set, and how often it has been read since.

    It is counted as set when all else is done, for another thread interrupts the setter then.
    """

    sets = reads = 0
    _signal: Signals | None = None

    @property
    def signal(self) -> Signals | None:
        self.reads += 1
        return self._signal

    @signal.setter
    def signal(self, value: Signals | None) -> None:
        self._signal, self.reads = value, 0
        self.sets += 1


def test_an_interruption_is_passed_on_once(tmp_path: Path) -> None:
    """Ray may cancel twice, and a second SIGTERM would interrupt the writing of the checkpoint."""
    signal.signal(SIGINT, signal.default_int_handler)  # tests run in the background ignore it
    folder, stop = prepare(tmp_path, SPECS[0]), WatchedRequest()
    program = f"""
import os, signal, sys, time
seen = []
signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
print("ready", flush=True)
while not os.path.exists({str(folder / "end")!r}): time.sleep(0.01)
sys.exit(f"{{len(seen)}} SIGTERM")
"""

    def interrupt() -> None:
        try:
            wait_until(lambda: (folder / LOG).exists() and "ready" in (folder / LOG).read_text())
            # It is read once before the process is started, which may be slower to return than the process.
            wait_until(lambda: stop.reads >= 3)
            for sets in (stop.sets + 1, stop.sets + 2):
                _thread.interrupt_main()
                # The loop reads it three times where it sends it, else twice: 5 are more than one round.
                wait_until(partial(lambda wanted: stop.sets == wanted and stop.reads >= 5, sets))
        finally:
            (folder / "end").touch()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    ending = run_attempt(Attempt((sys.executable, "-c", program), folder, sys.executable, folder), stop)
    interrupter.join()
    assert ending.error == f"1 SIGTERM (exit code 1; see {folder / LOG})"


def test_a_program_that_a_node_lacks_is_told(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SPECS[0])
    ending = run_attempt(Attempt(("/elsewhere/program",), folder, sys.executable, folder))
    assert ending.error == f"node {NODE}: [Errno 2] No such file or directory: '/elsewhere/program'"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_request_to_stop_is_passed_on(tmp_path: Path, number: Signals) -> None:
    """From another thread, as a local pool does; a process that has not begun by then never begins."""
    folder, stop = prepare(tmp_path, SPECS[0]), StopRequest()
    attempt = Attempt(
        (sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(60)"), folder
    )
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(run_attempt, attempt, stop)
        wait_until(lambda: (folder / LOG).exists() and "ready" in (folder / LOG).read_text())
        stop.signal = number
        assert result.result() == AttemptResult(death=number.name)
    (folder / LOG).unlink()
    assert run_attempt(attempt, stop) == AttemptResult(death=number.name)
    assert not (folder / LOG).exists()
