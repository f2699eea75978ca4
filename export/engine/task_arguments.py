"""Which tasks of an exported model were asked for, and whether the texts fit them."""

from collections.abc import Sequence

from centrabert.errors import UserError
from centrabert.merge.manifest import Manifest
from centrabert.modeling.task import TaskSpec

ALL = "all"


def asked_tasks(manifest: Manifest, names: Sequence[str]) -> list[TaskSpec]:
    """The tasks called `names`, or all for "all".

    Raises:
      UserError: No name, or one that is no task of the model.
    """
    known = {branch.task.name: branch.task for branch in manifest.plan.branches}
    if list(names) == [ALL]:
        return list(known.values())
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"--task={unknown[0]}: no such task; the model has {', '.join(known)}, and {ALL!r}")
    if not names:
        raise UserError(f"--task is empty; the model has {', '.join(known)}, and {ALL!r}")
    return [known[name] for name in dict.fromkeys(names)]


def columns(tasks: Sequence[TaskSpec]) -> tuple[str, ...]:
    """The texts that `tasks` need: both as soon as one of them is a pair task."""
    return ("text_a", "text_b") if any(task.pair for task in tasks) else ("text_a",)


def check_texts(tasks: Sequence[TaskSpec], text_b: str | None) -> None:
    """Raises UserError unless a second text is given just where a task reads one."""
    names = ", ".join(task.name for task in tasks)
    if text_b is None and (pairs := [task.name for task in tasks if task.pair]):
        raise UserError(f'task {pairs[0]} reads two texts; give --text_b too (--text_b="" for none)')
    if text_b is not None and len(columns(tasks)) == 1:
        raise UserError(f"{names}: no task here reads a second text; leave out --text_b")
