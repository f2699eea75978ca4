"""Writing one task's model as a folder: Google's files, or Hugging Face's."""

from collections.abc import Callable, Mapping
from pathlib import Path

from centrabert.modeling import files
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.migration import huggingface_task
from centrabert.modeling.migration.task_model import TaskModel

TASK, GOLDEN = "task.json", "golden.json"


def write(model: TaskModel, to: str, output_dir: Path) -> list[str]:
    """Writes a folder of one of FORMATS, all of it or nothing.

    Beside the model it holds task.json, with the labels and how a text is read, and golden.json: texts with
    the answers that whoever computes with the folder should get.

    Returns:
      Notes for the user.

    Raises:
      UserError: The format has no place for what the task computes.
      FileExistsError: There is something at `output_dir`.
      OSError: The disk is full; nothing is left.
    """
    with files.atomic_folder(output_dir) as folder:
        notes = FORMATS[to](model, folder)
        (folder / TASK).write_text(dump(model.task.to_json()), encoding="utf-8")
        write_golden(folder / GOLDEN, model.golden)
    return notes


def _write_google(model: TaskModel, folder: Path) -> list[str]:
    """As run_classifier.py of BERT leaves a classifier: `bert/...`, and the head's variables at the root."""
    model.bert.write_google(folder, model.head)
    if model.bert.has_pooler:
        return []
    return [f"without a pooler: the task reads {model.task.reads}, and BERT's own code starts one at random"]


FORMATS: Mapping[str, Callable[[TaskModel, Path], list[str]]] = {
    "google": _write_google,
    "huggingface": huggingface_task.write,
}
