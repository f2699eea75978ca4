"""Formats: a file of every older version becomes one of the newest, step by step; others are refused."""

import re
from typing import Any

import pytest

from centrabert.errors import UserError
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import parse_json


def renamed(keys: dict[str, Any]) -> dict[str, Any]:
    """From version 1 to 2."""
    return {"layers": keys["depth"], **{name: value for name, value in keys.items() if name != "depth"}}


def in_percent(keys: dict[str, Any]) -> dict[str, Any]:
    """From version 2 to 3."""
    return {**keys, "quality": 100 * keys["quality"]}


THIRD = Format("branch.json", 3, {0: same_keys, 1: renamed, 2: in_percent})
NEWEST = {"layers": 7, "quality": 50.0}


@pytest.mark.parametrize(
    "written",
    [
        {"depth": 7, "quality": 0.5},
        {"format_version": 1, "depth": 7, "quality": 0.5},
        {"format_version": 2, "layers": 7, "quality": 0.5},
        {"format_version": 3, "layers": 7, "quality": 50.0},
    ],
)
def test_every_version_becomes_the_newest(written: dict[str, Any]) -> None:
    before = dict(written)
    assert THIRD.upgraded(written, "b") == NEWEST
    assert written == before


def test_what_is_written_is_read() -> None:
    text = THIRD.text(NEWEST)
    assert text.startswith('{\n  "format_version": 3,\n')
    assert THIRD.upgraded(parse_json(text, "b"), "b") == NEWEST


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (4, "format_version 4 is newer than 3, the newest that this CentraBERT reads; update CentraBERT"),
        (10**30, "format_version 1000000000000000000000000000000 is newer than 3"),
        (0, "has format_version 0; a branch.json that can be read has 0..3"),
        (-1, "has format_version -1; a branch.json that can be read has 0..3"),
        ("3", "format_version '3' is not a whole number"),
        (3.0, "format_version 3.0 is not a whole number"),
        (True, "format_version True is not a whole number"),
        (None, "format_version None is not a whole number"),
        ([3], "format_version [3] is not a whole number"),
    ],
)
def test_versions_that_cannot_be_read(version: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'out/branch.json: {message}')}"):
        THIRD.upgraded({**NEWEST, "format_version": version}, "out/branch.json")


def test_versions_that_are_no_longer_read() -> None:
    young = Format("branch.json", 3, {2: in_percent})
    assert young.upgraded({"format_version": 2, "quality": 0.5}, "b") == {"quality": 50.0}
    for keys, said in (({}, "no format_version"), ({"format_version": 1}, "format_version 1")):
        with pytest.raises(UserError, match=f"^b: has {said}; a branch.json that can be read has 2..3$"):
            young.upgraded(keys, "b")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"format_version": 1, "quality": 0.5}, "of format_version 1: KeyError 'depth'"),
        ({"format_version": 2, "quality": {}}, "of format_version 2: TypeError "),
        ({"quality": None, "depth": 1}, "of format_version 0: TypeError "),
    ],
)
def test_an_old_file_that_is_none(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^b: is no branch.json {re.escape(message)}"):
        THIRD.upgraded(keys, "b")


@pytest.mark.parametrize("upgrades", [{0: same_keys}, {1: renamed}, {0: same_keys, 2: in_percent}])
def test_a_version_without_upgrade_is_a_defect(upgrades: dict[int, Any]) -> None:
    with pytest.raises(ValueError, match="have a gap"):
        Format("branch.json", 3, upgrades)
