"""A saved_model.pb that can be read and is no graph: told in one line, whenever it is found."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from exported import small
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.errors import UserError
from centrabert.export.engine.tensorflow_engine import Predictor


def damaged(to: Path, damage: Callable[[GraphDef], None]) -> Path:
    """A copy of the small version with another graph."""
    folder = Path(shutil.copytree(small().version, to / "1"))
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    damage(saved.meta_graphs[0].graph_def)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    return folder


def wrong_input(graph: GraphDef) -> None:
    node = next(node for node in graph.node if node.op == "MatMul")
    node.input[0] = "nowhere"


def wrong_type(graph: GraphDef) -> None:
    node = next(node for node in graph.node if node.op == "MatMul")
    node.op = "NoSuchOp"


@pytest.mark.parametrize("damage", [wrong_input, wrong_type])
def test_it_is_told_in_one_line(damage: Callable[[GraphDef], None], tmp_path: Path) -> None:
    folder = damaged(tmp_path, damage)
    with pytest.raises(UserError, match=f"^{folder}: cannot load the SavedModel: .*(nowhere|NoSuchOp)"):
        _ask_all(folder)


def _ask_all(folder: Path) -> None:
    with Predictor(folder) as predictor:
        for name in ("rte", "tone"):
            predictor.predict(name, {key: [b"the red cat"] for key in predictor.signatures[name].inputs})
