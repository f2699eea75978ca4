"""The version that commit 78db6b1 exported is served: gRPC and REST give the client the answers of then."""

import shutil
from collections.abc import Iterator

import pytest
from kept import KEPT, SERVED, read
from running_server import NAME, running, settings

from centrabert.export.client.client import Client
from centrabert.export.local_server import Server
from centrabert.modeling.kinds.classification import Classification
from centrabert.modeling.kinds.regression import Score


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    base_path = tmp_path_factory.mktemp("serving")
    shutil.copytree(KEPT / "serving/1", base_path / "1")
    with running(settings(base_path)) as server:
        yield server


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_kept_version_is_served(server: Server, protocol: str) -> None:
    with (
        Client.grpc(f"127.0.0.1:{server.port}", model=NAME, timeout=30.0)
        if protocol == "grpc"
        else Client.rest(f"http://127.0.0.1:{server.rest_port}", model=NAME, timeout=30.0)
    ) as client:
        assert sorted(client.tasks()) == sorted(SERVED)
        for task in SERVED:
            check(client, task)


def check(client: Client, task: str) -> None:
    kept = read("answers.json")[f"{task} of {task}"]
    for row, keys in enumerate(read(f"merged/golden/{task}.json")["rows"]):
        text_a, text_b = keys["text_a"], keys["text_b"]
        for answer in (client.ask(task, text_a, text_b), client.ask_all(text_a, text_b)[task]):
            if isinstance(answer, Score):
                assert answer.value == pytest.approx(kept["score"][row], abs=1e-5)
            else:
                assert isinstance(answer, Classification)
                assert answer.label == kept["label"][row]
                assert answer.probabilities == pytest.approx(kept["probabilities"][row], abs=1e-5)
