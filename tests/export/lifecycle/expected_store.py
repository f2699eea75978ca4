"""What a store must hold after a sequence of verbs, in memory, and whether it does."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from file_trace import state

from centrabert.export.engine.golden_check import ask
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.merge.merged_folder import CHECKPOINT, golden_file
from centrabert.merge.plan import merged_name
from centrabert.merge.store.version_record import Version
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import GOLDEN, read_record
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.golden_file import read_golden

Tasks = dict[str, str]  # name of a task -> which of the branches of tiny_store


@dataclass
class Expected:
    """What a store must hold: its versions, and where each label points, and pointed before."""

    versions: dict[int, Tasks] = field(default_factory=dict)
    labels: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def newest(self) -> Tasks:
        return self.versions[max(self.versions)]

    def changed(self, tasks: Tasks) -> "Expected":
        return replace(self, versions={**self.versions, max(self.versions) + 1: tasks})

    def collected(self, keep: int) -> "Expected":
        kept = {*sorted(self.versions)[-keep:], *(moves[-1] for moves in self.labels.values())}
        return replace(self, versions={n: tasks for n, tasks in self.versions.items() if n in kept})


PASSING = re.compile(r"(^|/)(\.|new/|cache/|[^/]*\.(new|removed)/)")
ASKED: set[str] = set()  # versions with these files; the digests of their bytes are computed in every step
ANSWERS: dict[str, dict[str, bytes]] = {}


def inodes(store: ModelStore) -> tuple[tuple[str, int, int], ...]:
    """What tells whether anything was written, but for the lock and what is cleaned up."""
    return tuple(each for each in state(store.folder.root) if not PASSING.search(each[0]))


def check_merged(output: Path, store: ModelStore, version: Version) -> None:
    """A merged model has the variables of the branches and of the base, to the last bit."""
    merged = tensor_digests(checkpoint.read(output / CHECKPOINT))
    for task, entry in version.tasks.items():
        folder = store.folder.branch(entry.branch)
        for name, digest in read_record(folder).variables.items():
            assert merged.pop(merged_name(task, name)) == digest
        assert golden_file(output, task).read_bytes() == (folder / GOLDEN).read_bytes()
    assert merged.items() <= store.base.trunk.items() and merged


def check_answers(store: ModelStore, version: Version, tasks: Tasks) -> None:
    with Predictor(store.folder.model(version.number)) as predictor:
        for task, branch in tasks.items():
            folder = store.folder.branch(version.tasks[task].branch)
            spec = read_record(folder).branch.task
            found = ask(predictor, spec, read_golden(folder / GOLDEN, spec))
            bits = {name: str(array.tolist()).encode() for name, array in found.items()}
            assert ANSWERS.setdefault(branch, bits) == bits
