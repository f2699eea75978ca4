"""What the JSON objects of all our files are held to: the version of their format, and exactly their keys."""

from collections.abc import Set
from typing import Any

from centrabert.errors import UserError


def check_keys(keys: dict[str, Any], known: Set[str], what: str) -> None:
    """Raises UserError that begins with `what` and names every missing or unknown key."""
    if keys.keys() != known:
        raise UserError(f"{what}: missing or unknown keys {sorted(keys.keys() ^ known)}")


def check_format(keys: dict[str, Any], version: int, source: str) -> None:
    """Raises UserError that begins with `source` for a `format_version` that is not `version`."""
    if keys.get("format_version") != version:
        raise UserError(f"{source}: format_version {keys.get('format_version')!r}, wanted {version}")
