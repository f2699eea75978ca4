"""Which data is meant by a task's name: the one look-up of all scripts."""

import re
from dataclasses import replace
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import TAGGING, Declaration
from centrabert.glue_data.declared.split_files import split_files
from centrabert.glue_data.declared.task_config import find_declaration, read_task_config
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.readers.formats import (
    CENTRABERT,
    COLUMNS,
    CONLL,
    ENDINGS,
    JSONL,
    SEQ,
    format_of,
)
from centrabert.glue_data.readers.seq_files import FILES
from centrabert.glue_data.readers.seq_files import TEXT as SEQ_TEXT
from centrabert.glue_data.readers.text_file import GZIPPED, read_lines
from centrabert.glue_data.task_data import TaskData

TASKS: tuple[Declaration, ...] = GLUE_TASKS
TRAINING = ("max_seq_length", "class_weights", "label_smoothing")  # keys that say how a task is trained
YAML = (".yaml", ".yml")
TEXT = re.compile(r"\btext\b")


def find_task(name: str, *, data_dir: Path | None = None, data_root: Path | None = None) -> TaskData:
    """Finds the data of a task by its name; of GLUE's in any case, with or without hyphens: "sst2", "STS-B".

    Args:
      data_dir: The folder that holds the task's files, as BERT's --data_dir: a GLUE task's, or those of
        another task, with the columns text and label; or a YAML file that declares tasks; or
      data_root: the folder that holds a folder for each GLUE task ("SST-2", "RTE"), or a YAML file that
        declares tasks.

    Returns:
      The data; whether its files are there shows when they are read.

    Raises:
      UserError: There is no such task; the message lists those that there are.
    """
    for place in (data_dir, data_root):
        if place is not None and is_config(place):
            return _declared(place, name)
    for task in TASKS:
        if _plain(task.name) == _plain(name):
            return DeclaredTask(replace(task, data=data_dir or Path(data_root or "", task.data or "")))
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(f"{data_dir}: there is no such folder, for the files of task {name!r}")
    if data_dir is not None and _has_text(data_dir):
        return DeclaredTask(Declaration(name=name, data=data_dir))
    own = "" if data_dir is None else f"; {_way_out(data_dir)}"
    raise UserError(f"there is no task {name!r}; the tasks are {', '.join(task.name for task in TASKS)}{own}")


def is_config(path: Path) -> bool:
    """Whether a path is that of a file that declares tasks, by its name: such a file may be absent."""
    return path.suffix in YAML


def task_names(data_root: Path) -> tuple[str, ...]:
    """The tasks that a YAML file declares, in its order."""
    return tuple(read_task_config(data_root))


def _declared(config: Path, name: str) -> TaskData:
    """A task of a YAML file: one with the name of a GLUE task that names no file, column or label is that."""
    declaration = find_declaration(config, name)
    trained = {key: getattr(declaration, key) for key in TRAINING}
    for task in TASKS:
        if declaration.data and task.name == name:
            keys = {"data": declaration.data, "places": declaration.places, **trained}
            own = Declaration(name=name, **keys) != declaration
            return DeclaredTask(declaration if own else replace(task, **keys))
    return DeclaredTask(declaration)


def _has_text(folder: Path) -> bool:
    """Whether the first line of a file of a task names a column `text`."""
    files = split_files(Declaration(name="any", data=folder)).values()
    return any(TEXT.search(read_lines(file)[0]) for file in files if file.is_file())


def _way_out(folder: Path) -> str:
    """What to do about a folder with the files of a task of a user's own that needs flags, or has none."""
    words = Path("train", FILES[SEQ_TEXT])
    if any(folder.joinpath(f"{words}{ending}").exists() for ending in ("", GZIPPED)):
        return f"{folder} has {words}; give --data_format={SEQ}"
    train = split_files(Declaration(name="any", data=folder))["train"]
    if not train.is_file():
        return f"{folder} has no file train{', train'.join(ENDINGS)}; give --train_file and --dev_file"
    of_format = format_of(train)
    if of_format == CONLL:
        return f"{folder} has {train.name}; give --kind={TAGGING}"
    query = COLUMNS[CENTRABERT][0]
    if of_format == JSONL and f'"{query}"' in read_lines(train)[0]:
        return f"{folder} has {train.name} with the key {query}; give --data_format={CENTRABERT}"
    return (
        f"{folder} has {train.name}, whose first row names no column text: give --text_column and "
        "--label_column, which are numbers where there is no header"
    )


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
