"""Weights that are fed at every call answer as those that lie in the session, whatever the kind of task."""

import numpy as np
from exported import exported, predictor
from grpc_requests import TASKS, TEXTS

from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.merge.merged_folder import read_manifest


def test_every_task_answers_the_same_bits() -> None:
    folder = exported().version
    copies = read_manifest(folder / "assets.extra").plan.copies
    own = [copy.name for copy in copies if copy.task]
    inputs = {**TEXTS, "tasks": TASKS}
    wanted = predictor().predict("route", inputs)
    with Predictor(folder, ["route"], own) as fed:
        found = fed.predict("route", inputs)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        if array.dtype == np.object_:
            assert found[name].tolist() == array.tolist(), name
        else:
            assert found[name].tobytes() == array.tobytes(), name
