"""Weights that are fed at every call answer as variables of a session do, by every signature."""

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
from exported import exported, predictor
from grpc_requests import TASKS, TEXTS

from centrabert.export.engine.tensorflow_engine import Arrays

IDS = {
    "input_ids": np.array([[2, 9, 12, 3, 0], [2, 7, 3, 11, 3]], np.int32),
    "segment_ids": np.array([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]], np.int32),
}


def inputs(signature: str) -> Arrays:
    """For every signature; as many rows as TEXTS where it reads texts."""
    given = {**TEXTS, **IDS, "tasks": TASKS}
    if signature == "route_ids":
        given["tasks"] = TASKS[:2]
    return {name: given[name] for name in predictor().signatures[signature].inputs}


@pytest.fixture(scope="module")
def session() -> Iterator[tf.Session]:
    """The whole model as TensorFlow loads it: one graph, its weights variables."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.saved_model.load(session, [tf.saved_model.SERVING], str(exported().version))
        yield session


SIGNATURES = ("describe", "route", "route_ids", "serving_default")
TASKS_OWN = tuple(f"{branch.task.name}{suffix}" for branch in tiny.BRANCHES for suffix in ("", "_ids"))


def test_every_signature_is_compared() -> None:
    assert set(predictor().signatures) == {*SIGNATURES, *TASKS_OWN}


@pytest.mark.parametrize("signature", [*SIGNATURES, *TASKS_OWN])
def test_the_bits_are_those_of_the_whole_graph(signature: str, session: tf.Session) -> None:
    definition, given = predictor().signature_defs[signature], inputs(signature)
    feeds = {definition.inputs[name].name: array for name, array in given.items()}
    wanted = session.run({name: info.name for name, info in definition.outputs.items()}, feeds)
    found = predictor().predict(signature, given)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        if array.dtype == np.object_:
            assert found[name].tolist() == array.tolist(), name
        else:
            assert found[name].tobytes() == array.tobytes(), name
