"""The local server, asked over gRPC with the official client of TF Serving."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tiny
from exported import predictor
from grpc_requests import PIECES, TASKS, TEXT_A, TEXT_B, TEXTS, ask, channel, message, same
from running_server import LIMITS, NAME, shared_server
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("", TEXTS),
        ("describe", {"text_a": TEXT_A}),
        ("route", {**TEXTS, "tasks": TASKS}),
        ("route_ids", {**PIECES, "tasks": TASKS}),
        *[(branch.task.name, TEXTS if branch.task.pair else {"text_a": TEXT_A}) for branch in tiny.BRANCHES],
        *[(f"{branch.task.name}_ids", PIECES) for branch in tiny.BRANCHES],
    ],
)
def test_every_signature_answers_as_the_saved_model(signature: str, inputs: dict[str, np.ndarray]) -> None:
    same(ask(message(signature, inputs)), predictor().predict(signature or "serving_default", inputs))


def test_every_signature_was_asked() -> None:
    named = {name for branch in tiny.BRANCHES for name in (branch.task.name, f"{branch.task.name}_ids")}
    assert set(predictor().signatures) == named | {"serving_default", "route", "route_ids", "describe"}


def test_an_output_filter_gives_those_outputs_alone() -> None:
    wanted = ["sim/score", "tone/label"]
    same(ask(message("", TEXTS, *wanted)), predictor().predict("serving_default", TEXTS, wanted))


def test_values_stand_in_the_field_of_their_type() -> None:
    """As TF Serving answers; many clients read the field and nothing else."""
    expected = predictor().predict("route", {**TEXTS, "tasks": TASKS})
    response = PredictionServiceStub(channel()).Predict(message("route", {**TEXTS, "tasks": TASKS}), 20)
    for name, array in expected.items():
        proto = response.outputs[name]
        field = {np.float32: proto.float_val, np.bool_: proto.bool_val, np.object_: proto.string_val}
        assert len(field[array.dtype.type]) == array.size, name
        assert proto.tensor_content == b""


def test_more_rows_than_a_batch_come_back_in_order() -> None:
    rows = np.arange(LIMITS.request_rows) % 5
    found = ask(message("sim", {"text_a": TEXT_A[rows], "text_b": TEXT_B[rows]}))
    same(found, {"score": predictor().predict("sim", TEXTS)["score"][rows]})


def test_an_empty_batch_has_empty_answers() -> None:
    found = ask(message("tone", {"text_a": np.array([], np.object_)}))
    assert {name: array.shape for name, array in found.items()} == {"label": (0,), "probabilities": (0, 4)}


def mixed(number: int) -> tuple[str, dict[str, np.ndarray]]:
    """A request of one row, of one of five kinds."""
    row = slice(number % 5, number % 5 + 1)
    signature = ("rte", "tone", "route", "", "rte2_ids")[number // 5 % 5]
    texts = {name: array[row] for name, array in TEXTS.items()}
    return signature, {
        "tone": {"text_a": TEXT_A[row]},
        "route": {**texts, "tasks": TASKS[row]},
        "rte2_ids": {name: array[row] for name, array in PIECES.items()},
    }.get(signature, texts)


def test_requests_of_all_kinds_at_once_answer_as_alone() -> None:
    def check(number: int) -> None:
        signature, inputs = mixed(number)
        same(ask(message(signature, inputs)), predictor().predict(signature or "serving_default", inputs))

    with ThreadPoolExecutor(16) as clients:
        list(clients.map(check, range(75)))


def test_a_deadline_that_has_passed_is_told_and_leaves_the_queue_empty() -> None:
    many = {name: texts[np.arange(LIMITS.request_rows) % 5] for name, texts in TEXTS.items()}
    future = PredictionServiceStub(channel()).Predict.future(message("", many), 0.001)
    assert future.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED
    same(ask(message("sim", TEXTS)), predictor().predict("sim", TEXTS))
    (version,) = shared_server().versions.available
    assert version.servable is not None
    assert version.servable.batcher.waiting == 0


def test_metadata_holds_the_signatures() -> None:
    request = GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    response = PredictionServiceStub(channel()).GetModelMetadata(request, 20)
    signatures = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert (response.model_spec.name, response.model_spec.version.value) == (NAME, 1)
    assert dict(signatures.signature_def) == predictor().signature_defs


@pytest.mark.parametrize(("fields", "text"), [([], "names no metadata_field"), (["weights"], "weights")])
def test_other_metadata_is_refused(fields: list[str], text: str) -> None:
    request = GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = NAME
    with pytest.raises(grpc.RpcError) as error:
        PredictionServiceStub(channel()).GetModelMetadata(request, 20)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert text in error.value.details()


def test_status() -> None:
    request = GetModelStatusRequest()
    request.model_spec.name = NAME
    stub = ModelServiceStub(channel())
    (status,) = stub.GetModelStatus(request, 20).model_version_status
    assert (status.version, status.state, status.status.error_code) == (1, 30, 0)  # AVAILABLE, OK
    assert status.HasField("status")
    request.model_spec.version.value = 3
    with pytest.raises(grpc.RpcError) as error:
        stub.GetModelStatus(request, 20)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_no_client_chooses_what_is_loaded() -> None:
    with pytest.raises(grpc.RpcError) as error:
        ModelServiceStub(channel()).HandleReloadConfigRequest(ReloadConfigRequest(), 20)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
