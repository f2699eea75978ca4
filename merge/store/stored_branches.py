"""Branches in a store: exactly branch.json, weights and golden.json, in a folder named by their digest."""

import filecmp
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from centrabert.errors import UserError
from centrabert.merge import compatibility
from centrabert.merge.compatibility import Candidate
from centrabert.merge.plan import merged_name
from centrabert.merge.store.folder_digest import file_digests
from centrabert.merge.store.shards import DATA, INDEX, Shard, link
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_record import StoreRecord
from centrabert.merge.store.stored_layers import NAME as LAYER
from centrabert.merge.store.stored_layers import settle
from centrabert.merge.store.version_record import FILES
from centrabert.modeling import checkpoint, files
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import (
    CHECKPOINT,
    GOLDEN,
    RECORD,
    BranchRecord,
    first_difference,
    read_record,
)
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.config import differing_keys
from centrabert.modeling.digest import joint_digest, tensor_digest
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import read_golden


def checked_record(
    source: Path, base: StoreRecord, folder: StoreFolder, branch_base: Path | None = None
) -> BranchRecord:
    """The record of a trained branch, which fits on the base of the store.

    Args:
      branch_base: The BERT that the branch was trained on, for the message: branch.json has digests alone.

    Raises:
      UserError: `source` is no branch folder, or the branch was trained on another base; the message names
        the first variable that differs at or below its depth, and with `branch_base` says by how much.
    """
    candidate = Candidate(source, record := read_record(source))
    compatibility.in_order([candidate])  # a full fine-tuning shares nothing
    lowered = record.do_lower_case
    if lowered != base.do_lower_case and not differing_keys(record.config, base.config):
        raise UserError(
            f"{source}: was trained with --do_lower_case={lowered}, and {folder.root} was created with "
            f"--do_lower_case={base.do_lower_case}; create a store with the former, or train the branch again"
        )
    compatibility.check_base(candidate, folder.root, base.config, base.vocabulary_digest)
    if name := first_difference(record.trunk, base.trunk):
        raise UserError(
            f"{source}: was trained on another trunk than {folder.root}: the first variable that differs is "
            f"{name}, {_drift(name, candidate, base, folder, branch_base)}; train it on the base of the store"
        )
    return record


def _drift(
    name: str, candidate: Candidate, base: StoreRecord, folder: StoreFolder, branch_base: Path | None
) -> str:
    """By how much a variable of the branch's own base differs from the store's."""
    if branch_base is None:
        return "by how much is told with --branch_base=FOLDER, the BERT that it was trained on"
    from centrabert.modeling.bert_folder import BertFolder  # with TensorFlow, which takes seconds

    own = BertFolder.at(branch_base).read([name])[name]
    if tensor_digest(own) != candidate.record.trunk[name]:
        raise UserError(
            f"{branch_base}: is not the BERT that {candidate.folder} was trained on: {name} differs"
        )
    layer = next(layer for layer in base.layers if name in layer.variables)
    apart = np.abs(own - checkpoint.read(folder.layer(layer.digest) / LAYER, [name])[name])
    return f"in {np.count_nonzero(apart)} of {apart.size} values, by at most {apart.max():.3g}"


def store_branch(folder: StoreFolder, source: Path, record: BranchRecord) -> dict[str, str]:
    """Copies what serving needs of a branch folder into the store, and returns the digests of its files.

    The weights are written once. What is there already is left alone, but for files that are damaged.

    Args:
      source: A branch folder; `record` is its own.

    Raises:
      UserError: Its weights are not those of branch.json, or golden.json is damaged.
      OSError: The disk is full.
    """
    digests, index = _staged(folder.branches / "new", source, record)
    _settle(folder, digests, index)
    return digests


def rehearse_branch(source: Path, record: BranchRecord) -> dict[str, str]:
    """What `store_branch` returns, after the same checks; it is written elsewhere and removed."""
    with TemporaryDirectory() as place:
        return _staged(Path(place, "new"), source, record)[0]


def _staged(new: Path, source: Path, record: BranchRecord) -> tuple[dict[str, str], bytes]:
    """Writes the folder `new`; returns the digests of its files, and the weights' index in a merged model."""
    owned = read_owned(source, record)
    read_golden(source / GOLDEN, record.branch.task)
    with files.atomic_folder(new) as aside:
        index = _write_weights(aside, source, record.branch.task.name, owned)
        for name in (RECORD, GOLDEN):
            shutil.copyfile(source / name, aside / name)
        return _seal(aside), index


