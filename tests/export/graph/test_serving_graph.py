"""The SavedModel itself: its contract, every layer once, and what runs for which request."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizer)
import tiny
from exported import exported, predictor
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.util._pywrap_util_port import IsMklEnabled

from centrabert.modeling.branch import Branch

LAYER_MATMULS = {"MatMul": 6, "BatchMatMulV2": 2}  # query, key, value, output, two of the feed-forward
BY_NAME = {branch.task.name: branch for branch in tiny.BRANCHES}
TRUNK = 4
FLOAT, INT, STRING = tf.float32, tf.int32, tf.string


@cache
def meta_graph() -> Any:
    model = saved_model_pb2.SavedModel.FromString((exported().version / "saved_model.pb").read_bytes())
    (only,) = model.meta_graphs
    return only


def head_matmuls(branch: Branch) -> int:
    """The output layer, and the pooler where there is one."""
    return 2 if branch.task.pooling == "cls" else 1


def matmuls(layers: int, branches: Iterable[Branch]) -> Counter[str]:
    counts = Counter({op: count * layers for op, count in LAYER_MATMULS.items()})
    counts["MatMul"] += sum(map(head_matmuls, branches))
    return counts


def test_one_meta_graph_for_serving() -> None:
    info = meta_graph().meta_info_def
    assert (list(info.tags), info.stripped_default_attrs) == (["serve"], True)


def described(infos: Any) -> dict[str, tuple[Any, list[int]]]:
    return {
        name: (tf.as_dtype(info.dtype), [dim.size for dim in info.tensor_shape.dim])
        for name, info in infos.items()
    }


def answers(branch: Branch) -> dict[str, tuple[Any, list[int]]]:
    if branch.task.kind == "regression":
        return {"score": (FLOAT, [-1])}
    return {"label": (STRING, [-1]), "probabilities": (FLOAT, [-1, len(branch.task.labels)])}


def test_signatures() -> None:
    text, ids = (STRING, [-1]), (INT, [-1, -1])
    wanted = {}
    for name, branch in BY_NAME.items():
        texts = {"text_a": text, **({"text_b": text} if branch.task.pair else {})}
        wanted[name] = (texts, answers(branch))
        wanted[f"{name}_ids"] = ({"input_ids": ids, "segment_ids": ids}, answers(branch))
    every = {f"{name}/{key}": value for name in BY_NAME for key, value in answers(BY_NAME[name]).items()}
    wanted["serving_default"] = ({"text_a": text, "text_b": text}, every)
    asked = {f"{name}/asked": (tf.bool, [-1]) for name in BY_NAME}
    routed = {**every, **asked, "unknown": text}
    wanted["route"] = ({"text_a": text, "text_b": text, "tasks": text}, routed)
    wanted["route_ids"] = ({"input_ids": ids, "segment_ids": ids, "tasks": text}, routed)
    wanted["describe"] = ({"text_a": text}, {"description": text})
    found = meta_graph().signature_def
    assert {name: (described(found[name].inputs), described(found[name].outputs)) for name in found} == wanted
    assert {found[name].method_name for name in found} == {"tensorflow/serving/predict"}


def test_the_model_describes_itself(executed: "Executed") -> None:
    """Kind, labels and number of texts of every task, to every row of a batch, and at no cost."""
    (text, *others) = predictor().predict("describe", {"text_a": np.array(["", "x"], np.object_)})[
        "description"
    ]
    assert others == [text]
    assert json.loads(text) == {
        "format_version": 1,
        "tasks": [
            {
                "name": name,
                "kind": branch.task.kind,
                "pair": branch.task.pair,
                "labels": list(branch.task.labels),
            }
            for name, branch in sorted(BY_NAME.items())
        ],
    }
    assert set(executed.run("describe").values()) <= {
        "_Arg",
        "_Retval",
        "Const",
        "Fill",
        "Shape",
        "_Recv",
        "_Send",
    }


@pytest.mark.parametrize(("scope", "trunk"), [("", TRUNK), ("serving_default", 4 + 4 + 2), ("route", TRUNK)])
def test_every_layer_is_there_once(scope: str, trunk: int) -> None:
    """Once more for rows that name their tasks, and for all tasks at once with a trunk for each reading.

    Of those, what all tasks read alike and what pair tasks read goes as deep as `sim`; what tasks of single
    texts read, as `rte2`.
    """
    every = meta_graph().graph_def.node
    first = {node.name: node.name.split("/")[0] for node in every}
    scopes = {"serving_default", "route"} & {scope} or set(first.values()) - {"serving_default", "route"}
    ops = Counter(node.op for node in every if first[node.name] in scopes)
    wanted = matmuls(trunk + sum(branch.tuned for branch in tiny.BRANCHES), tiny.BRANCHES)
    assert {op: ops[op] for op in wanted} == wanted
    assert not [op for op in ops if "MatMul" in op and op not in wanted]


def test_every_variable_is_there_once() -> None:
    handles = [node.name for node in meta_graph().graph_def.node if node.op == "VarHandleOp"]
    reader = tf.train.load_checkpoint(str(exported().version / "variables" / "variables"))
    merged = tf.train.load_checkpoint(str(exported().merged / "merged_model.ckpt"))
    names = merged.get_variable_to_shape_map()
    assert sorted(handles) == sorted(names) == sorted(reader.get_variable_to_shape_map())
    for name in names:
        np.testing.assert_array_equal(reader.get_tensor(name), merged.get_tensor(name), err_msg=name)


def test_the_graph_is_flat() -> None:
    """No tables, and functions only in what checks the tokenizer's rows: pruning works on ops alone."""
    graph = meta_graph().graph_def
    assert not [node.name for node in graph.node if "Table" in node.op or "PartitionedCall" in node.op]
    assert {node.name.split("/")[0] for node in graph.node if node.op in ("If", "While")} <= {"text"}


