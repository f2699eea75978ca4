"""Whatever is done to one of our JSON files, its reader accepts it or says in one line what is wrong."""

import copy
import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import KEPT

from centrabert.errors import UserError
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.config import BertConfig
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.training.best_checkpoint import read_evaluations
from centrabert.search.jobs.job_folder import read_spec
from centrabert.search.jobs.job_result import read_result
from centrabert.search.jobs.resumable_timer import ResumableTimer
from centrabert.search.selection.selection import read_selection
from centrabert.search.strategy.search_space import read_space

RTE, STSB = (read_record(KEPT / name).branch.task for name in ("rte", "stsb"))
JOB = next(
    path for path in sorted((KEPT / "search/jobs").iterdir()) if "student" in (path / "spec.json").read_text()
)
READERS: dict[str, tuple[Path, Callable[[Path], object]]] = {
    "branch.json": (KEPT / "rte_student", lambda file: read_record(file.parent)),
    "manifest.json": (KEPT / "merged", lambda file: read_manifest(file.parent)),
    "bert_config.json": (KEPT / "bert", BertConfig.from_json_file),
    "golden.json": (KEPT / "rte", lambda file: read_golden(file, RTE)),
    "stsb.json": (KEPT / "merged/golden", lambda file: read_golden(file, STSB)),
    "judgements.json": (KEPT / "rte", lambda file: read_evaluations(file, "accuracy")),
    "spec.json": (JOB, read_spec),
    "result.json": (JOB, lambda file: read_result(file.parent)),
    "seconds.json": (JOB, ResumableTimer),
    "space.json": (KEPT / "search", lambda file: read_space(file.parent)),
    "selection.json": (KEPT / "search", lambda file: read_selection(file.parent)),
}
HUGE = [10**9, -(10**9), 2**63, 10**400, 1e308, "../../../x", "", "\0", "x" * 9999, [], {}, [[]], None, True]
VALUES = st.sampled_from(HUGE) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def damaged(draw: st.DrawFn, keys: Any) -> Any:
    """The file with one to three places replaced, removed, or joined by others."""
    changed = copy.deepcopy(keys)
    for _ in range(draw(st.integers(1, 3))):
        if not (paths := list(places(changed))):
            return changed
        *path, last = draw(st.sampled_from(paths))
        holder = at(changed, tuple(path))
        match draw(st.sampled_from(["replace", "remove", "add", "move"])):
            case "replace":
                holder[last] = draw(VALUES)
            case "remove":
                del holder[last]
            case "move":
                holder[last] = copy.deepcopy(at(changed, draw(st.sampled_from(paths))))
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=5))] = draw(VALUES)
            case _:
                holder.insert(last, draw(VALUES))
    return changed


@pytest.mark.parametrize("name", READERS)
def test_any_damage(name: str, tmp_path: Path) -> None:
    folder, reader = READERS[name]
    keys = json.loads((folder / name).read_text(encoding="utf-8"))

    @settings(max_examples=50)
    @given(damaged(keys))
    def check(changed: Any) -> None:
        file = tmp_path / name
        file.write_text(json.dumps(changed), encoding="utf-8")
        try:
            reader(file)
        except UserError as error:
            assert str(error).startswith(f"{file}")
            assert len(str(error)) < 20_000

    check()


@pytest.mark.parametrize("name", READERS)
def test_any_bytes(name: str, tmp_path: Path) -> None:
    """A few bytes of the file are others."""
    folder, reader = READERS[name]
    content = (folder / name).read_bytes()

    @settings(max_examples=50)
    @given(st.dictionaries(st.integers(0, len(content) - 1), st.integers(0, 255), min_size=1, max_size=4))
    def check(changes: dict[int, int]) -> None:
        changed = bytearray(content)
        for index, value in changes.items():
            changed[index] = value
        (tmp_path / name).write_bytes(changed)
        try:
            reader(tmp_path / name)
        except UserError as error:
            assert str(error).startswith(str(tmp_path / name))

    check()


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_allocated_for_what_a_file_claims(name: str, tmp_path: Path) -> None:
    """Every number of the file, one after the other, is a thousand million."""
    folder, reader = READERS[name]
    keys = json.loads((folder / name).read_text(encoding="utf-8"))
    numbers = [path for path in places(keys) if isinstance(at(keys, path), int | float)]
    tracemalloc.start()
    try:
        for *path, last in numbers:
            changed = copy.deepcopy(keys)
            at(changed, tuple(path))[last] = 10**9
            (tmp_path / name).write_text(json.dumps(changed), encoding="utf-8")
            try:
                reader(tmp_path / name)
            except UserError as error:
                assert str(error).startswith(str(tmp_path / name))
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    shutil.rmtree(tmp_path)
