"""From the catalogue to folders: fetch, hold against the record, unpack, record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch
from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.download import archive, download_record, mrpc_source
from centrabert.glue_data.download.catalogue import Source
from centrabert.glue_data.download.download_record import Entry
from centrabert.glue_data.download.fetch import fetch


@dataclass(frozen=True)
class Downloaded:
    """One of the files that a folder is made from.

    Attributes:
      fetched: Whether it was fetched now, and not brought by hand.
    """

    path: Path
    entry: Entry
    fetched: bool


def download(source: Source, output_dir: Path, keep_archives: bool = False) -> Path:
    """Makes the folder `output_dir`/`source.folder` and returns it; one that is there already is left alone.

    The files it is made from stay in `output_dir` only if `keep_archives`; one that is there already, brought
    by hand for instance, is used and not fetched. DOWNLOADS.json records each one once it has proved sound.

    Raises:
      UserError: A checksum differs from the record's, or a file is damaged; one that was fetched is removed.
      OSError: As `fetch`.
    """
    folder = output_dir / source.folder
    if folder.is_dir() and any(folder.iterdir()):
        logging.info("%s is there already", folder)
        return folder
    output_dir.mkdir(parents=True, exist_ok=True)
    known = download_record.read(output_dir)
    files = [_file(url, output_dir, known) for url in source.urls]
    _unpack(source, files, folder)
    download_record.add(output_dir, {file.path.name: file.entry for file in files})
    for file in [] if keep_archives else files:
        file.path.unlink()
    logging.info("%s is ready", folder)
    return folder


def _file(url: str, output_dir: Path, known: dict[str, Entry]) -> Downloaded:
    """The file, fetched unless it is there; raises UserError if it is not the one on record."""
    path = output_dir / url.rpartition("/")[2]
    fetched = not path.exists()
    if fetched:
        fetch(url, path)
    sha256 = str(pooch.file_hash(str(path)))
    recorded = known.get(path.name)
    if recorded is not None and recorded.sha256 != sha256:
        if fetched:
            path.unlink()
        raise UserError(
            f"{url if fetched else path}: SHA-256 is {sha256}, but {recorded.sha256} is on record; if the "
            f"new file is right, remove {path.name} from {output_dir / download_record.NAME} and run the "
            f"same command again{'' if fetched else '; else remove the file'}"
        )
    logging.info("%s: SHA-256 %s, %s", path.name, sha256, "as on record" if recorded else "new")
    return Downloaded(path, Entry(url, path.stat().st_size, sha256), fetched)


def _unpack(source: Source, files: Sequence[Downloaded], folder: Path) -> None:
    """Makes `folder`; raises UserError if a file is damaged, after removing what was fetched."""
    try:
        if source.folder == "MRPC":
            train, test, dev_ids = (file.path for file in files)
            mrpc_source.assemble(train, test, dev_ids, folder)
        else:
            archive.extract(files[0].path, folder)
    except UserError as error:
        fetched = [file for file in files if file.fetched]
        for file in fetched:
            file.path.unlink()
        advice = "what was fetched is removed: run the same command again" if fetched else "remove the file"
        raise UserError(f"{error}; {advice}") from None
