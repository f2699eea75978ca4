"""What computes the same is one graph, whatever the task is called, and what does not is another."""

import gc

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from centrabert.export.engine import compiled_graph
from centrabert.export.engine.compiled_graph import PrunedGraph, compiled, pruned_graph
from centrabert.export.engine.fed_weights import feed_variables

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
IDS = np.array([2, 0], np.int32)


def signature(task: str, size: int = 3, label: str = "good", beside: str = "") -> PrunedGraph:
    """Sums of rows of a table, and a label; a node is called as the task is."""
    with tf.Graph().as_default() as graph:
        if beside:
            with tf.variable_scope(beside):
                _answers(8, "other")
        with tf.variable_scope(task):
            ids, found, named = _answers(size, label)
            _, last = tf.split(found, 2, name=task)
    saved = graph.as_graph_def()
    feed_variables(saved)
    nodes = {node.name: node for node in saved.node}
    return pruned_graph(saved, nodes, [found.name, named.name, last.name], [ids.name], task)


def _answers(size: int, label: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    ids = tf.placeholder_with_default(np.zeros([1], np.int32), [None], "ids")
    table = tf.get_variable("table", [4, size], use_resource=True)
    rows = tf.nn.embedding_lookup(table, ids)
    found = tf.scan(lambda total, row: total + row, rows)  # a loop, which calls functions
    tf.get_variable("unread", [2], use_resource=True)
    return ids, found, tf.constant([label], name="label_text")


@pytest.mark.parametrize("task", ["rte", "label", "ids", "handle", "while"])
def test_it_computes_what_was_built(task: str) -> None:
    said = signature(task)
    assert said.weights == (f"{task}/table",)
    found, label, last = compiled(said)(IDS, TABLE)
    np.testing.assert_array_equal(found, np.cumsum(TABLE[IDS], 0))
    np.testing.assert_array_equal(last, found[1:])
    assert label.tolist() == [b"good"]


def test_tasks_that_compute_the_same_share_it() -> None:
    one = compiled(signature("rte"))
    for task, beside in (("label", ""), ("split", "rte"), ("a", "b")):
        assert compiled(signature(task, beside=beside)) is one
    assert compiled(signature("rte", size=4)) is not one
    assert compiled(signature("rte", label="bad")) is not one


def test_it_ends_with_the_last_that_holds_it() -> None:
    digest = signature("rte", size=5).digest
    one, two = compiled(signature("rte", size=5)), compiled(signature("tone", size=5))
    del one
    assert digest in compiled_graph._compiled
    del two
    gc.collect()
    assert digest not in compiled_graph._compiled
