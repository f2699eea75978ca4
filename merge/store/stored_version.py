"""What a version of a store is made of: the records of its branches, and the manifest of the merged model."""

from collections.abc import Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge import compatibility
from centrabert.merge.compatibility import Candidate
from centrabert.merge.manifest import Manifest
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_record import StoreRecord
from centrabert.merge.store.version_record import TaskEntry
from centrabert.modeling import scopes
from centrabert.modeling.branch_folder import BranchRecord, read_record
from centrabert.modeling.digest import text_digest
from centrabert.modeling.formats.json_file import dump


def read_records(folder: StoreFolder, tasks: Mapping[str, TaskEntry]) -> dict[str, BranchRecord]:
    """The record of every task's branch; raises UserError if one is of another task, or damaged."""
    records = {task: read_record(folder.branch(entry.branch)) for task, entry in tasks.items()}
    for task, record in records.items():
        if record.branch.task.name != task:
            raise UserError(
                f"{folder.branch(tasks[task].branch)}: is of task {record.branch.task.name!r}, not {task!r}"
            )
    return records


def manifest_of(folder: StoreFolder, base: StoreRecord, records: Mapping[str, BranchRecord]) -> Manifest:
    """The merged model of these branches; its trunk is as deep as the branch that freezes most.

    Raises:
      UserError: Two branches cannot stand on one trunk, such as of different max_seq_length.
    """
    candidates = compatibility.in_order([Candidate(Path(task), record) for task, record in records.items()])
    depth = max(each.record.branch.frozen for each in candidates)
    first = candidates[0].record
    return Manifest(
        config=base.config,
        do_lower_case=base.do_lower_case,
        vocabulary_digest=base.vocabulary_digest,
        max_seq_length=first.branch.task.max_seq_length,
        trunk={name: sha for name, sha in base.trunk.items() if scopes.depth(name) <= depth},
        records=tuple(each.record for each in candidates),
    )


def graph_digest(manifest: Manifest, builder: str) -> str:
    """The digest of all that decides the graph, which is everything but the weights and how they came about.

    Args:
      builder: The TensorFlow and the code that build it.
    """
    branches = [branch.to_json() for branch in manifest.plan.branches]
    decides = [builder, manifest.config.to_json(), manifest.vocabulary_digest, branches]
    return text_digest(dump(decides))
