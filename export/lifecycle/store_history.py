"""What the page of a store shows, read from the store."""

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_text import labels_of
from centrabert.export.page.metric_plot import Measured
from centrabert.export.page.store_page import ShownVersion, TaskHistory, store_page
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.store.version_record import Version
from centrabert.modeling.branch_folder import BranchRecord, read_record


def history_page(store: ModelStore, version: Version) -> str:
    """The page of a store, with one of its versions drawn; what is damaged of others is said in its place.

    Raises:
      UserError: That version is damaged.
    """
    labels, moves, readings = labels_of(store), store.labels.by_version, store.readings()
    shown = [
        ShownVersion(each, tuple(labels.get(number, ())), _proof_text(store, number))
        for number, each in readings.items()
        if isinstance(each, Version)
    ]
    damaged = {number: each for number, each in readings.items() if isinstance(each, str)}
    manifest = read_manifest(store.folder.model(version.number) / EXTRA)
    name = store.folder.root.resolve().name
    return store_page(name, shown, task_histories(store), version.number, manifest, damaged, moves)


def _proof_text(store: ModelStore, number: int) -> str:
    try:
        return store.proof(number).text()
    except UserError as error:
        return f"damaged: {error}"


def task_histories(store: ModelStore) -> list[TaskHistory]:
    """Of every task that a version has or had, by its name; one for each metric that chose a checkpoint.

    Branches that were not measured on dev are left out, and damaged versions and branches.
    """
    records: dict[str, BranchRecord | None] = {}
    found: dict[tuple[str, str], list[Measured]] = {}
    before: dict[str, str] = {}
    for number, version in store.readings().items():
        if isinstance(version, str):
            continue
        branches = {task: entry.branch for task, entry in version.tasks.items()}
        for task, branch in branches.items():
            if branch not in records:
                records[branch] = _record_or_none(store, branch)
            if (record := records[branch]) is None:
                continue
            metric = record.branch.task.metric
            if (value := record.metrics.get(metric)) is None:
                continue  # an imported branch whose task has no dev rows
            measured = Measured(number, value, changed=before.get(task) != branch)
            found.setdefault((task, metric), []).append(measured)
        before = branches
    return [TaskHistory(task, metric, tuple(measured)) for (task, metric), measured in sorted(found.items())]


def _record_or_none(store: ModelStore, branch: str) -> BranchRecord | None:
    try:
        return read_record(store.folder.branch(branch))
    except UserError:
        return None
