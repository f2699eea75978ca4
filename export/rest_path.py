"""The addresses of TF Serving's REST API."""

import re
from dataclasses import dataclass

from centrabert.export.serving_error import invalid

PATTERN = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<number>\d{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:predict|:classify|:regress|/metadata)?",
    re.ASCII,
)
STATUS, METADATA, PREDICT = "", "/metadata", ":predict"


@dataclass(frozen=True)
class RestPath:
    """What an address means.

    Attributes:
      number, label: The version, by one of them or none.
      action: STATUS, METADATA, PREDICT or another ":<method>".
    """

    name: str
    number: int | None
    label: str | None
    action: str


def read_path(method: str, path: str) -> RestPath:
    """Raises ServingError, INVALID_ARGUMENT, unless the method and path are of the API."""
    found = PATTERN.fullmatch(path)
    action = (found["action"] or STATUS) if found else ""
    if not found or method != ("POST" if action.startswith(":") else "GET"):
        raise invalid(f"Malformed request: {method} {path}")
    return RestPath(found["name"], int(found["number"]) if found["number"] else None, found["label"], action)
