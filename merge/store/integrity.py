"""Verifying a store: every digest is computed again from bytes, and what differs is named."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge.store.folder_digest import differing_file, file_digests
from centrabert.merge.store.labels import read_labels
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_record import Layer, read_store_record
from centrabert.merge.store.stored_layers import NAME as LAYER
from centrabert.merge.store.version_record import TaskEntry, Version, read_or_fault
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import first_difference, read_record
from centrabert.modeling.digest import tensor_digests


def faults(folder: StoreFolder) -> Iterator[str]:
    """One line for everything in the store that is not as it was written.

    Raises:
      UserError: store.json itself is damaged or absent, so that nothing else can be judged.
    """
    base = read_store_record(folder)
    if fault := _file_fault(folder.tokenizer, base.tokenizer):
        yield fault
    yield from layer_faults(folder, base.layers)
    branches: dict[str, TaskEntry] = {}
    for number in folder.numbers():
        version = read_or_fault(folder, number)
        if isinstance(version, str):
            yield version
            continue
        branches.update({entry.branch: entry for entry in version.tasks.values()})
        yield from model_faults(folder.model(number), version)
    for digest, entry in sorted(branches.items()):
        yield from branch_faults(folder.branch(digest), entry)
    yield from _label_faults(folder)


def model_faults(model: Path, version: Version, beside: Collection[str] = ()) -> Iterator[str]:
    """What differs in the exported model of a version, in the store or where it was exported to.

    Args:
      beside: Paths of files that may be there besides those of the model.
    """
    if not model.is_dir():
        yield f"{model}: is missing"
        return
    found = {path: digest for path, digest in file_digests(model).items() if path not in beside}
    if name := differing_file(version.files, found):
        yield f"{model / name}: is not what version {version.number} was proved with"


def layer_faults(folder: StoreFolder, layers: Iterable[Layer]) -> Iterator[str]:
    """What differs in these layers of the base."""
    for layer in layers:
        place = folder.layer(layer.digest)
        if fault := _file_fault(place, layer.files):
            yield fault
            continue
        found = tensor_digests(checkpoint.read(place / LAYER))
        if name := first_difference(layer.variables, found):
            yield f"{place}: {name} is not the one of store.json"


def branch_faults(place: Path, entry: TaskEntry) -> Iterator[str]:
    """What differs in the folder of a branch."""
    if fault := _file_fault(place, entry.files):
        yield fault
        return
    try:
        read_owned(place, read_record(place))
    except UserError as error:
        yield str(error)


def _file_fault(place: Path, files: Mapping[str, str]) -> str | None:
    if not place.is_dir():
        return f"{place}: is missing"
    name = differing_file(files, file_digests(place))
    return None if name is None else f"{place / name}: is missing, or not what it was when it was written"


def _label_faults(folder: StoreFolder) -> Iterator[str]:
    numbers = set(folder.numbers())
    try:
        pointed = read_labels(folder).versions
    except UserError as error:
        yield str(error)
        return
    for label, number in pointed.items():
        if number not in numbers:
            yield f"{folder.labels}: label {label!r} points to version {number}, which is not there"
