"""Writing a merged model as a SavedModel: one MetaGraphDef, tag `serve`, every variable once."""

from pathlib import Path

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.export.graph.serving_graph import build
from centrabert.export.graph.signatures import signature_defs
from centrabert.merge.manifest import Manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.tokenization.tokenizer import Tokenizer


def write_saved_model(folder: Path, manifest: Manifest, tokenizer: Tokenizer, prefix: Path) -> None:
    """Writes saved_model.pb and variables/ into the empty `folder`.

    Args:
      prefix: The merged checkpoint.

    Raises:
      UserError: The checkpoint does not hold exactly the manifest's weights.
      tf.errors.OpError: The disk is full or `folder` is not writable.
    """
    check_weights(manifest, prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        graph = build(manifest, tokenizer)
        variables = {variable.op.name: tuple(variable.shape) for variable in tf.global_variables()}
        checkpoint.match(variables, manifest.plan.shapes(), str(prefix))
        saver = tf.train.Saver(sharded=True)
        saver.restore(session, str(prefix))
        signatures = signature_defs(graph, [branch.task for branch in manifest.plan.branches])
        builder = tf.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.SERVING], signatures, strip_default_attrs=True, saver=saver
        )
        builder.save()


def check_weights(manifest: Manifest, prefix: Path) -> None:
    """Raises UserError unless the merged checkpoint holds the manifest's variables, to the last bit."""
    checkpoint.match(manifest.plan.shapes(), checkpoint.shapes(prefix), str(prefix))
    found = tensor_digests(checkpoint.read(prefix))
    if differing := [name for name, digest in manifest.variables().items() if found[name] != digest]:
        raise UserError(f"{prefix}: {differing[0]} is not the one of manifest.json; merge the branches again")
