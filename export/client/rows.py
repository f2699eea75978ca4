"""What a caller asks, row by row, and the rows that are sent for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.export.client.served_tasks import ServedTasks
from centrabert.export.client.transport import RouteRequest
from centrabert.export.contract.task_selector import task_selector


@dataclass(frozen=True)
class Row:
    """Texts, and the tasks that are to answer them.

    Attributes:
      text_b: None unless a pair task reads it; "" for no second text.
      tasks: None for every task of the model.

    Raises:
      TypeError: A text is no str, or `tasks` is one.
      UserError: A text holds half of a surrogate pair, or `tasks` is empty.
    """

    text_a: str
    text_b: str | None = None
    tasks: Sequence[str] | None = None

    def __post_init__(self) -> None:
        _check_text("text_a", self.text_a)
        if self.text_b is not None:
            _check_text("text_b", self.text_b)
        if isinstance(self.tasks, str):
            raise TypeError(f"tasks={self.tasks!r}: give a tuple, such as ({self.tasks!r},)")
        if self.tasks is not None:
            object.__setattr__(self, "tasks", tuple(dict.fromkeys(self.tasks)))
            if not self.tasks:
                raise UserError("tasks is empty; leave it out for every task")

    def names(self, served: ServedTasks) -> Sequence[str]:
        """The tasks that it asks."""
        return tuple(served.tasks) if self.tasks is None else self.tasks


def _check_text(name: str, text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name}: {text!r} is no str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{name}: holds half of a surrogate pair at character {error.start}, which no UTF-8 can say; "
            "fix how the text was read"
        ) from None


@dataclass(frozen=True)
class SentRow:
    """A row as it is sent.

    Attributes:
      index: Of the caller's row that it belongs to.
    """

    index: int
    text_a: str
    text_b: str
    tasks: tuple[str, ...]


def sent_rows(rows: Sequence[Row], served: ServedTasks) -> Iterator[SentRow]:
    """What is to be sent.

    `route` reads a row once for all its tasks, but a task of single texts was not trained on pairs. So a row
    that asks both kinds about two texts is sent twice: both texts to the pair tasks, the first to the others.

    Raises:
      UserError: A task does not exist, or a row has another number of texts than its tasks read.
    """
    for index, row in enumerate(rows):
        names = row.names(served)
        if (missing := served.missing(names)) is not None:
            raise UserError(f"row {index}: no such task {missing!r}; the model has {', '.join(served.tasks)}")
        pairs = tuple(name for name in names if served.tasks[name].pair)
        singles = tuple(name for name in names if name not in pairs)
        _check_pairs(index, row, names, pairs)
        if row.text_b and singles:
            yield SentRow(index, row.text_a, row.text_b, pairs)
            yield SentRow(index, row.text_a, "", singles)
        else:
            yield SentRow(index, row.text_a, row.text_b or "", tuple(names))


def _check_pairs(index: int, row: Row, names: Sequence[str], pairs: Sequence[str]) -> None:
    """As `task_arguments.check_texts`."""
    if row.text_b is None and pairs:
        raise UserError(f'row {index}: task {pairs[0]} reads two texts; give text_b too ("" for none)')
    if row.text_b is not None and not pairs:
        raise UserError(
            f"row {index}: {', '.join(names)}: no task here reads a second text; leave out text_b"
        )


def route_request(rows: Sequence[SentRow], served: ServedTasks) -> RouteRequest:
    """One request for these rows."""
    return RouteRequest(
        text_a=tuple(row.text_a for row in rows),
        text_b=tuple(row.text_b for row in rows),
        tasks=tuple(task_selector(frozenset(row.tasks)) for row in rows),
        outputs=served.outputs(name for row in rows for name in row.tasks),
    )