def repair_branch(folder: StoreFolder, source: Path, dry_run: bool) -> tuple[str, list[str]]:
    """Writes the files of a stored branch again that are damaged, from the folder that it came from.

    Returns:
      The digest of the branch, and the names of the files.

    Raises:
      UserError: The store has no such branch, or `source` is damaged.
      OSError: The disk is full, or the files are another user's.
    """
    record = read_record(source)
    digests = rehearse_branch(source, record)
    digest = joint_digest(digests)
    if digest not in folder.stored():
        raise UserError(f"{source}: the store has no branch of these files, so it can repair none")
    found = file_digests(folder.branch(digest))
    damaged = [name for name in FILES if found.get(name) != digests[name]]
    if damaged and not dry_run:
        store_branch(folder, source, record)
    return digest, damaged


def renamed_record(folder: StoreFolder, digest: str, task: str) -> BranchRecord:
    """The record of a stored branch for a task of another name.

    Raises:
      UserError: No task may have that name, or the branch is damaged.
    """
    return _renamed(folder.branch(digest), task)[0]


def rename_branch(folder: StoreFolder, digest: str, task: str) -> dict[str, str]:
    """A branch of the same weights for a task of another name; returns the digests of its files."""
    source = folder.branch(digest)
    record, owned = _renamed(source, task)
    with files.atomic_folder(folder.branches / "new") as aside:
        index = _merged_index(aside, task, owned)
        for name in (f"{CHECKPOINT}{DATA}", f"{CHECKPOINT}{INDEX}", GOLDEN):
            link(source / name, aside / name)
        (aside / RECORD).write_text(dump(record.to_json()), encoding="utf-8")
        digests = _seal(aside)
    _settle(folder, digests, index)
    return digests


def _renamed(source: Path, task: str) -> tuple[BranchRecord, checkpoint.Tensors]:
    """The record of a stored branch for a task of another name, and its weights."""
    record = read_record(source)
    owned = read_owned(source, record)
    return replace(record, branch=replace(record.branch, task=replace(record.branch.task, name=task))), owned


def branch_shard(folder: StoreFolder, digest: str, task: str) -> Shard:
    """A branch's checkpoint under its merged names; makes the index again if it is lost or damaged."""
    index = folder.index(digest)
    shard = Shard(folder.branch(digest) / f"{CHECKPOINT}{DATA}", index)
    if not index.is_file() or not _readable(shard):
        source = folder.branch(digest)
        owned = read_owned(source, read_record(source))
        with files.atomic_folder(folder.cache / f"{digest}.new") as aside:
            content = _merged_index(aside, task, owned)
        shutil.rmtree(folder.cache / f"{digest}.new")
        _write_index(index, content)
    return shard


def _readable(shard: Shard) -> bool:
    try:
        shard.check()
    except UserError:
        return False
    return True


def _write_weights(aside: Path, source: Path, task: str, owned: Tensors) -> bytes:
    """Writes model.ckpt and returns its index under the merged names: one data file serves both."""
    merged, own = Shard.of(aside / "merged"), Shard.of(aside / CHECKPOINT)
    checkpoint.write(aside / "merged", {merged_name(task, name): owned[name] for name in owned})
    written = Shard.of(source / CHECKPOINT)
    if filecmp.cmp(merged.data, written.data, shallow=False):
        shutil.copyfile(written.index, own.index)
        merged.data.rename(own.data)
    else:  # laid out otherwise, by an older version
        checkpoint.write(aside / CHECKPOINT, owned)
        if not filecmp.cmp(merged.data, own.data, shallow=False):
            raise AssertionError(f"{source}: the layout of a checkpoint depends on the variables' names")
        merged.data.unlink()
    content = merged.index.read_bytes()
    merged.index.unlink()
    return content


def _merged_index(aside: Path, task: str, owned: Tensors) -> bytes:
    """The index of the weights under the merged names; nothing of it is left in `aside`."""
    merged = Shard.of(aside / "merged")
    checkpoint.write(aside / "merged", {merged_name(task, name): owned[name] for name in owned})
    content = merged.index.read_bytes()
    merged.index.unlink()
    merged.data.unlink()
    return content


def _seal(aside: Path) -> dict[str, str]:
    """SHA-256 of a branch's files, which nobody writes to any more."""
    found = sorted(path.name for path in aside.iterdir())
    if found != sorted(FILES):
        raise AssertionError(f"{aside}: holds {found}, wanted {FILES}")
    for name in FILES:
        (aside / name).chmod(0o444)
    return file_digests(aside)


def _settle(folder: StoreFolder, digests: dict[str, str], index: bytes) -> None:
    digest = joint_digest(digests)
    if not folder.index(digest).is_file():
        _write_index(folder.index(digest), index)
    settle(folder.branches / "new", folder.branch(digest))


def _write_index(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    with files.atomic_file(path) as aside:
        aside.write_bytes(content)
