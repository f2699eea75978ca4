"""The addresses of TF Serving's REST API."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from centrabert.export.contract.version_folder import HIGHEST
from centrabert.export.serving.errors import ServingError, invalid

ROOT = "/v1/"
PATTERN = re.compile(
    r"/v1/models(?:/(?P<name>[^/:]+))?(?:/versions/(?P<number>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:[^/:]+|/metadata)?",
    re.ASCII | re.IGNORECASE,
)
STATUS, METADATA, PREDICT, CLASSIFY, REGRESS = "", "/metadata", ":predict", ":classify", ":regress"
METHODS = {STATUS: "GET", METADATA: "GET", PREDICT: "POST", CLASSIFY: "POST", REGRESS: "POST"}


@dataclass(frozen=True)
class RestPath:
    """What an address means.

    Attributes:
      number, label: The version, by one of them or none.
      action: STATUS, METADATA, PREDICT, CLASSIFY or REGRESS.
    """

    name: str
    number: int | None
    label: str | None
    action: str


def read_path(method: str, path: str) -> RestPath:
    """What a request is for. As in TF Serving, the case of `/V1/Models` is nothing, and a query is a mistake.

    Args:
      path: As it was sent: %2F in a name is no slash between names.

    Raises:
      ServingError: NOT_FOUND; it is not of the API. INVALID_ARGUMENT; it is, and is malformed.
    """
    if not path.lower().startswith(ROOT):
        raise ServingError("NOT_FOUND", f"The requested URL {path} was not found on this server.")
    found = PATTERN.fullmatch(path)
    action = (found["action"] or STATUS) if found else ""
    if not found or METHODS.get(action) != method:
        raise invalid(f"Malformed request: {method} {path}")
    if not found["name"]:
        raise invalid("Missing model name in request.")
    label = found["label"]
    return RestPath(unquote(found["name"]), _number(found["number"]), label and unquote(label), action)


def _number(digits: str | None) -> int | None:
    if digits is None:
        return None
    number = digits.lstrip("0") or "0"
    if len(number) > len(str(HIGHEST)) or int(number) > HIGHEST:
        raise invalid(f"Failed to convert version: {digits} to numeric.")
    return int(number)
