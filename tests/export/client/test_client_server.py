"""The client against the local server: the answers that run_predict gives."""

from collections.abc import Iterator

import pytest
import tiny
from exported import predictor
from running_server import NAME, shared_server

from centrabert.export.client.client import Client, Row
from centrabert.export.client.errors import RequestError
from centrabert.export.engine.text_prediction import answer_texts
from centrabert.modeling.kinds.classification import Classification
from centrabert.modeling.kinds.regression import Score
from centrabert.modeling.kinds.task_kind import Answer

TASKS = {branch.task.name: branch.task for branch in tiny.BRANCHES}


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    server = shared_server()
    made = (
        Client.grpc(f"127.0.0.1:{server.port}", model=NAME, timeout=30.0)
        if request.param == "grpc"
        else Client.rest(f"http://127.0.0.1:{server.rest_port}", model=NAME, timeout=30.0)
    )
    with made as client:
        yield client


def same(found: Answer, name: str, text_a: str, text_b: str) -> None:
    """As run_predict answers one row."""
    (answers,) = answer_texts(predictor(), [TASKS[name]], [(text_a, text_b)], 1)
    expected = answers[name]
    if isinstance(found, Score):
        assert found.value == pytest.approx(expected["score"], rel=1e-5, abs=2e-6)
    else:
        assert isinstance(found, Classification)
        assert found.label == expected["label"]
        assert found.probabilities == pytest.approx(
            list(expected["probabilities"].values()), rel=1e-5, abs=2e-6
        )


@pytest.mark.parametrize("name", sorted(TASKS))
def test_one_task(client: Client, name: str) -> None:
    text_b = tiny.TEXT_B[0] if TASKS[name].pair else None
    same(client.ask(name, tiny.TEXT_A[0], text_b), name, tiny.TEXT_A[0], text_b or "")


def test_all_tasks_and_many_rows(client: Client) -> None:
    answers = client.ask_all(tiny.TEXT_A[0], tiny.TEXT_B[0])
    assert answers.keys() == TASKS.keys()
    for name, answer in answers.items():
        same(answer, name, tiny.TEXT_A[0], tiny.TEXT_B[0])
    pairs = list(zip(tiny.TEXT_A, tiny.TEXT_B, strict=True)) * 6
    rows = [Row(text_a, text_b, tasks=("rte", "sim")) for text_a, text_b in pairs]
    for (text_a, text_b), found in zip(
        pairs, client.ask_batch(rows, batch_size=7, concurrency=3), strict=True
    ):
        assert found.keys() == {"rte", "sim"}
        same(found["rte"], "rte", text_a, text_b)
        same(found["sim"], "sim", text_a, text_b)


def test_what_is_wrong_is_told(client: Client) -> None:
    with pytest.raises(ValueError, match=r"nli.*rte, rte2, sim, tone, whole"):
        client.ask("nli", "one", "two")
    with pytest.raises(RequestError, match="1001 bytes, more than 1000") as error:
        client.ask("tone", "x" * 1001)
    assert error.value.code == "INVALID_ARGUMENT"
