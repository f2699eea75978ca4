"""Exporting: from a merged model to one version of a SavedModel that has proved its golden answers."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import version_path
from centrabert.export.engine.golden_check import replay
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.graph.version_files import write_version_files
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import CHECKPOINT, MANIFEST, golden_file, read_manifest
from centrabert.merge.merged_tokenizer import read_merged_tokenizer
from centrabert.merge.store.shards import Shard
from centrabert.modeling import checkpoint
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.files import atomic_folder
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.tokenization.tokenizer import Tokenizer


def export(merged: Path, export_dir: Path, version: int) -> Path:
    """Writes `export_dir`/`version`/ and returns it.

    The folder gets its name only after the model in it was loaded and answered every golden text as the
    branches did, so a server that watches `export_dir` never sees another. Its weights are hard links to the
    merged model's where the two are on one disk.

    Args:
      merged: A folder written by `merge`.

    Raises:
      UserError: `merged` is damaged, or an answer differs.
      FileExistsError: That version is there.
      OSError, tf.errors.OpError: The disk is full; nothing is left.
    """
    path = version_path(export_dir, version)
    manifest = read_manifest(merged)
    tokenizer = _tokenizer(merged, manifest)
    files = {name: golden_file(merged, name) for name in manifest.tasks}
    tasks = [branch.task for branch in manifest.plan.branches]
    goldens = {task: read_golden(files[task.name], task) for task in tasks}
    check_weights(manifest, merged / CHECKPOINT)
    with atomic_folder(path) as aside:
        write_version_files(aside, manifest, tokenizer, [Shard.of(merged / CHECKPOINT)], files)
        with Predictor(aside) as predictor:
            replay(predictor, goldens, merged)
    return path


def check_weights(manifest: Manifest, prefix: Path) -> None:
    """Raises UserError unless the merged checkpoint holds the manifest's variables, to the last bit."""
    checkpoint.match(manifest.plan.shapes(), checkpoint.shapes(prefix), str(prefix))
    found = tensor_digests(checkpoint.read(prefix))
    if differing := [name for name, digest in manifest.variables().items() if found[name] != digest]:
        raise UserError(f"{prefix}: {differing[0]} is not the one of manifest.json; merge the branches again")


def _tokenizer(merged: Path, manifest: Manifest) -> Tokenizer:
    tokenizer = read_merged_tokenizer(merged, manifest)
    for task in (branch.task for branch in manifest.plan.branches if branch.task.pair):
        tokenizer.check_reads_pairs(task.name, manifest.config.type_vocab_size, str(merged / MANIFEST))
    return tokenizer