def test_no_op_is_dead_outside_the_tokenizer() -> None:
    """Every op serves an answer, or fills and saves a variable."""
    graph, needed = meta_graph().graph_def, set()
    nodes = {node.name: node for node in graph.node}
    signatures = meta_graph().signature_def
    waiting = [info.name for signature in signatures.values() for info in signature.outputs.values()]
    waiting += [meta_graph().saver_def.restore_op_name, meta_graph().saver_def.save_tensor_name]
    waiting += [node.name for node in graph.node if node.op == "AssignVariableOp"]
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name not in needed:
            needed.add(name)
            waiting += nodes[name].input
    dead = [node for node in graph.node if node.name not in needed and not node.name.startswith("text/")]
    bookkeeping = ("IsInitialized/VarIsInitializedOp", "Read/ReadVariableOp")
    assert [node.name for node in dead if not node.name.endswith(bookkeeping)] == []


class Executed:
    """The ops that one run of the loaded model executes."""

    def __init__(self) -> None:
        version = exported().version
        graph = tf.Graph()
        self._session = tf.Session(graph=graph)
        with graph.as_default():
            tf.saved_model.load(self._session, ["serve"], str(version))
        self.texts = {
            "text_a": np.array(tiny.TEXT_A, np.object_),
            "text_b": np.array(tiny.TEXT_B, np.object_),
        }

    def run(self, signature: str, outputs: list[str] | None = None) -> dict[str, str]:
        """Node name -> op, after all of TensorFlow's rewriting."""
        definition = meta_graph().signature_def[signature]
        values = {
            **self.texts,
            **dict(zip(("input_ids", "segment_ids"), tiny.random_ids(5, 9, seed=1), strict=True)),
        }
        fetches = [definition.outputs[name].name for name in outputs or definition.outputs]
        feeds = {info.name: values[name] for name, info in definition.inputs.items()}
        self.trace = trace = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
        self._session.run(fetches, feeds, options, trace)
        ops = {node.name: node.op for graph in trace.partition_graphs for node in graph.node}
        ran = {stats.node_name for device in trace.step_stats.dev_stats for stats in device.node_stats}
        return {name: ops[name] for name in ran if name in ops}


