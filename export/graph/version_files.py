"""All files of an exported version but those that start a server: graph, weights, assets."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from centrabert.export.contract.version_folder import ASSETS, EXTRA, SAVED_MODEL, VARIABLES
from centrabert.export.graph.model_card import FILE as MODEL_CARD
from centrabert.export.graph.model_card import model_card
from centrabert.export.graph.saved_model import write_graph
from centrabert.export.graph.warmup import write_warmup
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import MANIFEST, golden_file
from centrabert.merge.store.shards import Shard, join, link
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.tokenization.tokenizer import Tokenizer


def write_version_files(
    folder: Path,
    manifest: Manifest,
    tokenizer: Tokenizer,
    shards: Sequence[Shard],
    goldens: Mapping[str, Path],
    graph: Path | None = None,
) -> None:
    """Writes a version into the empty `folder`; its weights are hard links where there can be some.

    Args:
      shards: Checkpoints that hold exactly the variables of `manifest`, which is not checked here.
      goldens: golden.json of every task.
      graph: A saved_model.pb of the same tasks, shapes and tokenizer, which spares building one; or None.

    Raises:
      OSError: The disk is full or `folder` is not writable.
    """
    if graph is None:
        write_graph(folder, manifest, tokenizer)
    else:
        link(graph, folder / SAVED_MODEL)
    (folder / VARIABLES).parent.mkdir()
    join(shards, folder / VARIABLES)
    (folder / ASSETS).mkdir()
    for name, content in tokenizer.assets.items():
        (folder / ASSETS / name).write_bytes(content)
    golden_file(folder / EXTRA, "").parent.mkdir(parents=True)
    for task, file in goldens.items():
        shutil.copyfile(file, golden_file(folder / EXTRA, task))
    write_text(folder / EXTRA / MANIFEST, dump(manifest.to_json()))
    write_text(folder / EXTRA / MODEL_CARD, model_card(manifest))
    write_warmup(folder, manifest, tokenizer.unknown_id)
