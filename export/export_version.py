"""Exporting: from a merged model to one version of a SavedModel that has proved its golden answers."""

import shutil
from pathlib import Path

from centrabert.export.contract.version_folder import ASSETS, EXTRA, version_path
from centrabert.export.engine.golden_check import replay
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.graph.model_card import FILE as MODEL_CARD
from centrabert.export.graph.model_card import model_card
from centrabert.export.graph.saved_model import write_saved_model
from centrabert.export.graph.warmup import write_warmup
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import (
    CHECKPOINT,
    GOLDENS,
    MANIFEST,
    golden_file,
    read_manifest,
)
from centrabert.merge.merged_tokenizer import read_merged_tokenizer
from centrabert.modeling.files import atomic_folder, write_text
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.tokenization.tokenizer import Tokenizer


def export(merged: Path, export_dir: Path, version: int) -> Path:
    """Writes `export_dir`/`version`/ and returns it.

    The folder gets its name only after the model in it was loaded and answered every golden text as the
    branches did, so a server that watches `export_dir` never sees another.

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
    goldens = {
        branch.task: read_golden(golden_file(merged, branch.task.name), branch.task)
        for branch in manifest.plan.branches
    }
    with atomic_folder(path) as aside:
        write_saved_model(aside, manifest, tokenizer, merged / CHECKPOINT)
        _add_assets(merged, aside, manifest, tokenizer)
        write_warmup(aside, manifest, tokenizer.unknown_id)
        with Predictor(aside) as predictor:
            replay(predictor, goldens, merged)
    return path


def _tokenizer(merged: Path, manifest: Manifest) -> Tokenizer:
    tokenizer = read_merged_tokenizer(merged, manifest)
    for task in (branch.task for branch in manifest.plan.branches if branch.task.pair):
        tokenizer.check_reads_pairs(task.name, manifest.config.type_vocab_size, str(merged / MANIFEST))
    return tokenizer


def _add_assets(merged: Path, aside: Path, manifest: Manifest, tokenizer: Tokenizer) -> None:
    """What the graph does not read but people and tools do: vocabulary, manifest, goldens, model card."""
    (aside / ASSETS).mkdir(exist_ok=True)
    for name, content in tokenizer.assets.items():
        (aside / ASSETS / name).write_bytes(content)
    (aside / EXTRA).mkdir()
    shutil.copyfile(merged / MANIFEST, aside / EXTRA / MANIFEST)
    shutil.copytree(merged / GOLDENS, aside / EXTRA / GOLDENS)
    write_text(aside / EXTRA / MODEL_CARD, model_card(manifest))
