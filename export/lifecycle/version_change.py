"""One change of a store: the lock, the checks, and the new version, which appears whole or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from centrabert.errors import UserError
from centrabert.export.lifecycle.proof import Proof
from centrabert.merge.store import changes, garbage
from centrabert.merge.store.changes import Change
from centrabert.merge.store.garbage import Garbage
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_lock import locked
from centrabert.merge.store.store_record import StoreRecord
from centrabert.merge.store.stored_version import manifest_of, read_records
from centrabert.merge.store.version_record import Author, Version, latest_version
from centrabert.modeling import files
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.file_lock import user_name


@dataclass(frozen=True, kw_only=True)
class ChangeOptions:
    """How a change is made.

    Attributes:
      author: Who makes it; "" is the user's name on this machine.
      message: Why, in one line.
      replay: "changed" asks only the changed tasks their golden texts; "all" asks the others too, of the old
        and of the new version; "auto" asks all of up to 16 tasks.
      force: Whether a change may go over the owners of a task.
      retry: Whether to wait for another writer, and to make the change on what he leaves, if it is of other
        tasks.
      dry_run: Whether to check everything but the new version's answers, and to write nothing.
    """

    author: str = ""
    message: str = ""
    replay: str = "auto"
    force: bool = False
    retry: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.replay not in ("auto", "all", "changed"):
            raise UserError(f"replay {self.replay!r} is none of auto, all, changed")
        if len(self.message.splitlines()) > 1:
            raise UserError("the message has more than one line")
        if self.author.splitlines() not in ([], [self.author]):
            raise UserError("the author's name has more than one line")

    def signed(self, forced: bool = False) -> Author:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return Author(self.author or user_name(), now, self.message, forced)


@dataclass(frozen=True)
class Outcome:
    """What a change made.

    Attributes:
      version: The new version; in a dry run what it would be, without files.
      proof: What was proved; None in a dry run.
    """

    version: Version
    proof: Proof | None


def make_version(
    folder: StoreFolder,
    base: StoreRecord,
    planned: Change,
    staged: Callable[[], Change],
    rehearsed: Callable[[], Mapping[str, BranchRecord]],
    options: ChangeOptions,
) -> Outcome:
    """Makes the next version of a store.

    Args:
      planned: The change as far as it is known before anything is written.
      staged: Writes what the change needs into the store, and returns it.
      rehearsed: Checks what `staged` does, writes nothing, and returns the record of each new branch by task.

    Raises:
      UserError: The change cannot be made, somebody else makes one, or an answer is not as it must be; the
        store is as it was.
      OSError: The disk is full, or the store is not writable; the store is as it was.
    """
    seen = latest_version(folder)
    with locked(folder, str(planned), options.retry, options.dry_run):
        head = latest_version(folder)
        _check_unmoved(folder, seen, head, planned)
        before = head.tasks if head else {}
        tasks = planned.apply(before)
        forced = changes.check_owner(before, planned, options.signed().name, options.force)
        draft = Version(
            store=base.store,
            number=head.number + 1 if head else 1,
            parent=head.number if head else None,
            author=options.signed(forced),
            change=str(planned),
            tasks=tasks,
            graph="",
            files={},
        )
        if options.dry_run:
            new = rehearsed()
            old = read_records(folder, {name: entry for name, entry in tasks.items() if name not in new})
            manifest_of(folder, base, {**old, **new})
            return Outcome(draft, None)
        return _commit(folder, base, draft, head, staged, options)


def _commit(
    folder: StoreFolder,
    base: StoreRecord,
    draft: Version,
    head: Version | None,
    staged: Callable[[], Change],
    options: ChangeOptions,
) -> Outcome:
    from centrabert.export.lifecycle.version_build import MANY, Draft, build  # with TensorFlow

    before = folder.stored()
    place = folder.version(draft.number)
    try:
        tasks = staged().apply(head.tasks if head else {})
        replay_all = options.replay == "all" or (options.replay == "auto" and len(tasks) <= MANY)
        with files.atomic_folder(place) as aside:
            version, proof = build(folder, base, Draft(replace(draft, tasks=tasks), head, replay_all), aside)
    finally:
        if not place.exists():  # what was stored for it serves nobody
            garbage.remove_garbage(folder, Garbage((), tuple(sorted(folder.stored() - before))))
    return Outcome(version, proof)


def _check_unmoved(folder: StoreFolder, seen: Version | None, head: Version | None, planned: Change) -> None:
    """Raises UserError if another writer has changed the same task since this command began."""
    if head is None or (seen is not None and seen.number == head.number):
        return
    moved = changes.difference(seen.tasks if seen else {}, head.tasks)
    if both := [task for task in planned.touched if task in moved]:
        raise UserError(
            f"{folder.root}: task {both[0]!r} was {moved[both[0]]} meanwhile, in version {head.number} by "
            f"{head.author.name} ({head.change}); look at it, then run the command again"
        )
