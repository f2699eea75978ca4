"""One file of labelled rows, read as a trained task reads: what two versions of its model are compared by."""

from dataclasses import replace
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import CRF, TAGGING, Declaration
from centrabert.glue_data.declared.task_config import find_declaration
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.readers.text_file import read_lines
from centrabert.glue_data.task_data import Examples, TaskData
from centrabert.modeling.kinds.tag_scheme import IOBES, scheme_of
from centrabert.modeling.task import TaskSpec

CRF_TAGGING = f"{CRF}_{TAGGING}"
TEXT_B = "text_b"
DEV = "dev"


def read_labelled(spec: TaskSpec, file: Path, config: Path | None = None) -> Examples:
    """The rows of a file, all of which have a label.

    A file of GLUE is read as GLUE's. Any other has the columns or keys text, text_b (of a pair) and label
    (tags, of a tagging), or is of a format that says where they are.

    Args:
      spec: As the model has it; its labels are those that a row may have.
      config: A YAML file that declares the task, for other columns or formats.

    Raises:
      UserError: The file cannot be read so, or the declaration is of another kind of task.
    """
    task = _declared(spec, file, config) if config else _by_columns(spec, file)
    if (task.kind, task.pair) != (spec.kind, spec.pair):
        told, wanted = (f"{each.kind} of {'pairs' if each.pair else 'single texts'}" for each in (task, spec))
        raise UserError(f"{config}: declares task {spec.name} as a {told}, and the model has a {wanted}")
    return task.with_labels(spec.labels).read(DEV)


def _declared(spec: TaskSpec, file: Path, config: Path) -> TaskData:
    declaration = find_declaration(config, spec.name)
    places = {key: place for key, place in declaration.places.items() if key != "dev"}
    other = replace(declaration, data=None, train=None, test=None, dev=file, dev_fraction=0.0, places=places)
    return DeclaredTask(other)


def _by_columns(spec: TaskSpec, file: Path) -> TaskData:
    if (task := _of_glue(spec, file)) is not None:
        return task
    tagging = spec.kind in (TAGGING, CRF_TAGGING)
    return DeclaredTask(
        Declaration(
            name=spec.name,
            kind=TAGGING if tagging else spec.kind,
            output=CRF if spec.kind == CRF_TAGGING else "",
            scheme=IOBES if tagging and scheme_of(spec.labels) == IOBES else "",
            split=spec.split,
            dev=file,
            text_b=TEXT_B if spec.pair else "",
        )
    )


def _of_glue(spec: TaskSpec, file: Path) -> DeclaredTask | None:
    """GLUE's task of that name, its file as dev; None where task or file is another."""
    for task in GLUE_TASKS:
        official = task.official
        if official and (task.name, task.labels, bool(task.text_b)) == (spec.name, spec.labels, spec.pair):
            source = next(each for each in official.files if each.name == DEV)
            columns = read_lines(file)[0].split("\t")
            named = {task.text, task.text_b, task.label} - {""} <= set(columns)
            if len(columns) == len(source.columns) or named:
                official = replace(official, files=(replace(source, file=file.name),))
                return DeclaredTask(replace(task, data=file.parent, official=official))
    return None
