"""The exported model loads and answers in TensorFlow's C++ loader, to the last bit as in Python's session."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import cpp_loader
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
import tiny
from exported import SMALL, small
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from centrabert.export.engine.tensorflow_engine import Predictor

Feeds = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def predictor() -> Iterator[Predictor]:
    """Python's; not `small_predictor`, whose session may be a plain one (tests/plain_sessions.py)."""
    with Predictor(small().version) as predictor:
        yield predictor


@pytest.fixture(scope="module")
def signatures() -> Any:
    model = saved_model_pb2.SavedModel.FromString((small().version / "saved_model.pb").read_bytes())
    return model.meta_graphs[0].signature_def


def requests() -> list[tuple[str, Feeds]]:
    """One to every signature."""
    text_a, text_b = np.array(tiny.TEXT_A), np.array(tiny.TEXT_B)
    input_ids, segment_ids = tiny.random_ids(7, 11, seed=3)
    tasks = np.array([("*", "rte", "tone,rte")[row % 3] for row in range(len(text_a))])
    asked: list[tuple[str, Feeds]] = [
        ("serving_default", {"text_a": text_a, "text_b": text_b}),
        ("route", {"text_a": text_a, "text_b": text_b, "tasks": tasks}),
    ]
    for branch in SMALL:
        texts = {"text_a": text_a, **({"text_b": text_b} if branch.task.pair else {})}
        asked.append((branch.task.name, texts))
        asked.append((f"{branch.task.name}_ids", {"input_ids": input_ids, "segment_ids": segment_ids}))
    return asked


def names(infos: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    return [infos[name].name for name in wanted]


@pytest.fixture(scope="module")
def warm_up() -> list[PredictRequest]:
    """The requests of the version's warm-up file."""
    file = small().version / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset([str(file)])
    return [PredictionLog.FromString(record.numpy()).predict_log.request for record in records]


@pytest.fixture(scope="module")
def answers(signatures: Any, warm_up: list[PredictRequest]) -> dict[str, list[cpp_loader.Answer]]:
    """What the loader answers to all that is asked here: loading and the first answers take seconds."""
    lines = {
        "signatures": [
            (fed(signatures[name], feeds), names(signatures[name].outputs, sorted(signatures[name].outputs)))
            for name, feeds in requests()
        ],
        "warm_up": [
            warm_up_line(signatures[request.model_spec.signature_name], request) for request in warm_up
        ],
        "without text_b": [
            (
                fed(signatures["rte"], {"text_a": np.array(tiny.TEXT_A)}),
                names(signatures["rte"].outputs, ["probabilities"]),
            )
        ],
    }
    found = iter(cpp_loader.ask(small().version, [line for part in lines.values() for line in part]))
    return {name: list(islice(found, len(part))) for name, part in lines.items()}


def fed(signature: Any, feeds: Feeds) -> Feeds:
    """By the names of the tensors."""
    return dict(zip(names(signature.inputs, list(feeds)), feeds.values(), strict=True))


def warm_up_line(signature: Any, request: PredictRequest) -> tuple[Feeds, list[str]]:
    values = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    feeds = {name: value.astype(str) if value.dtype == object else value for name, value in values.items()}
    return fed(signature, feeds), sorted(info.name for info in signature.outputs.values())


def test_every_signature(
    predictor: Predictor, signatures: Any, answers: dict[str, list[cpp_loader.Answer]]
) -> None:
    for (name, feeds), found in zip(requests(), answers["signatures"], strict=True):
        texts = {
            key: value.astype(np.object_) if value.dtype.kind == "U" else value
            for key, value in feeds.items()
        }
        wanted = predictor.predict(name, texts)
        assert len(wanted) == len(found)
        for answer, value in wanted.items():
            tensor = signatures[name].outputs[answer].name
            np.testing.assert_array_equal(found[tensor], value, err_msg=f"{name}: {answer}")


def test_the_warm_up_file_is_answered(
    signatures: Any, warm_up: list[PredictRequest], answers: dict[str, list[cpp_loader.Answer]]
) -> None:
    """Every record is a request for a signature that is there, with its inputs."""
    assert len(warm_up) <= 1000
    assert {request.model_spec.signature_name for request in warm_up} == set(signatures)
    for request, found in zip(warm_up, answers["warm_up"], strict=True):
        definition = signatures[request.model_spec.signature_name]
        assert request.inputs.keys() == definition.inputs.keys()
        assert len(found) == len(definition.outputs)
    lengths = {
        request.inputs["input_ids"].tensor_shape.dim[1].size
        for request in warm_up
        if "input_ids" in request.inputs
    }
    assert lengths == {min(length, tiny.MAX_SEQ_LENGTH) for length in (16, 64)}


def test_text_b_may_be_left_out(
    predictor: Predictor, signatures: Any, answers: dict[str, list[cpp_loader.Answer]]
) -> None:
    (found,) = answers["without text_b"]
    wanted = predictor.predict("rte", {"text_a": np.array(tiny.TEXT_A, np.object_)})
    np.testing.assert_array_equal(
        found[signatures["rte"].outputs["probabilities"].name], wanted["probabilities"]
    )
