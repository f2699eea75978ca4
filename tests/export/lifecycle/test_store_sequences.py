"""Random sequences of all verbs, with crashes, kills and second writers, against a model in memory."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from expected_store import ASKED, Expected, check_answers, check_merged, inodes
from file_trace import Crash, crash_at, listening, snapshot
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, rule
from tiny_store import copy, meanwhile, tiny_store

from centrabert.errors import UserError
from centrabert.export.contract.models_config import read_labels
from centrabert.export.contract.version_folder import SETTINGS, version_folders
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.store_export import export_faults, export_labelled
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.modeling.branch_folder import GOLDEN
from centrabert.modeling.file_lock import exclusive

SERVING = TfServing("nlp", 1)
CHEAP = ChangeOptions(replay="changed")
LEFTOVERS = ("**/*.tmp", "**/new", "**/*.new", "**/*.removed")
FATES = st.sampled_from(["done", "done", "crashed", "killed", "killed", "locked", "raced"])
MOMENTS = st.integers(1, 70)  # an update is about 70 operations on files


# What a verb makes of a store; None where it must be refused.
Effect = Callable[[Expected], Expected | None]


class StoreMachine(RuleBasedStateMachine):
    """Each rule is a verb and what happens to it: it is done, dies, or somebody else is there."""

    def __init__(self) -> None:
        super().__init__()
        self.root, self.beside = (Path(tempfile.mkdtemp(prefix="sequence-")) for _ in range(2))
        self.store = copy(self.root / "0")
        self.expected = Expected({1: {"rte": "rte"}, 2: {"rte": "rte", "tone": "tone"}})
        self.digests: dict[tuple[str, str], str] = {}
        self.check()

    def teardown(self) -> None:
        shutil.rmtree(self.root)
        shutil.rmtree(self.beside)

    @rule(task=st.sampled_from(["rte", "tone"]), fate=FATES, moment=MOMENTS)
    def add(self, task: str, fate: str, moment: int) -> None:
        def effect(before: Expected) -> Expected | None:
            return None if task in before.newest else before.changed({**before.newest, task: task})

        self.act(lambda s: s.add(getattr(tiny_store(), task), options=CHEAP), effect, fate, moment, task)

    @rule(branch=st.sampled_from(["rte", "rte2", "tone"]), fate=FATES, moment=MOMENTS)
    def update(self, branch: str, fate: str, moment: int) -> None:
        task = branch.rstrip("2")

        def effect(before: Expected) -> Expected | None:
            same = before.newest.get(task) in (None, branch)
            return None if same else before.changed({**before.newest, task: branch})

        self.act(lambda s: s.update(getattr(tiny_store(), branch), options=CHEAP), effect, fate, moment, task)

    @rule(task=st.sampled_from(["rte", "tone", "mood"]), fate=FATES, moment=MOMENTS)
    def remove(self, task: str, fate: str, moment: int) -> None:
        def effect(before: Expected) -> Expected | None:
            rest = {name: branch for name, branch in before.newest.items() if name != task}
            return before.changed(rest) if rest and task in before.newest else None

        self.act(lambda s: s.remove(task, CHEAP), effect, fate, moment, task)

    @rule(names=st.sampled_from([("tone", "mood"), ("mood", "tone")]), fate=FATES, moment=MOMENTS)
    def rename(self, names: tuple[str, str], fate: str, moment: int) -> None:
        old, new = names

        def effect(before: Expected) -> Expected | None:
            if old not in before.newest or new in before.newest:
                return None
            rest = {name: branch for name, branch in before.newest.items() if name != old}
            return before.changed({**rest, new: before.newest[old]})

        self.act(lambda s: s.rename(old, new, CHEAP), effect, fate, moment, *names)

    @rule(label=st.sampled_from(["stable", "canary"]), back=st.integers(0, 3), fate=FATES, moment=MOMENTS)
    def promote(self, label: str, back: int, fate: str, moment: int) -> None:
        number = max(self.expected.versions) - back

        def effect(before: Expected) -> Expected | None:
            moves = before.labels.get(label, ())
            moved = moves if moves[-1:] == (number,) else (*moves, number)
            return (
                replace(before, labels={**before.labels, label: moved}) if number in before.versions else None
            )

        self.act(lambda s: s.promote(label, number), effect, fate, moment % 9)

    @rule(label=st.sampled_from(["stable", "canary"]), fate=FATES, moment=MOMENTS)
    def roll_back(self, label: str, fate: str, moment: int) -> None:
        def effect(before: Expected) -> Expected | None:
            moves = before.labels.get(label, ())[:-1]
            there = moves and moves[-1] in before.versions
            return replace(before, labels={**before.labels, label: moves}) if there else None

        self.act(lambda s: s.roll_back(label), effect, fate, moment % 9)

    @rule(label=st.sampled_from(["stable", "canary"]), fate=FATES, moment=MOMENTS)
    def unlabel(self, label: str, fate: str, moment: int) -> None:
        def effect(before: Expected) -> Expected | None:
            rest = {name: moves for name, moves in before.labels.items() if name != label}
            return replace(before, labels=rest) if label in before.labels else None

        self.act(lambda s: s.unlabel(label), effect, fate, moment % 9)

    @rule(keep=st.integers(1, 3), fate=FATES, moment=MOMENTS)
    def gc(self, keep: int, fate: str, moment: int) -> None:
        self.act(lambda s: s.gc(keep), lambda before: before.collected(keep), fate, moment % 30)
        if fate == "done":
            folder = self.store.folder
            needed = {
                entry.branch for version in self.store.versions().values() for entry in version.tasks.values()
            }
            assert folder.stored() == needed
            assert {path.stem for path in folder.cache.iterdir()} <= needed
            assert [path for pattern in LEFTOVERS for path in folder.root.glob(pattern)] == []

    @rule(branch=st.sampled_from(["rte", "rte2", "tone"]), lost=st.booleans(), fate=FATES, moment=MOMENTS)
    def repair(self, branch: str, lost: bool, fate: str, moment: int) -> None:
        """Writes a lost file again; of a sound store it changes nothing."""
        digest = self.digests.get((branch.rstrip("2"), branch), "")
        stored = digest in self.store.folder.stored()
        if lost and stored and fate == "done":
            (self.store.folder.branch(digest) / GOLDEN).unlink()
            assert self.store.repair(getattr(tiny_store(), branch)) == {digest: [GOLDEN]}
        before = inodes(self.store)
        self.act(
            lambda s: s.repair(getattr(tiny_store(), branch)),
            lambda before: before if stored else None,
            fate,
            moment % 9,
        )
        assert fate == "killed" or inodes(self.store) == before

    @rule(back=st.integers(-1, 2), crash=st.booleans(), moment=MOMENTS)
    def checkout(self, back: int, crash: bool, moment: int) -> None:
        """Also while somebody else changes the store; what it writes are the branches and the trunk."""
        number, output = max(self.expected.versions) - back, self.beside / "merged"
        with exclusive(self.store.folder.root, what="a test"):
            before = inodes(self.store)
            if number not in self.expected.versions:
                with pytest.raises(UserError):
                    self.store.checkout(number, output)
            elif self.dies(lambda: self.store.checkout(number, output), crash, moment % 9):
                assert not output.exists()
            else:
                check_merged(output, self.store, self.store.version(number))
                shutil.rmtree(output)
            assert inodes(self.store) == before
        assert list(self.beside.glob("*merged*")) == []

    @rule(crash=st.booleans(), moment=MOMENTS)
    def export(self, crash: bool, moment: int) -> None:
        """A second one finishes what the first one left; what it wrote verifies, and has the labels."""
        serving, labels, before = self.beside / "serving", self.store.labels.versions, inodes(self.store)
        if not labels:
            with pytest.raises(UserError):
                export_labelled(self.store, serving, SERVING)
            return
        self.dies(lambda: export_labelled(self.store, serving, SERVING), crash, moment)
        assert export_labelled(self.store, serving, SERVING).keys() == labels.keys()
        for number, folder in version_folders(serving).items():
            if number not in self.expected.versions:  # gc removed it
                shutil.rmtree(folder)
        assert export_faults(self.store, serving) == []
        assert read_labels(serving / SETTINGS) == labels
        assert inodes(self.store) == before

    def dies(self, verb: Callable[[], Any], crash: bool, moment: int) -> bool:
        """Whether it did so at one operation on files."""
        try:
            with listening(crash_at(moment if crash else 0)):
                verb()
        except Crash:
            return True
        return False

    def act(
        self, verb: Callable[[ModelStore], Any], effect: Effect, fate: str, moment: int, *touched: str
    ) -> None:
        """Lets `fate` happen to the verb, then looks at the store."""
        before, after = self.expected, effect(self.expected)
        if fate == "locked":
            with exclusive(self.store.folder.root, what="a test"), pytest.raises(UserError):
                verb(self.store)
            allowed = [before]
        elif fate == "raced" and touched and "rte" in before.newest:
            between = before.changed({**before.newest, "rte": _other(before)})
            after = None if "rte" in touched else effect(between)
            with meanwhile(lambda: self.store.update(getattr(tiny_store(), _other(before)), options=CHEAP)):
                allowed = [between if each is before else each for each in self.done(verb, between, after)]
        elif fate == "killed":
            allowed = self.killed(verb, before, after, moment)
        elif fate == "crashed":
            allowed = self.crashed(verb, before, after, moment)
        else:
            allowed = self.done(verb, before, after)
        self.adopt(allowed)
        self.check()

    def done(
        self, verb: Callable[[ModelStore], Any], before: Expected, after: Expected | None
    ) -> list[Expected]:
        """The verb to its end; what the store may be then."""
        if after is not None:
            verb(self.store)
            return [after]
        with pytest.raises(UserError):
            verb(self.store)
        return [before]

    def killed(
        self, verb: Callable[[ModelStore], Any], before: Expected, after: Expected | None, moment: int
    ) -> list[Expected]:
        """Goes on with the folder as it was at one operation on files, of which nobody cleaned anything."""
        left = self.root / str(len(list(self.root.iterdir())))
        steps = 0

        def keep(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal steps
            steps += 1
            if steps == moment:
                snapshot(self.store.folder.root, left)

        with listening(keep):
            allowed = self.done(verb, before, after)
        if not left.exists():
            return allowed
        self.store = ModelStore(left)
        return [before, *allowed]

    def crashed(
        self, verb: Callable[[ModelStore], Any], before: Expected, after: Expected | None, moment: int
    ) -> list[Expected]:
        """Raises what nobody catches instead of one operation on files; what cleans up, does."""
        try:
            with listening(crash_at(moment)):
                return self.done(verb, before, after)
        except Crash:
            return [before] if after is None else [before, after]

    def adopt(self, allowed: list[Expected]) -> None:
        """Holds the store to one of what it may be; a gc may have removed some of the versions."""
        self.store = ModelStore(self.store.folder.root)
        every = {number: tasks for each in allowed for number, tasks in each.versions.items()}
        found = set(self.store.folder.numbers())
        assert set.intersection(*(set(each.versions) for each in allowed)) <= found <= every.keys()
        pointers = dict(self.store.labels.versions)
        fitting = [
            each for each in allowed if pointers == {name: moves[-1] for name, moves in each.labels.items()}
        ]
        assert fitting, (pointers, allowed)
        self.expected = Expected({number: every[number] for number in sorted(found)}, fitting[0].labels)

    def check(self) -> None:
        """Every byte is right, and every branch in every version answers the bits that it always did."""
        assert self.store.verify() == []
        versions = self.store.versions()
        for number, tasks in self.expected.versions.items():
            assert versions[number].tasks.keys() == tasks.keys()
            for task, branch in tasks.items():
                digest = versions[number].tasks[task].branch
                assert self.digests.setdefault((task, branch), digest) == digest
        for number in {max(versions), *self.store.labels.versions.values()}:
            if (files := str(versions[number].files)) not in ASKED:
                ASKED.add(files)
                check_answers(self.store, versions[number], self.expected.versions[number])


def _other(before: Expected) -> str:
    return "rte" if before.newest["rte"] == "rte2" else "rte2"


TestSequences = StoreMachine.TestCase
TestSequences.settings = settings(
    max_examples=4,
    stateful_step_count=10,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
