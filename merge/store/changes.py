"""What the verbs do to the tasks of a version: pure functions from one mapping of tasks to the next."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.merge.store.version_record import TaskEntry

Tasks = Mapping[str, TaskEntry]


@dataclass(frozen=True)
class Add:
    """A task that is not there yet; `files` are the digests of its branch's."""

    task: str
    files: dict[str, str]
    owners: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_owners(self.owners)

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.task,)

    def __str__(self) -> str:
        return f"add {self.task}"

    def apply(self, tasks: Tasks) -> dict[str, TaskEntry]:
        if self.task in tasks:
            raise UserError(f"task {self.task!r} is there already; to replace its branch, update it")
        return {**tasks, self.task: TaskEntry(self.files, self.owners)}


@dataclass(frozen=True)
class Update:
    """Another branch for a task; its owners stay, unless others are given."""

    task: str
    files: dict[str, str]
    owners: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check_owners(self.owners or ())

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.task,)

    def __str__(self) -> str:
        return f"update {self.task}"

    def apply(self, tasks: Tasks) -> dict[str, TaskEntry]:
        old = existing(tasks, self.task)
        owners = old.owners if self.owners is None else self.owners
        if old == (new := TaskEntry(self.files, owners)):
            raise UserError(f"task {self.task!r} has this branch already: nothing would change")
        return {**tasks, self.task: new}


@dataclass(frozen=True)
class Remove:
    """A task that nobody asks any more."""

    task: str

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.task,)

    def __str__(self) -> str:
        return f"remove {self.task}"

    def apply(self, tasks: Tasks) -> dict[str, TaskEntry]:
        existing(tasks, self.task)
        if len(tasks) == 1:
            raise UserError(f"task {self.task!r} is the last one: a model without tasks cannot be served")
        return {name: entry for name, entry in tasks.items() if name != self.task}


@dataclass(frozen=True)
class Rename:
    """Another name for a task; `files` are those of its branch under the new name."""

    task: str
    to: str
    files: dict[str, str]

    @property
    def touched(self) -> tuple[str, ...]:
        return (self.task, self.to)

    def __str__(self) -> str:
        return f"rename {self.task} to {self.to}"

    def apply(self, tasks: Tasks) -> dict[str, TaskEntry]:
        old = existing(tasks, self.task)
        if self.to in tasks:
            raise UserError(f"task {self.to!r} is there already; choose another name")
        renamed = {self.to if name == self.task else name: entry for name, entry in tasks.items()}
        return {**renamed, self.to: TaskEntry(self.files, old.owners)}


@dataclass(frozen=True)
class Several:
    """Changes of one verb, made together: one version instead of many.

    Raises:
      UserError: Two of them are of one task.
    """

    changes: "tuple[Change, ...]"

    def __post_init__(self) -> None:
        for task, count in Counter(self.touched).items():
            if count > 1:
                told = f"{count} of the branches are of task {task!r}"
                raise UserError(f"{told}; give one branch for each task")

    @property
    def touched(self) -> tuple[str, ...]:
        return tuple(task for change in self.changes for task in change.touched)

    def __str__(self) -> str:
        return f"{str(self.changes[0]).partition(' ')[0]} {', '.join(self.touched)}"

    def apply(self, tasks: Tasks) -> dict[str, TaskEntry]:
        changed = dict(tasks)
        for change in self.changes:
            changed = change.apply(changed)
        return changed


Change = Add | Update | Remove | Rename | Several


def _check_owners(owners: tuple[str, ...]) -> None:
    for owner in owners:
        if owner.splitlines() != [owner] or owner.strip() != owner:
            raise UserError(f"owner {owner!r} is no name; give names such as alice,bob")


def existing(tasks: Tasks, task: str) -> TaskEntry:
    """The entry of a task; raises UserError that lists the tasks there are."""
    if task not in tasks:
        told = f"there are {', '.join(sorted(tasks))}" if tasks else "there are none yet"
        raise UserError(f"there is no task {task!r}; {told}")
    return tasks[task]


def check_owner(tasks: Tasks, change: Change, author: str, force: bool) -> bool:
    """Whether the change goes over the owners of a task; raises UserError if it does so without `force`."""
    for task in change.touched:
        owners = tasks[task].owners if task in tasks else ()
        if owners and author not in owners:
            if not force:
                raise UserError(
                    f"task {task!r} is owned by {', '.join(owners)}, not by {author!r}; ask them, or change "
                    "it all the same with --force, which is logged"
                )
            return True
    return False


def difference(before: Tasks, after: Tasks) -> dict[str, str]:
    """ "added", "updated" or "removed" by the name of each task that differs; a rename is one of each."""
    words = {}
    for task in sorted(before.keys() | after.keys()):
        if task not in before:
            words[task] = "added"
        elif task not in after:
            words[task] = "removed"
        elif before[task].branch != after[task].branch:
            words[task] = "updated"
        elif before[task].owners != after[task].owners:
            words[task] = "given to others"
    return words