@pytest.fixture(scope="module")
def executed() -> Executed:
    return Executed()


def counted(ran: dict[str, str]) -> int:
    """Matrix products of any kind, fused or not."""
    return sum("MatMul" in op for op in ran.values())


@pytest.mark.parametrize("suffix", ["", "_ids"])
@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_task_runs_its_own_path(executed: Executed, name: str, suffix: str) -> None:
    """The trunk up to its depth, its own layers, its head, and nothing of any other task."""
    branch = BY_NAME[name]
    ran = executed.run(f"{name}{suffix}")
    assert counted(ran) == sum(matmuls(branch.depth, [branch]).values())
    layers = {
        node.split("/attention/")[0]
        for node, op in ran.items()
        if "/attention/" in node and op != "VarHandleOp"
    }
    assert layers == {
        *(f"bert/layer_{layer}/bert/encoder/layer_{layer}" for layer in range(branch.frozen)),
        *(f"{name}/bert/encoder/layer_{layer}" for layer in range(branch.frozen, branch.depth)),
    }
    strangers = {"route/", "serving_default/", *(f"{other}/" for other in BY_NAME)} - {f"{name}/"}
    assert not [node for node in ran if node.startswith(tuple(strangers))]
    assert any(op == "FastWordpieceTokenizeWithOffsets" for op in ran.values()) == (not suffix)


ALONE = ("", "", "", "", "")
PAIRS = ("one", "two", "three", "four", "five")


@pytest.mark.parametrize("names", [("tone",), ("rte", "sim"), ("rte2", "tone"), tuple(sorted(BY_NAME))])
@pytest.mark.parametrize("text_b", [ALONE, PAIRS, (*PAIRS[:3], *ALONE[3:])])
def test_tasks_in_one_request_share_the_trunk(
    executed: Executed, names: tuple[str, ...], text_b: tuple[str, ...]
) -> None:
    """Each reading is computed once, as deep as its tasks need it, and where nobody needs it not at all.

    Rows without a second text are one reading for all tasks; rows with one are read for pair tasks with it
    and for the others without it.
    """
    branches = [BY_NAME[name] for name in names]
    outputs = [f"{branch.task.name}/{answer}" for branch in branches for answer in answers(branch)]
    readings = [branches] if "" in text_b else []
    if any(text_b):
        readings += [[branch for branch in branches if branch.task.pair == pair] for pair in (True, False)]
    trunks = sum(max((branch.frozen for branch in reading), default=0) for reading in readings)
    executed.texts["text_b"] = np.array(text_b, np.object_)
    ran = executed.run("serving_default", outputs)
    layers = trunks + sum(branch.tuned for branch in branches)
    assert counted(ran) == sum(matmuls(layers, branches).values())


@pytest.mark.skipif(not IsMklEnabled(), reason="TensorFlow without oneDNN fuses nothing of this")
@pytest.mark.parametrize("name", ["rte", "sim"])
def test_what_tensorflow_can_fuse_it_does(executed: Executed, name: str) -> None:
    """Gelu with its product; where a layer is for all tokens, scale and mask with that of the scores.

    Layer norms not.
    """
    ran = executed.run(f"{name}_ids")
    nodes = [node for graph in executed.trace.partition_graphs for node in graph.node if node.name in ran]
    fused = Counter(tuple(node.attr["fused_ops"].list.s) for node in nodes)
    depth = BY_NAME[name].depth
    assert fused[b"BiasAdd", b"GeluApproximate"] == depth
    assert fused[b"Mul", b"Add"] == depth - (BY_NAME[name].task.pooling == "cls")
    assert "_MklLayerNorm" not in ran.values()  # it corrupts the heap
