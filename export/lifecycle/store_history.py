"""What the page of a store shows, read from the store."""

from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_text import labels_of
from centrabert.export.page.metric_plot import Measured
from centrabert.export.page.store_page import ShownVersion, TaskHistory, store_page
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.store.version_record import Version
from centrabert.modeling.branch_folder import BranchRecord, read_record


def history_page(store: ModelStore, version: Version) -> str:
    """The page of a store, with one of its versions drawn.

    Raises:
      UserError: A version or a branch is damaged.
    """
    labels = labels_of(store)
    shown = [
        ShownVersion(each, tuple(labels.get(number, ())), store.proof(number).text())
        for number, each in store.versions().items()
    ]
    manifest = read_manifest(store.folder.model(version.number) / EXTRA)
    name = store.folder.root.resolve().name
    return store_page(name, shown, task_histories(store), version.number, manifest)


def task_histories(store: ModelStore) -> list[TaskHistory]:
    """Of every task that a version has or had, by its name; one for each metric that chose a checkpoint.

    Branches that were not measured on dev are left out.
    """
    records: dict[str, BranchRecord] = {}
    found: dict[tuple[str, str], list[Measured]] = {}
    before: dict[str, str] = {}
    for number, version in store.versions().items():
        branches = {task: entry.branch for task, entry in version.tasks.items()}
        for task, branch in branches.items():
            if branch not in records:
                records[branch] = read_record(store.folder.branch(branch))
            metric = records[branch].branch.task.metric
            if (value := records[branch].metrics.get(metric)) is None:
                continue  # an imported branch whose task has no dev rows
            measured = Measured(number, value, changed=before.get(task) != branch)
            found.setdefault((task, metric), []).append(measured)
        before = branches
    return [TaskHistory(task, metric, tuple(measured)) for (task, metric), measured in sorted(found.items())]
