"""Changes of a model store, killed at random: each time the store is the old or the new one, and whole.

The parent imports all and runs no TensorFlow session, so that its children need not import it again.
"""

import json
import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import random_models
from centrabert.errors import UserError
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.version_record import Version
from centrabert.modeling.branch_folder import read_record

LONGEST = 6.0  # seconds from the start of a child to its kill
KEEP = 4
CHEAP = ChangeOptions(replay="changed")
WORDS = sorted({word for sentence in random_models.SENTENCES for word in sentence.split()})
LEFTOVERS = ("**/*.tmp", "**/new", "**/*.new", "**/*.removed")
# The first of these that is found tells what was done; the lock alone is between two of them.
STAGES: Mapping[str, str] = {
    "versions/*.removed": "removing a version",
    "branches/*.removed": "removing a branch",
    ".labels.json.*.tmp": "moving a label",
    "versions/.*.tmp/*/version.json": "flushing a version",
    "versions/.*.tmp/*/model/assets.extra/tf_serving_warmup_requests": "asking the new version",
    "versions/.*.tmp/*/model/variables": "joining the weights",
    "versions/.*.tmp": "building a graph",
    "cache/.*.tmp": "writing an index",
    "branches/.*.tmp": "writing a branch",
    "branches/new": "naming a branch",
}
State = tuple[int, int | None]  # the newest version, and that of the label stable


@dataclass(frozen=True)
class Branches:
    """Folders of trained branches, two of one task and one of another."""

    one: Path
    again: Path
    other: Path


def run(output_dir: Path, kills: int, chance: random.Random) -> None:
    """Kills so many children; prints what was made and where the kills hit."""
    (made,) = _child(lambda say: say(_prepare(output_dir)))
    root, branches = output_dir / "store", Branches(*map(Path, made))
    state: State = (1, None)
    stages: Counter[str] = Counter()
    start = time.monotonic()
    for each in range(kills):
        seed, seconds = chance.random(), chance.uniform(0.0, LONGEST)
        said = _child(lambda say, seed=seed: _change(root, branches, random.Random(seed), say), seconds)  # noqa: S311
        stages[_stage(StoreFolder(root))] += 1
        before = _last(said, state)
        (found,) = _child(lambda say: say(_check(root)))
        state = _judged(root, before, said, found)
        if each % 20 == 19:
            print(f"{each + 1} kills, {state[0]} versions, {time.monotonic() - start:.0f} s", flush=True)
    print(f"{kills} kills, {state[0]} versions; each time the store was the old or the new one, and whole")
    print("killed while " + ", ".join(f"{stage}: {times}" for stage, times in stages.most_common()))


def _child(work: Callable[[Callable[[Any], None]], None], seconds: float | None = None) -> list[Any]:
    """What a forked child says, line by line; it is killed after so many seconds.

    Raises:
      RuntimeError: The child failed; it has printed its traceback.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(lambda value: os.write(writing, (json.dumps(value) + "\n").encode()) and None)
            os._exit(0)
        finally:  # else the child would go on as its parent
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading, encoding="utf-8") as lines:
        said = [json.loads(line) for line in lines]
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
        raise RuntimeError("a child failed; see above")
    return said


def _prepare(output_dir: Path) -> list[str]:
    """Makes a store of one version; returns the folders of the branches."""
    output_dir.mkdir(parents=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{each}" for each in letters),
        *WORDS,
    ]
    (output_dir / "vocab.txt").write_text("".join(f"{token}\n" for token in dict.fromkeys(tokens)))
    base = random_models.bert(output_dir / "bert", "minilm", output_dir / "vocab.txt")
    shapes = random_models.students("minilm", 2)
    one, other = random_models.answering_branches(output_dir / "branches", base, shapes)
    (again,) = random_models.answering_branches(output_dir / "again", base, shapes[:1], seed="again")
    ModelStore.create(output_dir / "store", base).add(one)
    return [str(one), str(again), str(other)]


def _change(root: Path, branches: Branches, chance: random.Random, say: Callable[[Any], None]) -> None:
    """Changes the store until the process is killed, and says where it stands after each change."""
    store, first, second = ModelStore(root), branches.one.name, branches.other.name
    moves: list[Callable[[], object]] = [
        lambda: store.update(_another(store, branches), options=CHEAP),
        lambda: store.update(_another(store, branches)),
        lambda: store.promote("stable", chance.choice(store.folder.numbers())),
        lambda: store.gc(KEEP),
        lambda: (
            store.remove(second, CHEAP)
            if second in _newest(store).tasks
            else store.add(branches.other, options=CHEAP)
        ),
    ]
    while first in _newest(store).tasks:
        chance.choice(moves)()
        say(_state(store))
    raise UserError(f"{root}: task {first} is lost")


def _another(store: ModelStore, branches: Branches) -> Path:
    """The one of two branches that the newest version has not."""
    stored = store.folder.branch(_newest(store).tasks[branches.one.name].branch)
    return branches.again if read_record(stored) == read_record(branches.one) else branches.one


def _state(store: ModelStore) -> State:
    return _newest(store).number, store.labels.versions.get("stable")


def _newest(store: ModelStore) -> Version:
    if store.latest is None:
        raise UserError(f"{store.folder.root}: has no version")
    return store.latest


def _stage(folder: StoreFolder) -> str:
    """What the killed process did, by what it left."""
    for pattern, stage in STAGES.items():
        if any(folder.root.glob(pattern)):
            return stage
    return "holding the lock" if (folder.root / ".lock").read_text() else "reading, or between two changes"


def _last(said: list[Any], state: State) -> State:
    return (said[-1][0], said[-1][1]) if said else state


def _check(root: Path) -> State:
    """Opens the store, lets the next command clean up, and verifies every byte; returns where it stands."""
    store = ModelStore(root)
    state = _state(store)
    store.promote("checked", state[0])
    left = [str(path) for pattern in LEFTOVERS for path in root.glob(pattern)]
    if faults := [*left, *store.verify()]:
        raise UserError("; ".join(faults))
    store.gc(KEEP)
    needed = {entry.branch for version in store.versions().values() for entry in version.tasks.values()}
    if store.folder.stored() != needed or store.verify():
        raise UserError(f"{root}: gc left or took what it must not")
    return state


def _judged(root: Path, before: State, said: list[Any], found: list[Any]) -> State:
    """The state that was found, which is that before the killed change or after it."""
    newest, stable = found
    if newest not in (before[0], before[0] + 1) or (newest != before[0] and stable != before[1]):
        raise UserError(f"{root}: is at {found}, after {before} and {said}")
    return newest, stable
