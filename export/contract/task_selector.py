"""The text that selects the tasks of a row of `route`: names separated by commas, or `*` for all."""

from collections.abc import Sequence

ALL_TASKS = "*"


def parse_task_selector(text: str, names: Sequence[str]) -> frozenset[str] | None:
    """The tasks that `text` names, as the graph reads it; None if part of it is neither a task nor `*`."""
    selected = {name.strip(" ") for name in text.split(",")}
    if not selected <= {ALL_TASKS, *names}:
        return None
    return frozenset(names if ALL_TASKS in selected else selected)


def task_selector(tasks: frozenset[str]) -> str:
    """The text that selects `tasks`."""
    return ",".join(sorted(tasks))
