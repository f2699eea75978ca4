"""The files of a version of a store, compared with the digests it was proved with before it is served."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA
from centrabert.merge.store.folder_digest import file_digest
from centrabert.merge.store.version_record import RECORD, Version, read_record_at

Identity = tuple[int, int, int, int]  # of a file: device, inode, size, time of its last change


@dataclass(frozen=True)
class CheckedFiles:
    """Files that were found as version.json has them.

    Attributes:
      record: What version.json says.
      identities: Of its files, by path.
    """

    record: Version
    identities: Mapping[str, Identity]

    @property
    def digests(self) -> dict[Identity, str]:
        """SHA-256 of each file."""
        return {identity: self.record.files[path] for path, identity in self.identities.items()}

    def same_branch(self, task: str, other: "CheckedFiles") -> bool:
        """Whether a task of this version has the same branch in another one, golden answers and all."""
        before = other.record.tasks.get(task)
        return before is not None and before.files == self.record.tasks[task].files


def check_files(folder: Path, others: Iterable[CheckedFiles]) -> CheckedFiles | None:
    """Computes the digest of every file of a version; None if it comes from no store, which has no digests.

    Args:
      others: Of versions that were checked before; a file that they have too, as a hard link, is not read
        again.

    Raises:
      UserError: A file is absent, or not as it was proved; the message names the first.
      OSError: It cannot be read.
    """
    file = folder / EXTRA / RECORD
    if not file.is_file():
        logging.info("%s: comes from no store, so there are no digests to compare its files with", folder)
        return None
    record = read_record_at(file)
    known = {identity: digest for other in others for identity, digest in other.digests.items()}
    identities = {path: _identity(folder / path, record) for path in record.files}
    new = [path for path, identity in identities.items() if known.get(identity) != record.files[path]]
    for path in new:
        if file_digest(folder / path) != record.files[path]:
            raise UserError(_wrong(folder / path, record, "is not what version {} was proved with"))
    logging.info(
        "%s: %d files of %s bytes have the digests of %s; %d files are those of a version that was checked",
        folder,
        len(new),
        f"{sum(size for _, _, size, _ in map(identities.__getitem__, new)):,}",
        RECORD,
        len(identities) - len(new),
    )
    return CheckedFiles(record, identities)


def _identity(file: Path, record: Version) -> Identity:
    try:
        stat = file.stat()
    except FileNotFoundError:
        raise UserError(_wrong(file, record, "is missing, which version {} has")) from None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _wrong(file: Path, record: Version, what: str) -> str:
    return f"{file}: {what.format(record.number)}; remove the version's folder and export it again"
