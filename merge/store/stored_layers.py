"""The base in a store, layer by layer, so that the trunk of a version can be as deep as its tasks need."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from centrabert.merge.store.folder_digest import file_digests
from centrabert.merge.store.shards import Shard
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_record import Layer, StoreRecord
from centrabert.modeling import checkpoint, files, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests

if TYPE_CHECKING:
    from centrabert.modeling.bert_folder import BertFolder

NAME = "layer.ckpt"


def store_layers(folder: StoreFolder, bert: "BertFolder") -> tuple[Layer, ...]:
    """Writes the embeddings and every layer of `bert`, each into a folder of its own."""
    layers = []
    for names in _parts(bert.config()):
        tensors = checkpoint.read(bert.checkpoint, names)
        with files.atomic_folder(folder.layers / "new") as aside:
            checkpoint.write(aside / NAME, tensors)
            layer = Layer(file_digests(aside), tensor_digests(tensors))
        settle(folder.layers / "new", folder.layer(layer.digest))
        layers.append(layer)
    return tuple(layers)


def trunk_shards(folder: StoreFolder, record: StoreRecord, depth: int) -> list[Shard]:
    """The checkpoints of the embeddings and the `depth` bottommost layers."""
    return [Shard.of(folder.layer(layer.digest) / NAME) for layer in record.layers[: depth + 1]]


def settle(new: Path, place: Path) -> None:
    """Gives a written folder the name of its digest; where that is there, mends what is damaged there.

    A damaged file is written over in place, since versions and what was exported have hard links to it.
    """
    if place.exists():
        found = file_digests(place)
        for name, digest in file_digests(new).items():
            if found.get(name) != digest:
                _overwrite(new / name, place / name)
        shutil.rmtree(new)
    else:
        new.replace(place)
    files.flush(place.parent)


def _overwrite(source: Path, target: Path) -> None:
    if target.exists():
        target.chmod(0o644)  # a file of a branch may not be written by anybody
    shutil.copyfile(source, target)
    shutil.copymode(source, target)
    files.flush(target)


def _parts(config: BertConfig) -> Iterable[list[str]]:
    yield sorted(scopes.embedding_shapes(config))
    for layer in range(config.num_hidden_layers):
        yield sorted(scopes.layer_shapes(config, layer))
