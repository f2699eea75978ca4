"""What a caller gets: typed answers, read from the columns of a reply."""

from collections.abc import Sequence

from centrabert.export.client.errors import ModelChanged, RequestError
from centrabert.export.client.rows import SentRow
from centrabert.export.client.served_tasks import ServedTasks
from centrabert.export.client.transport import Reply, malformed
from centrabert.export.contract.model_description import ServedTask
from centrabert.export.contract.signature_names import UNKNOWN
from centrabert.modeling.kinds.task_kind import CLASS, Answer

Answers = dict[str, Answer]  # by task


def read_answers(rows: Sequence[SentRow], served: ServedTasks, reply: Reply) -> list[Answers]:
    """The answers to every row.

    Raises:
      ModelChanged: An output is not there, or a row's tasks were not understood.
      RequestError: INTERNAL; an output has another shape.
    """
    wanted = served.outputs(name for row in rows for name in row.tasks)
    for name, output in wanted.items():
        if name not in reply.columns:
            raise ModelChanged("INVALID_ARGUMENT", f"the answer has no output {name}")
        shape = reply.columns[name].shape
        if shape[:1] != (len(rows),) or len(shape) != 1 + len(output.axes):
            raise RequestError("INTERNAL", malformed(f"{name} has shape {shape} for {len(rows)} rows"))
    if strange := next(filter(None, reply.columns[UNKNOWN]), None):
        raise ModelChanged("INVALID_ARGUMENT", f"the server does not know all tasks of {strange!r}")
    columns = {name: _column(served.tasks[name], reply) for row in rows for name in row.tasks}
    return [
        {name: columns[name][index].with_text(row.text_a) for name in row.tasks}
        for index, row in enumerate(rows)
    ]


def _column(task: ServedTask, reply: Reply) -> Sequence[Answer]:
    """The task's answer to each row; of rows that did not ask it nothing that means anything."""
    outputs = task.task_kind.outputs
    columns = {output.name: reply.columns[f"{task.name}/{output.name}"] for output in outputs}
    for output in outputs:
        shape = zip(output.axes, columns[output.name].shape[1:], strict=True)
        if task.labels and any(axis == CLASS and size != len(task.labels) for axis, size in shape):
            raise ModelChanged("INVALID_ARGUMENT", f"{task.name}/{output.name}: not one for each label")
    return task.task_kind.answers(columns, task.labels)
