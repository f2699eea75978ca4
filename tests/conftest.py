"""What every test runs under: a quiet TensorFlow on the CPU, and property tests that repeat themselves."""

import gc
import os
import signal
from contextlib import nullcontext

import pytest
from absl import logging
from browser import require_browser
from hypothesis import settings
from markers import NOT_QUICK, markers
from plain_sessions import is_plain, plain_sessions
from schedule import Scheduling, rank
from session import session

from centrabert import command

gc.disable()  # until all is imported: looking through it for garbage takes a second
# Read when TensorFlow is first imported, by a test or in a script that one starts.
for name, value in command.TENSORFLOW.items():
    os.environ.setdefault(name, value)
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# The same examples every time, and no deadline: the machine is shared.
REPEATABLE = settings(derandomize=True, deadline=None, database=None)
settings.register_profile("repeatable", REPEATABLE)
settings.register_profile("quick", REPEATABLE, max_examples=20)


def pytest_configure(config):
    settings.load_profile("quick" if config.option.markexpr == NOT_QUICK else "repeatable")


def pytest_ignore_collect(collection_path, config):
    """Files that are left out whole are not even imported."""
    path = collection_path.relative_to(config.rootpath).as_posix()
    left_out = config.option.markexpr == NOT_QUICK and markers(path)
    return True if left_out else None


@pytest.hookimpl(tryfirst=True)  # before pytest selects by -m
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: rank(item.nodeid))
    for item in items:
        for marker in markers(item.nodeid):
            item.add_marker(marker)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish():
    """Graphs are made of millions of objects: looking through them for garbage took a sixth of the time."""
    gc.collect()
    gc.freeze()  # TensorFlow and all that was imported stays anyway
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item):
    require_browser(item)


def pytest_sessionfinish():
    session.close()


@pytest.fixture(scope="module", autouse=True)
def _sessions(request):
    with plain_sessions() if is_plain(request.node.nodeid) else nullcontext():
        yield


@pytest.fixture(autouse=True)
def _signals_stay_as_they_were():
    """Ray changes for good what the whole process does with a signal."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def warnings(monkeypatch):
    """What is logged as a warning."""
    seen: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: seen.append(text % values))
    return seen


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    """RTE in miniature on a BERT in miniature."""
    import tiny_glue  # imports TensorFlow, which many a test can do without

    root = tmp_path_factory.mktemp("tiny")
    return tiny_glue.runner(tiny_glue.bert_folder(root / "bert"), tiny_glue.rte(root / "RTE"))


@pytest.fixture(scope="module")  # its bits depend on whether the module's sessions are plain
def finished(runner, tmp_path_factory):
    """The branch folder of an undisturbed training of `tiny_glue.job`; do not write into it."""
    import tiny_glue

    from centrabert.modeling.training.train_branch import train_branch

    folder = tmp_path_factory.mktemp("finished") / "rte"
    train_branch(tiny_glue.job(runner, folder))
    return folder


@pytest.fixture
def server(caplog):
    """A local server to abuse; nothing may be left in it, nor in the log, which clients could fill."""
    from abused_server import abused_server

    yield abused_server()
    abused_server().check_that_nothing_is_left()
    assert caplog.get_records("call") + caplog.records == []


@pytest.fixture
def impatient(server, monkeypatch):
    """The same with little patience."""
    server.lose_patience(monkeypatch)
    return server
