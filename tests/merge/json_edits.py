"""Edits of a JSON object, for the tests of what its reader refuses."""

from collections.abc import Callable
from typing import Any

Edit = Callable[[dict[str, Any]], None]


def put(*path: Any, value: Any) -> Edit:
    """Sets what stands at `path`, a key or an index a step."""

    def change(keys: Any) -> None:
        for step in path[:-1]:
            keys = keys[step]
        keys[path[-1]] = value

    return change


def drop(*path: Any) -> Edit:
    """Removes what stands at `path`."""

    def change(keys: Any) -> None:
        for step in path[:-1]:
            keys = keys[step]
        del keys[path[-1]]

    return change
