"""The local server over REST: the same answers as the SavedModel's, and TF Serving's documents."""

import asyncio
import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import pytest
import requests
import tiny
from exported import exported, predictor
from grpc_requests import PIECES, TASKS, TEXT_A, TEXT_B, TEXTS
from prometheus_client.parser import text_string_to_metric_families
from rest_requests import Arrays, arrays, columns, post, refusal, rows, same, url
from running_server import NAME, shared_server

from centrabert.export.contract.models_config import DesiredVersions
from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.page.page import content_security_policy, page
from centrabert.export.rest import http_server, rest_api
from centrabert.export.rest.json_codec import read_body
from centrabert.export.serving.metrics import ServingMetrics
from centrabert.export.serving.prediction_service import PredictionService
from centrabert.export.serving.version_manager import ModelVersions
from centrabert.merge.merged_folder import read_manifest

SIGNATURES = [
    ("serving_default", TEXTS),
    ("describe", {"text_a": TEXT_A}),
    ("route", {**TEXTS, "tasks": TASKS}),
    ("route_ids", {**PIECES, "tasks": TASKS}),
    *[(branch.task.name, TEXTS if branch.task.pair else {"text_a": TEXT_A}) for branch in tiny.BRANCHES],
    *[(f"{branch.task.name}_ids", PIECES) for branch in tiny.BRANCHES],
]
MODEL = f"/v1/models/{NAME}"


@dataclass(frozen=True, eq=False)
class Served:
    """What the page asks of a version."""

    number: int
    manifest: str


@pytest.mark.parametrize("request_", [rows, columns])
@pytest.mark.parametrize(("signature", "inputs"), SIGNATURES)
def test_every_signature_answers_as_the_saved_model(
    request_: Callable[[str, Arrays], dict[str, Any]], signature: str, inputs: Arrays
) -> None:
    found = arrays(signature, post(request_(signature, inputs)))
    same(found, predictor().predict(signature, inputs))


def test_every_signature_was_asked() -> None:
    assert {name for name, _ in SIGNATURES} == set(predictor().signatures)


def test_an_unknown_task_is_a_row_of_its_own_in_route() -> None:
    """The others of its batch are answered."""
    found = arrays("route", post(rows("route", {**TEXTS, "tasks": TASKS})))
    assert found["unknown"].tolist() == [b"", b"", b"", b"nonsense", b""]
    assert found["tone/asked"].tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    "body",
    [
        {"signature_name": "tone", "instances": tiny.TEXT_A},
        {"signature_name": "tone", "inputs": tiny.TEXT_A},
        {
            "signature_name": "tone",
            "instances": [{"b64": base64.b64encode(text).decode()} for text in TEXT_A],
        },
        {"signature_name": "tone", "instances": [{"text_a": text} for text in tiny.TEXT_A], "other": 1},
    ],
)
def test_the_name_of_a_single_input_may_be_left_out(body: dict[str, object]) -> None:
    same(arrays("tone", post(body)), predictor().predict("tone", {"text_a": TEXT_A}))


def test_the_name_of_a_single_output_is_left_out() -> None:
    expected = predictor().predict("sim", TEXTS)["score"]
    for request_, key in ((rows, "predictions"), (columns, "outputs")):
        np.testing.assert_allclose(post(request_("sim", TEXTS)).json()[key], expected, atol=2e-6)


@pytest.mark.parametrize("body", [{"instances": [{"text_a": "one", "text_b": ""}]}, {"signature_name": ""}])
def test_without_a_signature_the_default_answers(body: dict[str, object]) -> None:
    found = post({"instances": [{"text_a": "one", "text_b": ""}], **body}).json()["predictions"]
    assert [set(row) for row in found] == [set(predictor().signatures["serving_default"].outputs)]


@pytest.mark.parametrize(
    "path",
    [f"{MODEL}/versions/1:predict", "/V1/Models/tiny:predict", "/v1/models/t%69ny/versions/0001:predict"],
)
def test_addresses_of_the_same_model(path: str) -> None:
    inputs = {"text_a": TEXT_A}
    same(arrays("tone", post(rows("tone", inputs), path)), predictor().predict("tone", inputs))


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "no/such; charset=x", None]
)
def test_the_type_of_the_content_is_nothing(kind: str | None) -> None:
    response = post(rows("tone", {"text_a": TEXT_A}), headers={"Content-Type": kind})
    same(arrays("tone", response), predictor().predict("tone", {"text_a": TEXT_A}))


def test_requests_of_all_kinds_at_once_answer_as_alone() -> None:
    def check(number: int) -> None:
        signature, inputs = SIGNATURES[number % len(SIGNATURES)]
        row = {name: array[number % 5 : number % 5 + 1] for name, array in inputs.items()}
        found = arrays(signature, post((rows, columns)[number % 2](signature, row)))
        same(found, predictor().predict(signature, row))

    with ThreadPoolExecutor(10) as clients:
        list(clients.map(check, range(60)))


def test_status() -> None:
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in (MODEL, f"{MODEL}/versions/1"):
        response = requests.get(url(path), timeout=20)
        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == {"model_version_status": [status]}


def test_metadata_is_what_tf_serving_prints() -> None:
    for path in (f"{MODEL}/metadata", f"{MODEL}/versions/1/metadata"):
        document = requests.get(url(path), timeout=20).json()
        assert document["model_spec"] == {"name": NAME, "signature_name": "", "version": "1"}
        assert list(document["metadata"]) == ["signature_def"]
        signatures = document["metadata"]["signature_def"]["signature_def"]
        assert set(signatures) == set(predictor().signatures)
        assert signatures["tone"]["method_name"] == "tensorflow/serving/predict"
        assert signatures["tone"]["defaults"] == {}
        assert signatures["tone"]["inputs"]["text_a"] == {
            "dtype": "DT_STRING",
            "name": predictor().signature_defs["tone"].inputs["text_a"].name,
            "tensor_shape": {"dim": [{"name": "", "size": "-1"}], "unknown_rank": False},
        }
        sizes = signatures["tone"]["outputs"]["probabilities"]["tensor_shape"]["dim"]
        assert [size["size"] for size in sizes] == ["-1", "4"]


