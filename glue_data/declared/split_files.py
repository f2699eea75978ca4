"""Where the files of a declared task are: one by one, or in a folder with fixed names."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import SPLIT_FILES, Declaration
from centrabert.glue_data.readers.formats import CENTRABERT, ENDINGS, JSONL, SEQ
from centrabert.glue_data.readers.text_file import GZIPPED

SNIPS_DEV = "valid"  # what the folders of SNIPS call it


def split_files(declaration: Declaration) -> Mapping[str, Path]:
    """The file of every split that the task may have; with `dev_fraction` dev is a part of train's.

    In a folder it is the first that is there of train.tsv, train.csv, train.jsonl and train.conll, gzipped or
    not, and so on, or the one of the declared format; a folder of its own for every split of `seq`.

    Raises:
      UserError: There is a `dev_fraction`, but the folder has a dev file.
    """
    if declaration.data and declaration.official:
        return declaration.official.paths(declaration.data)
    files = {
        split: path
        for split in SPLIT_FILES
        if (path := _in_folder(declaration, split) if declaration.data else getattr(declaration, split))
    }
    if declaration.dev_fraction and "train" in files:
        if declaration.data and files["dev"].exists():
            raise UserError(
                f"{files['dev']}: is there, but task {declaration.name} has a dev_fraction, by which train "
                "makes dev; leave one of the two out"
            )
        files["dev"] = files["train"]
    return {split: files[split] for split in SPLIT_FILES if split in files}


def _in_folder(declaration: Declaration, split: str) -> Path:
    candidates = list(_candidates(declaration, split))
    return next((path for path in candidates if path.exists()), candidates[0])


def _candidates(declaration: Declaration, split: str) -> Iterator[Path]:
    folder = declaration.data or Path()
    if declaration.format == SEQ:
        yield folder / split
        if split == "dev":
            yield folder / SNIPS_DEV
        return
    wanted = JSONL if declaration.format == CENTRABERT else declaration.format
    for ending, of_format in ENDINGS.items():
        if wanted in ("", of_format):
            yield from (folder / f"{split}{ending}", folder / f"{split}{ending}{GZIPPED}")
