"""What version.json says: the tasks of one version, and who made it of which other one, when and why."""

from dataclasses import asdict, dataclass
from pathlib import Path

from centrabert.errors import UserError
from centrabert.merge.store.folder_digest import check_digests
from centrabert.merge.store.sealed_json import read_sealed, write_sealed
from centrabert.merge.store.shards import DATA, INDEX
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN
from centrabert.modeling.branch_folder import RECORD as BRANCH_RECORD
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.task import check_name

FORMAT = Format("version.json", version=1)
RECORD = "version.json"
FILES = (BRANCH_RECORD, f"{CHECKPOINT}{DATA}", f"{CHECKPOINT}{INDEX}", GOLDEN)  # of a branch
MAX_TASKS = 10_000  # far above what one graph can hold
MAX_NUMBER = 10**15


@dataclass(frozen=True)
class TaskEntry:
    """One task of a version.

    Attributes:
      files: SHA-256 of the files of its branch, by name.
      owners: Whoever may change it; () for everybody.
    """

    files: dict[str, str]
    owners: tuple[str, ...] = ()

    @property
    def branch(self) -> str:
        """The digest of the branch, which is what its folder is called."""
        return joint_digest(self.files)


@dataclass(frozen=True)
class Author:
    """Who made a change, when and why.

    Attributes:
      name: As `--author` says, or the user's name on that machine.
      time: ISO 8601, UTC.
      message: One line.
      forced: Whether it went over the owners of a task.
    """

    name: str
    time: str
    message: str
    forced: bool = False


@dataclass(frozen=True)
class Version:
    """One version of the merged model.

    Attributes:
      store: Of which store.
      parent: The version that it was made of; None for the first.
      change: The verb and the tasks it moved, such as "update rte".
      tasks: By name.
      graph: The digest of all that decides the graph; versions of equal digests have the same saved_model.pb.
      files: SHA-256 of every file of the exported model, by its path in there.
    """

    store: str
    number: int
    parent: int | None
    author: Author
    change: str
    tasks: dict[str, TaskEntry]
    graph: str
    files: dict[str, str]

    def __post_init__(self) -> None:
        if not self.tasks:
            raise UserError("a version without tasks")
        if len(self.tasks) > MAX_TASKS:
            raise UserError(f"{len(self.tasks):,} tasks are more than the {MAX_TASKS:,} of a version")
        if not 0 < self.number < MAX_NUMBER:
            raise UserError(f"number {self.number} is none of 1 to {MAX_NUMBER:,}")
        for task in self.tasks:
            check_name(task)
        check_digests(self.files)

    def check_branches(self) -> None:
        """Raises UserError unless every task names the files of a branch, which a draft need not."""
        for task, entry in self.tasks.items():
            if entry.files.keys() != set(FILES):
                raise UserError(f"task {task!r} has the files {sorted(entry.files)}, wanted {sorted(FILES)}")
            try:
                check_digests(entry.files)
            except UserError as error:
                raise UserError(f"task {task!r}: {error}") from None


def write_version(aside: Path, version: Version) -> None:
    """Writes version.json into the folder `aside` that becomes the version's."""
    write_sealed(aside / RECORD, FORMAT, asdict(version))


def read_version(folder: StoreFolder, number: int) -> Version:
    """Reads version.json of a version.

    Raises:
      UserError: There is no such version, or its file is damaged or of another version.
    """
    file = folder.version(number) / RECORD
    known = folder.numbers()
    if number not in known:
        told = f"it has {known[0]} to {known[-1]}" if known else "it has none yet"
        raise UserError(f"{folder.root}: there is no version {number}; {told}")
    version = read_record_at(file)
    if version.number != number:
        raise UserError(f"{file}: is of version {version.number}, not {number}")
    return version


def read_or_fault(folder: StoreFolder, number: int) -> Version | str:
    """A version of a store, or what is wrong with its file, which then stands in nobody's way."""
    try:
        return read_version(folder, number)
    except UserError as error:
        return str(error)


def read_record_at(file: Path) -> Version:
    """Reads a version.json, of the store or of an exported version; raises UserError if it is damaged."""
    version = read_dataclass(Version, read_sealed(file, FORMAT), str(file))
    try:
        version.check_branches()
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    return version


def latest_version(folder: StoreFolder) -> Version | None:
    """The newest version of a store; None if there is none yet."""
    numbers = folder.numbers()
    return read_version(folder, numbers[-1]) if numbers else None
