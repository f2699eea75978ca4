"""Removing what no version needs any more, and what a killed command left."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.symlinks import refuse_symlinks
from centrabert.merge.store.version_record import Version
from centrabert.modeling.files import clear_abandoned, flush

# What a folder is called until its digest is known, or from the moment that it goes.
NEW, REMOVED = "new", ".removed"


@dataclass(frozen=True)
class Garbage:
    """What can go.

    Attributes:
      versions: Numbers of versions, lowest first.
      branches: Digests of branches that only these versions had, or none.
      damaged: Numbers of versions that cannot be read: they stay, and so do all branches, which they may
        need.
    """

    versions: tuple[int, ...]
    branches: tuple[str, ...]
    damaged: tuple[int, ...] = ()


def find_garbage(
    versions: Mapping[int, Version | str], stored: Collection[str], kept: Collection[int]
) -> Garbage:
    """What no kept version needs.

    Args:
      versions: All of the store, by number; of a damaged one, what is wrong with it.
      stored: Digests of all branches of the store.
      kept: Numbers of the versions that stay; the damaged ones do, too.

    Raises:
      UserError: One of them is not there.
    """
    if lost := sorted(set(kept) - versions.keys()):
        raise UserError(f"a label points to version {lost[0]}, which is not there")
    damaged = tuple(sorted(number for number, each in versions.items() if isinstance(each, str)))
    staying = {number: each for number, each in versions.items() if number in {*kept, *damaged}}
    needed = {
        entry.branch
        for each in staying.values()
        if isinstance(each, Version)
        for entry in each.tasks.values()
    }
    branches = () if damaged else tuple(sorted(set(stored) - needed))
    return Garbage(tuple(sorted(versions.keys() - staying.keys())), branches, damaged)


def remove_garbage(folder: StoreFolder, garbage: Garbage) -> None:
    """Removes versions first, then branches: whoever is killed in between leaves garbage, no gap."""
    for number in garbage.versions:
        discard(folder.version(number))
    for digest in garbage.branches:
        folder.index(digest).unlink(missing_ok=True)
        discard(folder.branch(digest))


def discard(path: Path) -> None:
    """Removes a folder; at every moment it is there whole, or not at all under its name."""
    doomed = path.with_name(f"{path.name}{REMOVED}")
    path.replace(doomed)
    flush(path.parent)
    shutil.rmtree(doomed)


def clean(folder: StoreFolder) -> None:
    """Removes what commands left that were killed; whoever calls it holds the lock of the store."""
    refuse_symlinks(folder)
    clear_abandoned(folder.root)
    for parent in (folder.branches, folder.versions, folder.cache):
        if parent.is_dir():
            clear_abandoned(parent)
            for left in (*parent.glob(NEW), *parent.glob(f"*.{NEW}"), *parent.glob(f"*{REMOVED}")):
                shutil.rmtree(left)
    stored = folder.stored()
    for index in folder.cache.glob("*.index"):
        if index.stem not in stored:  # of a branch that was never stored, or has gone
            index.unlink()