def test_a_label_is_as_good_as_the_number_of_its_version() -> None:
    server = shared_server()
    (version,) = server.versions.available

    def poll() -> DesiredVersions:
        return DesiredVersions(((1,),), {"stable": 1})

    async def ask(method: str, path: str) -> Any:
        versions = ModelVersions(NAME, exported().version.parent, poll, lambda folder, *_: version.servable)
        await versions.update()
        service = PredictionService(versions, ServingMetrics())
        address = rest_api.read_address(method, path)
        if address.action != rest_api.PREDICT:
            return json.loads(rest_api.describe(service, address))
        body = read_body(json.dumps(rows("sim", TEXTS)).encode())
        return json.loads(await rest_api.predict(service, address, body, 20.0))

    for method, action in (("GET", ""), ("GET", "/metadata"), ("POST", ":predict")):
        found = [
            asyncio.run_coroutine_threadsafe(
                ask(method, f"{MODEL}/{place}{action}"), server.http._listener.get_loop()
            ).result(20)
            for place in ("labels/stable", "versions/1")
        ]
        assert found[0] == found[1]


def counts() -> dict[tuple[str, str], float]:
    """Requests so far, by task and code."""
    response = requests.get(url("/metrics"), timeout=20)
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    assert families["centrabert_waiting_rows"].samples[0].value == 0
    assert families["centrabert_version"].samples[0].value == 1
    return {
        (sample.labels["task"], sample.labels["code"]): sample.value
        for sample in families["centrabert_requests"].samples
        if sample.name == "centrabert_requests_total"
    }


def test_metrics_count_requests_by_task_and_code() -> None:
    before = counts()
    post(rows("tone", {"text_a": TEXT_A}))
    post(columns("route", {"text_a": TEXT_A[:2], "text_b": TEXT_B[:2], "tasks": TASKS[[0, 2]]}))
    post(columns("tone", {"text_a": TEXT_A, "text_b": TEXT_A}))
    post(b"no JSON")
    post({"signature_name": "nonsense", "inputs": []})
    post(rows("tone", {"text_a": TEXT_A}), "/v1/models/other:predict")
    after = counts()
    assert {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)} == {
        ("tone", "OK"): 2,
        ("rte", "OK"): 1,
        ("sim", "OK"): 1,
        ("", "INVALID_ARGUMENT"): 2,
        ("", "FAILED_PRECONDITION"): 1,
        ("", "NOT_FOUND"): 1,
    }


def test_health() -> None:
    assert requests.get(url("/healthz"), timeout=20).text == "ok\n"


def test_the_page() -> None:
    response = requests.get(url("/"), timeout=20)
    assert response.text == page(read_manifest(exported().version / EXTRA), NAME)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == content_security_policy(response.text)


def test_the_page_is_made_once_for_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it however often has nothing drawn but the first time.

    A version that was removed may come back with the same number and be another.
    """
    versions = SimpleNamespace(name=NAME, served=Served(1, "one"))
    versions.acquire = lambda number, label: nullcontext(versions.served)
    made: list[str] = []
    monkeypatch.setattr(
        http_server, "page", lambda manifest, name: made.append(manifest) or f"{name} {manifest}"
    )

    async def ask() -> list[str]:
        http = http_server.HttpServer(
            cast(PredictionService, SimpleNamespace(versions=versions)), 20.0, 1000, 10
        )
        address = f"http://127.0.0.1:{await http.listen('127.0.0.1', 0)}/"
        texts = []
        one, two, other = Served(1, "one"), Served(2, "two"), Served(2, "other")
        for versions.served in (one, one, two, two, other, one):
            texts.append((await asyncio.to_thread(requests.get, address, timeout=20)).text)
        await http.stop(0.1)
        return texts

    shown = ("one", "one", "two", "two", "other", "one")
    assert asyncio.run(ask()) == [f"{NAME} {each}" for each in shown]
    assert made == ["one", "two", "other"]


def test_the_page_may_ask_and_pages_of_others_may_not() -> None:
    body = rows("tone", {"text_a": TEXT_A})
    origin = url("")
    assert post(body, headers={"Origin": origin}).status_code == 200
    behind_nginx = {"Origin": "https://nlp.example", "Sec-Fetch-Site": "same-origin"}
    assert post(body, headers=behind_nginx).status_code == 200
    for headers, text in (
        (
            {"Origin": "http://evil.example"},
            "a page of http://evil.example may not use the server at 127.0.0.1:",
        ),
        (
            {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
            "a page of http://evil.example:80 may not use a server that only",
        ),
    ):
        status, message = refusal(post(body, headers=headers))
        assert (status, message.startswith(text)) == (403, True), message
        for path in ("/", "/metrics", "/healthz", MODEL):
            assert refusal(requests.get(url(path), headers=headers, timeout=20))[0] == 403


def test_a_mistake_of_ours_is_in_the_log_and_not_in_the_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared_server().http, "_pages", WeakKeyDictionary())
    monkeypatch.setattr(http_server, "page", lambda *arguments: 1 / 0)
    response = requests.get(url("/"), timeout=20)
    assert refusal(response) == (500, "internal error; the server's log has more")
    assert [record.getMessage() for record in caplog.records] == ["GET /"]
    assert "ZeroDivisionError" in caplog.text
