"""A server that cannot start: told at once, before anything is loaded, and nothing is left of it."""

import asyncio
import gc
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exported import small
from running_server import settings

from centrabert.errors import UserError
from centrabert.export import local_server
from centrabert.export.local_server import Server, ServerSettings, free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def failed_start(chosen: ServerSettings) -> str:
    """The message of the failure."""

    async def start() -> None:
        await Server(chosen).start()

    with pytest.raises(UserError) as error:
        asyncio.run(start())
    return str(error.value)


@pytest.mark.parametrize("port", ["port", "rest_port"])
def test_a_taken_port_is_told_before_anything_is_loaded(
    port: str, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: Any) -> None:
        raise AssertionError("a version was loaded")

    monkeypatch.setattr(local_server, "load_servable", load)
    flag = {"port": "port", "rest_port": "rest_api_port"}[port]
    message = failed_start(replace(settings(small().version.parent), **{port: taken}))
    assert message == f"--{flag}={taken}: cannot listen at 127.0.0.1: Address already in use"


def test_an_address_that_is_not_there_is_told() -> None:
    message = failed_start(replace(settings(small().version.parent), host="192.0.2.1", port=8500))
    assert message.startswith("--port=8500: cannot listen at 192.0.2.1: ")
    message = failed_start(replace(settings(small().version.parent), host="no.such.host.invalid"))
    assert message.startswith("--port=0: cannot listen at no.such.host.invalid: ")


@pytest.mark.parametrize("port", ["port", "rest_port"])
def test_a_port_that_is_taken_meanwhile_is_told_and_nothing_else(
    port: str,
    taken: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line: no traceback of what was started before, and nothing is left to run."""
    monkeypatch.setattr(local_server, "free_port", free_port_that_sees_nothing)
    caplog.set_level(logging.ERROR)
    gc.collect()
    caplog.clear()  # what other tests left
    message = failed_start(replace(settings(small().version.parent), **{port: taken}))
    assert f"={taken}: cannot listen at 127.0.0.1: " in message
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err
    assert caplog.records == []


def free_port_that_sees_nothing(flag: str, host: str, port: int) -> Any:
    return free_port(flag, host, 0)


def test_a_port_that_is_kept_is_not_listened_to() -> None:
    """So that a client does not wait for a server that still loads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with free_port("port", "127.0.0.1", port), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        pass
