"""YAML that a person reads, of the values that JSON has: nothing to install, and no quoting to get wrong.

Strings are written as JSON writes them, which is YAML too: "1.10", "on" and "null" stay strings.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def documents(comment: str, values: Sequence[Mapping[str, Any]]) -> str:
    """A file of several documents, below a comment.

    Args:
      comment: Lines without their "#".
      values: Keys must be plain words, as those of Kubernetes are.
    """
    head = "\n".join(f"# {line}".rstrip() for line in comment.splitlines())
    return "\n---\n".join([head, *("\n".join(_lines(value)) for value in values)]) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [line for key, each in value.items() for line in _entry(key, each)]
    if isinstance(value, list) and value:
        return [line for each in value for line in _item(_lines(each))]
    return [json.dumps(value, ensure_ascii=False)]


def _entry(key: str, value: Any) -> list[str]:
    lines = _lines(value)
    if isinstance(value, Mapping | list) and value:
        return [f"{key}:", *(f"  {line}" for line in lines)]
    return [f"{key}: {lines[0]}"]


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]
