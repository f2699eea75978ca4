"""What a row of `route` asks for: task names separated by commas, or `*` for all."""

from collections.abc import Sequence

EVERY = "*"


def wanted_tasks(text: str, names: Sequence[str]) -> frozenset[str] | None:
    """The tasks that `text` names, as the graph reads it; None if part of it is neither a task nor `*`."""
    asked = {name.strip(" ") for name in text.split(",")}
    if not asked <= {EVERY, *names}:
        return None
    return frozenset(names if EVERY in asked else asked)


def task_list(tasks: frozenset[str]) -> str:
    """What asks for `tasks`."""
    return ",".join(sorted(tasks))
