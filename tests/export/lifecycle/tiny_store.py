"""A joke-sized store of two tasks, made once; tests work on copies of it."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny

from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.merge.store import store_lock
from centrabert.modeling.branch import Branch
from centrabert.modeling.file_lock import exclusive

RTE = Branch(tiny.task("rte"), 1, 1)
TONE = Branch(tiny.task("tone", labels=("bad", "dull", "fine"), pair=False), 2, 1)
SIM = Branch(tiny.task("sim", "regression"), 4, 1)


@dataclass(frozen=True)
class TinyStore:
    """Folders; `rte` and `tone` are versions 1 and 2 of the store.

    Attributes:
      rte2: Another branch for the task rte, of the same shape.
      sim: A branch that freezes more than the others.
    """

    base: Path
    rte: Path
    tone: Path
    rte2: Path
    sim: Path
    store: Path


@cache
def tiny_store() -> TinyStore:
    """Do not write into its folders."""
    root = Path(tempfile.mkdtemp(prefix="store-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    base = tiny.bert_folder(root / "base")
    made = TinyStore(
        base=base,
        rte=tiny.branch(root / "rte", base, RTE, seed=1),
        tone=tiny.branch(root / "tone", base, TONE, seed=2),
        rte2=tiny.branch(root / "rte2", base, RTE, seed=3),
        sim=tiny.branch(root / "sim", base, SIM, seed=4),
        store=root / "store",
    )
    store = ModelStore.create(made.store, base)
    store.add(made.rte)
    store.add(made.tone)
    return made


def copy(to: Path) -> ModelStore:
    """A store to change; its files are hard links, as in a store they never change."""
    shutil.copytree(tiny_store().store, to, copy_function=_link)
    return ModelStore(to)


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target


@contextmanager
def meanwhile(other: Callable[[], object]) -> Iterator[None]:
    """The change in the block finds, once it has the lock, that another writer was faster."""

    def locked(root: Path, wait: bool, what: str, dry_run: bool) -> Any:
        patch.undo()
        other()
        return exclusive(root, wait, what, dry_run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_lock, "exclusive", locked)
        yield
