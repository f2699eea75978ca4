"""The graph of a merged model as a SavedModel: one MetaGraphDef, tag `serve`; its weights stand beside it."""

from pathlib import Path

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.graph.serving_graph import build
from centrabert.export.graph.signatures import signature_defs
from centrabert.merge.manifest import Manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.tokenization.tokenizer import Tokenizer

SCHEMA_VERSION = 1  # of saved_model.proto


def write_graph(folder: Path, manifest: Manifest, tokenizer: Tokenizer) -> None:
    """Writes saved_model.pb into `folder`; it names the variables and says nothing of their values.

    Raises:
      OSError: The disk is full or `folder` is not writable.
    """
    with tf.Graph().as_default():
        graph = build(manifest, tokenizer)
        variables = {variable.op.name: tuple(variable.shape) for variable in tf.global_variables()}
        checkpoint.match(variables, manifest.plan.shapes(), "the graph")
        signatures = signature_defs(graph, [branch.task for branch in manifest.plan.branches])
        saver = tf.train.Saver(sharded=True)
        meta_graph = tf.train.export_meta_graph(saver_def=saver.as_saver_def(), strip_default_attrs=True)
    meta_graph.meta_info_def.tags.append(tf.saved_model.SERVING)
    for name, signature in signatures.items():
        meta_graph.signature_def[name].CopyFrom(signature)
    model = SavedModel(saved_model_schema_version=SCHEMA_VERSION, meta_graphs=[meta_graph])
    (folder / SAVED_MODEL).write_bytes(model.SerializeToString(deterministic=True))
