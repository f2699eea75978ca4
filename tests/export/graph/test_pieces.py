"""A graph of copied pieces is the graph that would have been built."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import tensorflow.compat.v1 as tf
from exported import small
from tensorflow.core.framework.node_def_pb2 import NodeDef

from centrabert.export.graph.pieces import assemble, export, in_pieces, piece, restored_variables
from centrabert.export.graph.saved_model import meta_graph
from centrabert.export.graph.serving_graph import build
from centrabert.export.graph.signatures import signature_defs
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.merged_tokenizer import read_merged_tokenizer


@contextmanager
def built_directly() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph, restored_variables():
        yield graph


def nodes(graph: tf.Graph) -> dict[str, NodeDef]:
    return {node.name: node for node in export(graph).node}


@piece
def scaled(x: tf.Tensor, by: tf.Tensor | None, *, first: int, factor: float) -> dict[str, Any]:
    with tf.variable_scope(f"part/layer_{first}"):
        kernel = tf.get_variable("kernel", [3, 3], use_resource=True)
        y = tf.matmul(x, kernel) * factor
    return {"y": y if by is None else y * by, "x": x}


@piece
def twice(x: tf.Tensor, *, first: int) -> tuple[tf.Tensor, tf.Tensor]:
    with tf.name_scope("one"):
        one = scaled(x, None, first=first, factor=2.0)
    top = tf.nn.top_k(one["y"], 2)
    with tf.name_scope("two"):
        two = scaled(one["x"], top.values[:, :1], first=first + 1, factor=0.5)
    return tf.identity(two["y"], "answer"), top.indices


def outer() -> list[tf.Tensor]:
    """Pieces in pieces, in scopes of names and of variables, and of other layers."""
    x = tf.placeholder(tf.float32, [None, 3], "x")
    with tf.variable_scope("own"):
        answer, indices = twice(x, first=4)
    with tf.name_scope("again"), tf.name_scope("lower"):
        again, _ = twice(answer, first=0)
    return [again + 1.0, tf.cast(indices, tf.float32), indices]


def test_copies_are_the_nodes_that_would_have_been_built() -> None:
    with built_directly() as graph:
        outputs = outer()
    wanted = nodes(graph)
    with in_pieces() as graph:
        copied = outer()
        assembly = assemble(export(graph), graph)
    assert assembly.variables == {
        f"{scope}part/layer_{layer}/kernel": (3, 3)
        for scope, layer in (("own/", 4), ("own/", 5), ("", 0), ("", 1))
    }
    own = {node.name: node for node in assembly.nodes}
    of_variables = {name for name in wanted if "/kernel" in name}
    assert own == {name: node for name, node in wanted.items() if name not in of_variables}
    assert [assembly.name(each.name) for each in copied] == [each.name for each in outputs]
    assert [each.shape.as_list() for each in copied] == [each.shape.as_list() for each in outputs]


def test_two_pieces_in_one_scope_are_refused() -> None:
    with in_pieces() as graph:
        x = tf.placeholder(tf.float32, [None, 3])
        for _ in range(2):
            x = scaled(x, None, first=0, factor=2.0)["y"]
        with pytest.raises(ValueError, match=r"two pieces are in one scope: .*part/layer_0"):
            assemble(export(graph), graph)


def test_a_variable_of_two_shapes_is_refused() -> None:
    @piece
    def read(x: tf.Tensor) -> tf.Tensor:
        return x + tf.get_variable("bias", x.shape[1:], use_resource=True)

    with in_pieces() as graph:
        for size in (2, 3):
            with tf.name_scope(f"of_{size}"):
                read(tf.zeros([1, size]))
        with pytest.raises(ValueError, match="variable bias has two shapes"):
            assemble(export(graph), graph)


def test_a_serving_graph_is_the_one_that_tensorflow_builds() -> None:
    """Its nodes, variables, Saver and signatures, of tasks that are read as pairs and of others."""
    merged = small().merged
    manifest = read_manifest(merged)
    tokenizer = read_merged_tokenizer(merged, manifest)
    with built_directly() as graph:
        signatures = signature_defs(
            build(manifest, tokenizer), [branch.task for branch in manifest.plan.branches]
        )
        saver = tf.train.Saver(sharded=True, name="Saver").as_saver_def()
        wanted = tf.train.export_meta_graph(graph=graph, saver_def=saver, strip_default_attrs=True)
    found = meta_graph(manifest, tokenizer)
    assert told(found) == told(wanted)
    assert dict(found.signature_def) == signatures
    assert (found.saver_def, found.graph_def.versions) == (wanted.saver_def, wanted.graph_def.versions)
    assert found.meta_info_def.stripped_op_list == wanted.meta_info_def.stripped_op_list
    variables = [sorted(each.collection_def["variables"].bytes_list.value) for each in (found, wanted)]
    assert variables[0] == variables[1]


def told(meta_graph: Any) -> dict[str, str]:
    """Nodes and functions by name; functions are numbered as they come in a process, here not at all."""
    functions = {each.signature.name: each for each in meta_graph.graph_def.library.function}
    every = {**functions, **{node.name: node for node in meta_graph.graph_def.node}}
    assert len(every) == len(functions) + len(meta_graph.graph_def.node)
    return {unnumbered(name): unnumbered(str(each)) for name, each in every.items()}


def unnumbered(text: str) -> str:
    return re.sub(r"_(true|false)_\d+", r"_\1", text)
