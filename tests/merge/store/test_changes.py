"""Every verb as a function of tasks: what it makes, and what it refuses."""

import pytest

from centrabert.errors import UserError
from centrabert.merge.store.changes import (
    Add,
    Change,
    Remove,
    Rename,
    Several,
    Update,
    check_owner,
    difference,
)
from centrabert.merge.store.version_record import TaskEntry

A, B, C = ({"branch.json": digit * 64} for digit in "abc")
TASKS = {"rte": TaskEntry(A, ("alice",)), "sst2": TaskEntry(B)}


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Add("stsb", C, ("bob",)), {**TASKS, "stsb": TaskEntry(C, ("bob",))}),
        (Update("rte", C), {**TASKS, "rte": TaskEntry(C, ("alice",))}),
        (Update("rte", A, ()), {**TASKS, "rte": TaskEntry(A)}),
        (Remove("rte"), {"sst2": TaskEntry(B)}),
        (Several((Add("a", C), Add("b", C))), {**TASKS, "a": TaskEntry(C), "b": TaskEntry(C)}),
        (Rename("rte", "nli", C), {"nli": TaskEntry(C, ("alice",)), "sst2": TaskEntry(B)}),
    ],
)
def test_a_change_moves_its_own_task_only(change: Change, after: dict[str, TaskEntry]) -> None:
    before = dict(TASKS)
    assert change.apply(TASKS) == after
    assert before == TASKS


@pytest.mark.parametrize(
    ("tasks", "change", "message"),
    [
        (TASKS, Add("rte", C), "task 'rte' is there already; to replace its branch, update it"),
        (TASKS, Update("rte2", C), "there is no task 'rte2'; there are rte, sst2"),
        (TASKS, Update("rte", A), "task 'rte' has this branch already: nothing would change"),
        ({}, Remove("rte"), "there is no task 'rte'; there are none yet"),
        ({"rte": TASKS["rte"]}, Remove("rte"), "task 'rte' is the last one"),
        (TASKS, Rename("rte", "sst2", C), "task 'sst2' is there already; choose another name"),
        (TASKS, Rename("mnli", "nli", C), "there is no task 'mnli'"),
    ],
)
def test_what_cannot_be_done_is_refused(tasks: dict[str, TaskEntry], change: Change, message: str) -> None:
    with pytest.raises(UserError, match=message):
        change.apply(tasks)


@pytest.mark.parametrize("change", [Add, Update])
def test_one_branch_for_each_task(change: type[Add | Update]) -> None:
    """Else the last one would win, and nobody would be told."""
    with pytest.raises(UserError, match="2 of the branches are of task 'rte'; give one branch for each task"):
        Several((change("rte", B), change("sst2", C), change("rte", C)))


def test_owners_alone_change_a_task() -> None:
    assert not check_owner(TASKS, Update("rte", C), "alice", force=False)
    assert not check_owner(TASKS, Update("sst2", C), "bob", force=False)
    assert not check_owner(TASKS, Add("stsb", C), "bob", force=False)
    with pytest.raises(UserError, match=r"'rte' is owned by alice, not by 'bob'.*--force"):
        check_owner(TASKS, Remove("rte"), "bob", force=False)
    assert check_owner(TASKS, Remove("rte"), "bob", force=True)


def test_a_difference_names_each_task() -> None:
    after = {"rte": TaskEntry(C, ("alice",)), "stsb": TaskEntry(A)}
    assert difference(TASKS, after) == {"rte": "updated", "sst2": "removed", "stsb": "added"}
    given = {**TASKS, "rte": TaskEntry(A, ("bob",))}
    assert difference(TASKS, given) == {"rte": "given to others"}
    assert difference(TASKS, TASKS) == {}
