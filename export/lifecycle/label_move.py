"""One move of a label, under the lock: to a version that is there, or to none."""

from collections.abc import Callable

from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.merge.store.labels import Labels, read_labels, write_labels
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_lock import locked
from centrabert.merge.store.version_record import read_version


def move_label(
    folder: StoreFolder, label: str, move: Callable[[Labels], Labels], options: ChangeOptions
) -> tuple[Labels, Labels]:
    """Moves or removes a label; returns all labels before and after.

    Args:
      move: What is done to the labels as they are when nobody else changes the store.

    Raises:
      UserError: `move` raises it, the version is not there or damaged, or somebody else changes the store.
      OSError: The disk is full, or the store is not writable; the labels are as they were.
    """
    with locked(folder, f"move label {label}", options.retry, options.dry_run):
        before = read_labels(folder)
        after = move(before)
        if (number := after.last[label]) is not None:
            read_version(folder, number)
        if not options.dry_run:
            write_labels(folder, after)
    return before, after
