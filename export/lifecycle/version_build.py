"""Building a version of a store: its exported model, from the shards of its branches, and the proof of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA, SAVED_MODEL, VARIABLES
from centrabert.export.graph.saved_model import graph_builder
from centrabert.export.graph.version_files import write_version_files
from centrabert.export.lifecycle.proof import Proof, TaskProof, prove_answers, this_machine, write_proof
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.store.folder_digest import file_digest
from centrabert.merge.store.integrity import branch_faults, layer_faults
from centrabert.merge.store.shards import Shard
from centrabert.merge.store.store_folder import MODEL, StoreFolder
from centrabert.merge.store.store_record import StoreRecord
from centrabert.merge.store.stored_branches import branch_shard
from centrabert.merge.store.stored_layers import trunk_shards
from centrabert.merge.store.stored_version import graph_digest, manifest_of, read_records
from centrabert.merge.store.version_record import Version, read_or_fault, write_version
from centrabert.modeling.branch_folder import GOLDEN, first_difference
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import vocabulary_file

MANY = 16  # more tasks than these are not all asked at every change, unless somebody wants it


@dataclass(frozen=True)
class Draft:
    """A version that has no files yet: `version.graph` and `version.files` are empty.

    Attributes:
      parent: What it is made of; None for the first.
      replay_all: Whether unchanged tasks are asked their golden texts too.
    """

    version: Version
    parent: Version | None
    replay_all: bool


def build(folder: StoreFolder, base: StoreRecord, draft: Draft, aside: Path) -> tuple[Version, Proof]:
    """Writes version.json, proof.json and model/ into the empty `aside`, and returns what the first two say.

    Raises:
      UserError: The branches cannot stand on one trunk, or an answer is not as it must be.
      OSError: The disk is full.
    """
    tasks = draft.version.tasks
    manifest = manifest_of(folder, base, read_records(folder, tasks))
    graph = graph_digest(manifest, graph_builder())
    model = aside / MODEL
    model.mkdir()
    try:
        known = _write_model(folder, base, draft, manifest, graph, model)
        proof = _prove(folder, draft, manifest, model)
    except UserError:
        _check_parts(folder, base, draft.version, manifest.plan.trunk_depth, _built(folder, graph))
        raise
    files = {
        path: known.get(path) or file_digest(model / path)
        for path in sorted(each.relative_to(model).as_posix() for each in model.rglob("*") if each.is_file())
    }
    version = replace(draft.version, graph=graph, files=files)
    write_version(aside, version)
    write_proof(aside, proof)
    return version, proof


def _write_model(
    folder: StoreFolder, base: StoreRecord, draft: Draft, manifest: Manifest, graph: str, model: Path
) -> Mapping[str, str]:
    """Writes the exported files; returns the digests of those that are other files under another name."""
    tasks = draft.version.tasks
    tokenizer = read_tokenizer(vocabulary_file(folder.tokenizer), base.do_lower_case)
    if tokenizer.digest != base.vocabulary_digest:
        raise UserError(
            f"{folder.tokenizer}: is not the vocabulary of {folder.record}; restore it from a copy"
        )
    shards = {
        **{
            shard: dict(layer.files)
            for shard, layer in zip(
                trunk_shards(folder, base, manifest.plan.trunk_depth), base.layers, strict=False
            )
        },
        **{branch_shard(folder, tasks[name].branch, name): tasks[name].files for name in manifest.tasks},
    }
    built = _built(folder, graph)
    graph_file = folder.model(built.number) / SAVED_MODEL if built else None
    goldens = {name: folder.branch(tasks[name].branch) / GOLDEN for name in manifest.tasks}
    write_version_files(model, manifest, tokenizer, list(shards), goldens, graph_file)
    known = _shard_digests(model, shards)
    if built:
        known[SAVED_MODEL] = built.files[SAVED_MODEL]
    return known


def _built(folder: StoreFolder, graph: str) -> Version | None:
    """The newest version that can be read and has the same graph, which then need not be built."""
    versions = (read_or_fault(folder, number) for number in reversed(folder.numbers()))
    return next((each for each in versions if isinstance(each, Version) and each.graph == graph), None)


def _shard_digests(model: Path, shards: Mapping[Shard, Mapping[str, str]]) -> dict[str, str]:
    """SHA-256 of each data file that is a hard link of a stored one, whose digest is known."""
    known = {}
    for number, (shard, digests) in enumerate(shards.items()):
        path = f"{VARIABLES}.data-{number:05d}-of-{len(shards):05d}"
        if (model / path).samefile(shard.data):
            known[path] = digests[shard.data.name]
    return known


def _prove(folder: StoreFolder, draft: Draft, manifest: Manifest, model: Path) -> Proof:
    """Asks the exported model; raises UserError if an answer or the trunk is not as it must be."""
    tasks, parent = draft.version.tasks, draft.parent
    same = {name for name, entry in tasks.items() if parent and _branch_of(parent, name) == entry.branch}
    asked = {
        branch.task: read_golden(folder.branch(tasks[branch.task.name].branch) / GOLDEN, branch.task)
        for branch in manifest.plan.branches
        if draft.replay_all or branch.task.name not in same
    }
    old = folder.model(parent.number) if parent else None
    answers = prove_answers(model, old, asked, tasks.keys() - same)
    before = read_manifest(old / EXTRA) if old else None
    if before and (name := first_difference(before.trunk, {**before.trunk, **manifest.trunk})):
        raise UserError(f"{folder.root}: {name} of the trunk would change; nothing was changed")
    rows = {task.name: len(golden.text_a) for task, golden in asked.items()}
    return Proof(
        parent=parent.number if parent else None,
        trunk_layers=(before.plan.trunk_depth if before else None, manifest.plan.trunk_depth),
        trunk_digest=manifest.trunk_digest,
        tasks={
            name: TaskProof(tasks[name].branch, name in same, rows.get(name, 0), answers.get(name))
            for name in manifest.tasks
        },
        machine=this_machine(),
    )


def _check_parts(
    folder: StoreFolder, base: StoreRecord, version: Version, depth: int, built: Version | None
) -> None:
    """Raises UserError that names the first damaged file of those that a version is made of.

    Args:
      built: The version whose graph it takes.
    """
    if built:
        file = folder.model(built.number) / SAVED_MODEL
        if not file.is_file() or file_digest(file) != built.files[SAVED_MODEL]:
            raise UserError(f"{file}: is not what version {built.number} was proved with")
    for fault in layer_faults(folder, base.layers[: depth + 1]):
        raise UserError(fault)
    for task, entry in sorted(version.tasks.items()):
        for fault in branch_faults(folder.branch(entry.branch), entry):
            raise UserError(f"task {task!r}: {fault}")


def _branch_of(version: Version, task: str) -> str | None:
    return version.tasks[task].branch if task in version.tasks else None
