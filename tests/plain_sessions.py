"""Tests whose sessions run graphs as they were built, for they are not about numbers.

Before TensorFlow first runs a graph it rewrites it (Grappler): a third of the time of a tiny training, and
four fifths of that of a tiny model's first answers. That answers are right when it does, and those of two
graphs the same to the last bit, is for all other tests.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from weakref import WeakValueDictionary

# Patterns of fnmatch, over a test's file.
PLAIN = (
    "tests/benchmarks/test_workshop.py",
    "tests/distill/text/*.py",
    "tests/export/lifecycle/test_[!s]*.py",
    "tests/export/lifecycle/test_store_*.py",
    "tests/export/serving/test_grpc_interceptor.py",
    "tests/export/serving/test_server_[!g]*.py",
    "tests/export/test_local_server.py",
    "tests/export/test_publication.py",
    "tests/house/test_docs.py",
    "tests/modeling/joint/*.py",
    "tests/modeling/layers/test_adapter_training.py",
    "tests/modeling/test_full_disk.py",
    "tests/modeling/training/test_lora_training.py",
    "tests/modeling/training/test_run_classifier.py",
    "tests/modeling/training/test_train_branch.py",
    "tests/scripts/*.py",
    "tests/search/*.py",
)

PLAINLY = "disable_meta_optimizer"
PLAIN_GRAPHS = WeakValueDictionary(), WeakValueDictionary()


def is_plain(node_id: str) -> bool:
    """Whether a test's sessions are plain, by its pytest node id."""
    file = node_id.partition("::")[0]
    return any(fnmatch(file, pattern) for pattern in PLAIN)


@contextmanager
def plain_sessions() -> Iterator[None]:
    """TensorFlow rewrites no graph of a session that is made until the block ends, in this process.

    Nothing happens where TensorFlow was not imported: what imports it only now rewrites its graphs.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        yield
        return
    rewriting = tensorflow.config.optimizer
    before = rewriting.get_experimental_options().get(PLAINLY, False)
    rewriting.set_experimental_options({PLAINLY: True})
    try:
        with _graphs_of_their_own():
            yield
    finally:
        rewriting.set_experimental_options({PLAINLY: before})


@contextmanager
def _graphs_of_their_own() -> Iterator[None]:
    """What computes the same is one graph in a process, but not if one is rewritten and the other is not."""
    from centrabert.export.engine import compiled_graph, saved_graph

    outside = compiled_graph._compiled, saved_graph._graphs
    compiled_graph._compiled, saved_graph._graphs = PLAIN_GRAPHS
    try:
        yield
    finally:
        compiled_graph._compiled, saved_graph._graphs = outside
