"""Symbolic links in a store: it makes none, and following one reads or removes what is not its own."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge.store.store_folder import StoreFolder


def refuse_symlinks(folder: StoreFolder) -> None:
    """Raises UserError that names the first symbolic link below the root, which may be one itself."""
    for entry in _entries(folder.root):
        if entry.is_symlink():
            raise UserError(
                f"{entry.path}: is a symbolic link to {os.readlink(entry.path)}, and a store holds none; put "
                "there what it points to, or restore the store from a copy"
            )


def _entries(root: Path) -> Iterator[os.DirEntry[str]]:
    """All below `root`, through no link; another process may remove some of it meanwhile."""
    left = [str(root)]
    while left:
        with suppress(FileNotFoundError), os.scandir(left.pop()) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
