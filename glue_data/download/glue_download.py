"""From the catalogue to folders: fetch, hold against the record, unpack."""

from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.download import archive, download_record, mrpc_source, transfer
from centrabert.glue_data.download.catalogue import Source
from centrabert.glue_data.download.download_record import Entry


def download(
    source: Source, output_dir: Path, keep_archives: bool = False, pause: float = transfer.PAUSE
) -> Path:
    """Makes the folder `output_dir`/`source.folder` and returns it; one that is there already is left alone.

    The files it is made from stay in `output_dir` only if `keep_archives`; one that is there already, brought
    by hand for instance, is used and not fetched. DOWNLOADS.json records each one.

    Raises:
      UserError: A checksum differs from the record's, or a file is damaged.
      OSError: As `transfer.fetch`; what arrived stays for the next call.
    """
    folder = output_dir / source.folder
    if folder.is_dir() and any(folder.iterdir()):
        logging.info("%s is there already", folder)
        return folder
    output_dir.mkdir(parents=True, exist_ok=True)
    files = [_file(url, output_dir, pause) for url in source.urls]
    if source.folder == "MRPC":
        train, test, dev_ids = files
        mrpc_source.assemble(train, test, dev_ids, folder)
    else:
        archive.extract(files[0], folder)
    for file in [] if keep_archives else files:
        file.unlink()
    logging.info("%s is ready", folder)
    return folder


def _file(url: str, output_dir: Path, pause: float) -> Path:
    path = output_dir / url.rpartition("/")[2]
    known = download_record.read(output_dir).get(path.name)
    expected = known.sha256 if known else ""
    if path.exists():
        sha256 = transfer.digest(path)
        if expected not in ("", sha256):
            raise UserError(
                f"{path}: SHA-256 is {sha256}, recorded is {expected}; remove the file to fetch it anew"
            )
    else:
        sha256 = transfer.fetch(url, path, expected, pause=pause)
    if known is None:
        download_record.add(output_dir, path.name, Entry(url, path.stat().st_size, sha256))
    logging.info("%s: SHA-256 %s, %s", path.name, sha256, "as recorded" if known else "now recorded")
    return path
