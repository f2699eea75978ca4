"""The lock of a store: whoever changes it is alone there, and removes what killed commands left."""

from collections.abc import Iterator
from contextlib import contextmanager

from centrabert.merge.store.garbage import clean
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.symlinks import refuse_symlinks
from centrabert.modeling.file_lock import exclusive


@contextmanager
def locked(folder: StoreFolder, what: str, wait: bool, dry_run: bool) -> Iterator[None]:
    """Keeps others from changing the store while the block runs.

    Args:
      what: What is done in the block, for who wants to change the store meanwhile.
      wait: Whether to wait for somebody else who changes it.
      dry_run: Whether to write nothing, and so to remove nothing.

    Raises:
      UserError: Somebody else changes the store and `wait` is false, the file system has no locks, or the
        store holds a symbolic link.
      OSError: The store is not writable.
    """
    with exclusive(folder.root, wait, what, dry_run):
        if dry_run:
            refuse_symlinks(folder)
        else:
            clean(folder)
        yield
