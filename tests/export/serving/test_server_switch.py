"""A server that is given new versions while clients keep asking."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import requests
from exported import small
from grpc_requests import TEXT_A, message
from running_server import NAME, running, settings
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from waiting import eventually

from centrabert.export.local_server import Server
from centrabert.export.serving.version_loader import load_servable

SENTENCE = {"signature_name": "tone", "instances": ["the dog sees a small bird"]}


def publish(base_path: Path, version: int, change: Callable[[Path], None] = lambda folder: None) -> None:
    """A copy of the exported model under another number, complete when it gets its name."""
    aside = base_path / f"{version}.writing"
    shutil.copytree(small().version, aside)
    change(aside)
    aside.rename(base_path / str(version))


def wrong_golden(folder: Path) -> None:
    """The model no longer answers as rte did when it was trained."""
    file = folder / "assets.extra" / "golden" / "rte.json"
    golden = json.loads(file.read_text())
    golden["rows"][0]["outputs"]["probabilities"][0] += 0.01
    file.write_text(json.dumps(golden))


def url(server: Server, path: str = "") -> str:
    return f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}{path}"


def states(server: Server) -> dict[str, str]:
    found = requests.get(url(server), timeout=20).json()["model_version_status"]
    return {version["version"]: version["state"] for version in found}


def wait_for(server: Server, wanted: dict[str, str]) -> None:
    """Until the versions are in those states."""
    eventually(lambda: states(server) == wanted)


class Asking:
    """A client of each protocol that asks until the block ends, which raises what a dropped request raised.

    Attributes:
      rest: The answers over HTTP.
      grpc: Over gRPC.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.rest: list[requests.Response] = []
        self.grpc: list[PredictResponse] = []

    @contextmanager
    def both(self) -> Iterator[None]:
        with ThreadPoolExecutor(2) as executor:
            clients = [executor.submit(self._ask_rest), executor.submit(self._ask_grpc)]
            try:
                yield
            finally:
                self._stop.set()
            for client in clients:
                client.result(30)

    def _ask_rest(self) -> None:
        while not self._stop.wait(0.01):  # loading needs the processor too
            self.rest.append(requests.post(url(self._server, ":predict"), json=SENTENCE, timeout=20))

    def _ask_grpc(self) -> None:
        request = message("tone", {"text_a": TEXT_A[:1]})
        with grpc.insecure_channel(f"127.0.0.1:{self._server.port}") as channel:
            while not self._stop.wait(0.01):
                self.grpc.append(PredictionServiceStub(channel).Predict(request, 20))


def test_versions_change_under_load_without_a_failed_request(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with running(settings(tmp_path)) as server, (asking := Asking(server)).both():
        publish(tmp_path, 2)
        wait_for(server, {"2": "AVAILABLE", "1": "END"})
        publish(tmp_path, 3, wrong_golden)
        wait_for(server, {"3": "END", "2": "AVAILABLE", "1": "END"})
        status = requests.get(url(server, "/versions/3"), timeout=20).json()["model_version_status"]
        assert "task rte" in status[0]["status"]["error_message"]
        metrics = requests.get(f"http://127.0.0.1:{server.rest_port}/metrics", timeout=20).text
        assert "\ncentrabert_version 2.0\n" in metrics
        for answers in (asking.rest, asking.grpc):
            before = len(answers)
            eventually(lambda answers=answers, before=before: len(answers) >= before + 3)
    assert {answer.status_code for answer in asking.rest} == {200}
    versions = [answer.model_spec.version.value for answer in asking.grpc]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}
    labels = [json.loads(answer.text)["predictions"][0]["label"] for answer in asking.rest]
    labels += [answer.outputs["label"].string_val[0].decode() for answer in asking.grpc]
    assert len(set(labels)) == 1


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
        load_servable(small().version, limits, executor, lambda rows: None, stopped)
