"""What no version needs goes, and nothing else."""

from centrabert.merge.store.garbage import Garbage, find_garbage
from centrabert.merge.store.version_record import Author, TaskEntry, Version


def version(number: int, *branches: str) -> Version:
    tasks = {f"task{each}": TaskEntry({"branch.json": each}) for each in branches}
    author = Author("alice", "2026-01-02T03:04:05+00:00", "")
    return Version("s", number, number - 1 or None, author, "x", tasks, "", {})


def test_branches_of_kept_versions_stay() -> None:
    versions = {1: version(1, "a"), 2: version(2, "a", "b"), 3: version(3, "b", "c")}
    digest = {name: TaskEntry({"branch.json": name}).branch for name in "abcd"}
    stored = list(digest.values())
    found = find_garbage(versions, stored, kept={3})
    assert found.versions == (1, 2)
    assert set(found.branches) == {digest["a"], digest["d"]}
    assert find_garbage(versions, stored, kept={1, 2, 3}).branches == (digest["d"],)


def test_a_damaged_version_stays_and_every_branch() -> None:
    """Of which nobody knows whether it needs them; versions that can be read go as ever."""
    versions = {1: version(1, "a"), 2: "version.json: is damaged", 3: version(3, "b"), 4: version(4, "c")}
    stored = [TaskEntry({"branch.json": name}).branch for name in "abcd"]
    assert find_garbage(versions, stored, kept={4}) == Garbage((1, 3), (), damaged=(2,))
