"""Symbolic links in a store: it makes none, and following one reads or removes what is not its own."""

import os
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase

from centrabert.errors import UserError
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.modeling.files import ASIDES


def refuse_symlinks(folder: StoreFolder) -> None:
    """Raises UserError that names the first symbolic link below the root, which may be one itself.

    What a command is writing aside, or a killed one left there, nobody reads: it may be another user's, and
    is not looked into.
    """
    for entry in _entries(folder):
        if entry.is_symlink():
            raise UserError(
                f"{entry.path}: is a symbolic link to {os.readlink(entry.path)}, and a store holds none; put "
                "there what it points to, or restore the store from a copy"
            )


def _entries(folder: StoreFolder) -> Iterator[os.DirEntry[str]]:
    """All below the root, through no link; another process may remove some of it meanwhile."""
    left, written = [str(folder.root)], {str(place) for place in folder.written}
    while left:
        place = left.pop()
        with suppress(FileNotFoundError), os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                yield entry
                aside = place in written and fnmatchcase(entry.name, ASIDES)
                if entry.is_dir(follow_symlinks=False) and not aside:
                    left.append(entry.path)
