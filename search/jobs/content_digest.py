"""What a result rests on besides the settings: the bytes of BERT and data, wherever they lie."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.tokenization.vocabulary import VOCABULARIES
from centrabert.search.jobs.job_spec import JobSpec

BERT_FILES = ("bert_config.json", *VOCABULARIES, "tokenizer_config.json", "bert_model.ckpt.*")


def bert_digest(bert_dir: Path) -> str:
    """Of the files of a BERT that are read, by their names; others in the folder do not matter.

    Raises:
      OSError: A file cannot be read.
    """
    files = sorted(file for pattern in BERT_FILES for file in bert_dir.glob(pattern))
    return joint_digest({file.name: file_digest([file]) for file in files})


def data_digest(digests: Mapping[str, str]) -> str:
    """Of the rows that a task is trained and evaluated on.

    Args:
      digests: From `content_digests`.
    """
    return joint_digest(digests)


def check_content(spec: JobSpec, digests: Mapping[str, str]) -> None:
    """Raises UserError if BERT, data or texts without labels are not those that the job is known by.

    Args:
      digests: As for `data_digest`, of the rows that the job has read.
    """
    found = {}
    if spec.bert_digest:  # else a job of an earlier version
        found[spec.bert_dir] = (spec.bert_digest, bert_digest(Path(spec.bert_dir)))
        found[spec.data_root] = (spec.data_digest, data_digest(digests))
    if texts := spec.unlabelled_file:
        found[texts] = (spec.unlabelled_digest, file_digest([Path(texts)]))
    for folder, (planned, now) in found.items():
        if planned != now:
            raise UserError(
                f"{folder}: what job {spec.title} reads has changed since it was planned; "
                "run the search again, or write a new plan"
            )


def file_digest(files: Iterable[Path], names: bool = False) -> str:
    """SHA-256 of the bytes of all files, one after the other; with `names` each has its name in front."""
    whole = hashlib.sha256()
    for path in files:
        if names:
            whole.update(f"{path.name}\n".encode())
        with path.open("rb") as file:
            while chunk := file.read(2**20):
                whole.update(chunk)
    return whole.hexdigest()
