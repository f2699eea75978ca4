"""A server that is given new versions while clients keep asking."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from abused_server import eventually
from exported import exported
from running_server import NAME, running, settings

from centrabert.export.server import Server
from centrabert.export.version_loading import load_servable

SENTENCE = {"signature_name": "tone", "instances": ["the dog sees a small bird"]}


def publish(base_path: Path, version: int, change: Callable[[Path], None] = lambda folder: None) -> None:
    """A copy of the exported model under another number, complete when it gets its name."""
    aside = base_path / f"{version}.writing"
    shutil.copytree(exported().version, aside)
    change(aside)
    aside.rename(base_path / str(version))


def wrong_golden(folder: Path) -> None:
    """The model no longer answers as rte did when it was trained."""
    file = folder / "assets.extra" / "golden" / "rte.json"
    golden = json.loads(file.read_text())
    golden["rows"][0]["outputs"][0] += 0.01
    file.write_text(json.dumps(golden))


def url(server: Server, path: str = "") -> str:
    return f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}{path}"


def states(server: Server) -> dict[str, str]:
    found = requests.get(url(server), timeout=20).json()["model_version_status"]
    return {version["version"]: version["state"] for version in found}


def wait_for(server: Server, wanted: dict[str, str]) -> None:
    """Until the versions are in those states; a minute is far more than it takes."""
    for _ in range(1200):
        if (found := states(server)) == wanted:
            return
        time.sleep(0.05)
    pytest.fail(f"the versions are {found}, not {wanted}")


@contextmanager
def asking(server: Server) -> Iterator[list[requests.Response]]:
    """Two clients that ask until the block ends; the answers they got."""
    answers: list[requests.Response] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(requests.post(url(server, ":predict"), json=SENTENCE, timeout=20))
            time.sleep(0.01)  # loading needs the processor too

    with ThreadPoolExecutor(2) as executor:
        clients = [executor.submit(ask) for _ in range(2)]
        try:
            yield answers
        finally:
            stop.set()
        for client in clients:
            client.result(30)  # raises what a request that was dropped raised


def test_versions_change_under_load_without_a_failed_request(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with running(settings(tmp_path)) as server, asking(server) as answers:
        publish(tmp_path, 2)
        wait_for(server, {"2": "AVAILABLE", "1": "END"})
        publish(tmp_path, 3, wrong_golden)
        wait_for(server, {"3": "END", "2": "AVAILABLE", "1": "END"})
        status = requests.get(url(server, "/versions/3"), timeout=20).json()["model_version_status"]
        assert "task rte" in status[0]["status"]["error_message"]
        metrics = requests.get(f"http://127.0.0.1:{server.rest_port}/metrics", timeout=20).text
        assert "\ncentrabert_version 2.0\n" in metrics
        before = len(answers)
        eventually(lambda: len(answers) >= before + 3)
    assert {answer.status_code for answer in answers} == {200}
    texts = {answer.text for answer in answers}
    assert len({json.loads(text)["predictions"][0]["label"] for text in texts}) == 1


def test_a_server_without_a_sound_version_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no version folder"), running(settings(tmp_path)):
        pass
    publish(tmp_path, 1, wrong_golden)
    with pytest.raises(ValueError, match="task rte"), running(settings(tmp_path)):
        pass


def test_a_version_is_loaded_no_further_when_it_is_stopped(tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    limits = settings(tmp_path).limits
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="stopped while it was loaded"):
        load_servable(exported().version, limits, executor, lambda rows: None, stopped)
