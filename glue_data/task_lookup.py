"""Which data is meant by a task's name: the one look-up of all scripts."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.task_data import TaskData
from centrabert.glue_data.tsv_task import TsvTask

TASKS: tuple[TsvTask, ...] = GLUE_TASKS


def find_task(name: str, *, data_dir: Path | None = None, data_root: Path | None = None) -> TaskData:
    """Finds the data of a task by its name, in any case, with or without hyphens: "sst2", "SST-2", "sts_b".

    Args:
      data_dir: The folder that holds the task's files, as BERT's --data_dir, or
      data_root: the folder that holds a folder for each task ("SST-2", "RTE").

    Returns:
      The data; whether its files are there shows when they are read.

    Raises:
      UserError: There is no such task; the message lists those that there are.
    """
    for task in TASKS:
        if _plain(task.name) == _plain(name):
            return task.at(data_dir or Path(data_root or "", task.folder))
    raise UserError(f"there is no task {name!r}; the tasks are {', '.join(task.name for task in TASKS)}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
