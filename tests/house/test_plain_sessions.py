"""Tests that are not about numbers do without TensorFlow's rewriting of graphs, and no others."""

from fnmatch import fnmatch

import pytest
import tensorflow.compat.v1 as tf
from plain_sessions import PLAIN, is_plain, plain_sessions
from source_tree import python_files


@pytest.mark.parametrize("pattern", PLAIN)
def test_a_pattern_names_a_file(pattern: str) -> None:
    assert [path for path in python_files() if fnmatch(path, pattern) and "/test_" in path]


def test_what_is_about_numbers_is_not_plain() -> None:
    assert is_plain("tests/search/jobs/test_jobs.py::test_one[a-b]")
    for file in (
        "export/graph/test_cpp_loader",
        "export/lifecycle/test_served_updates",
        "formats/test_same_bits",
    ):
        assert not is_plain(f"tests/{file}.py::test_one[tests/search/x.py]")


def transpositions() -> int:
    """How many a session runs of two that undo each other."""
    with tf.Graph().as_default(), tf.Session() as session:
        given = tf.placeholder(tf.float32, [2, 3])
        same, seen = tf.transpose(tf.transpose(given)) + 1.0, tf.RunMetadata()
        options = tf.RunOptions(output_partition_graphs=True)
        session.run(same, {given: [[0.0] * 3] * 2}, options=options, run_metadata=seen)
    return sum("Transpose" in node.op for graph in seen.partition_graphs for node in graph.node)


def test_a_graph_is_rewritten_but_in_plain_sessions() -> None:
    assert transpositions() == 0
    with plain_sessions():
        assert transpositions() == 2
    assert transpositions() == 0
