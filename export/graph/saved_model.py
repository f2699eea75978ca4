"""The graph of a merged model as a SavedModel: one MetaGraphDef, tag `serve`; its weights stand beside it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import tensorflow.compat.v1 as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.graph.pieces import Assembly, assemble, export, in_pieces
from centrabert.export.graph.serving_graph import build
from centrabert.export.graph.signatures import signature_defs
from centrabert.export.graph.variable_nodes import saver_nodes, variable_nodes
from centrabert.merge.manifest import Manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.digest import text_digest
from centrabert.modeling.tokenization.tokenizer import Tokenizer

SCHEMA_VERSION = 1  # of saved_model.proto
# The rooms whose code decides the nodes of a graph.
GRAPH_CODE = ("export/graph", "modeling/layers", "modeling/kinds", "modeling/tokenization", "modeling/words")


def write_graph(folder: Path, manifest: Manifest, tokenizer: Tokenizer) -> None:
    """Writes saved_model.pb into `folder`; it names the variables and says nothing of their values.

    Raises:
      OSError: The disk is full or `folder` is not writable.
    """
    meta_graphs = [meta_graph(manifest, tokenizer)]
    model = SavedModel(saved_model_schema_version=SCHEMA_VERSION, meta_graphs=meta_graphs)
    (folder / SAVED_MODEL).write_bytes(model.SerializeToString(deterministic=True))


def meta_graph(manifest: Manifest, tokenizer: Tokenizer) -> MetaGraphDef:
    """The graph with its signatures, put together of pieces."""
    with in_pieces() as graph:
        built = build(manifest, tokenizer)
        signatures = signature_defs(built, [branch.task for branch in manifest.plan.branches])
        graph_def = export(graph)
        assembly = assemble(graph_def, graph)
        checkpoint.match(assembly.variables, manifest.plan.shapes(), "the graph")
        whole = _with_variables(graph_def, assembly)
    for name, signature in signatures.items():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            info.name = assembly.name(info.name)
        whole.signature_def[name].CopyFrom(signature)
    return whole


def _with_variables(graph_def: GraphDef, assembly: Assembly) -> MetaGraphDef:
    """The nodes and variables of `assembly`, in a graph that has everything else."""
    of_variables = [variable_nodes(name, shape) for name, shape in assembly.variables.items()]
    of_saver, saver = saver_nodes(list(assembly.variables))
    del graph_def.node[:], graph_def.library.function[:]
    graph_def.library.function.extend(assembly.functions.values())
    for nodes in (*(nodes for nodes, _ in of_variables), assembly.nodes, of_saver):
        graph_def.node.extend(nodes)
    whole: MetaGraphDef = tf.train.export_meta_graph(graph_def=graph_def, saver_def=saver, collection_list=[])
    whole.meta_info_def.stripped_default_attrs = True  # of each part
    whole.meta_info_def.tags.append(tf.saved_model.SERVING)
    collection = whole.collection_def[tf.GraphKeys.GLOBAL_VARIABLES]
    collection.bytes_list.value.extend(definition.SerializeToString() for _, definition in of_variables)
    return whole


@cache
def graph_builder() -> str:
    """What builds a graph: TensorFlow and our code, so that a store has a graph of mended code built anew."""
    package = Path(__file__).parents[2]
    return f"TensorFlow {tf.version.VERSION}, code {code_digest([package / room for room in GRAPH_CODE])}"


def code_digest(folders: Sequence[Path]) -> str:
    """Of the Python files in these folders."""
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    return text_digest("\n".join(f"{file.name}\n{file.read_text(encoding='utf-8')}" for file in files))
