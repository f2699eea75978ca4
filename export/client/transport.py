"""What a client says to a server and hears from it, whichever protocol carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.export.contract.signature_names import ROUTE_INPUTS
from centrabert.modeling.kinds.task_kind import Output


@dataclass(frozen=True)
class WantedModel:
    """The model that requests are meant for: the highest version served unless one is named.

    Attributes:
      version, label: At most one of them.
    """

    name: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise UserError("model is empty; give the name under which it is served")
        if self.version is not None and self.label is not None:
            raise UserError(f"version={self.version} and label={self.label!r}: give one of them")
        if self.version is not None and self.version < 1:
            raise UserError(f"version={self.version}: versions begin at 1")
        if self.label == "":
            raise UserError("label is empty; leave it out for the latest version")


@dataclass(frozen=True)
class RouteRequest:
    """A request to the signature `route`, one entry a row.

    Attributes:
      tasks: Of every row its tasks, separated by commas.
      outputs: The outputs to read, by name.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    tasks: tuple[str, ...]
    outputs: Mapping[str, Output]

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """By the signature's names."""
        return dict(zip(ROUTE_INPUTS, (self.text_a, self.text_b, self.tasks), strict=True))


@dataclass(frozen=True)
class Reply:
    """What answers a RouteRequest.

    Attributes:
      version: What answered, if the server says so.
      offered: The names of all outputs in the answer, read or not.
      columns: The wanted outputs that were there, batch first; strings as objects of str.
    """

    version: int | None
    offered: frozenset[str]
    columns: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Signature:
    """The names of a signature's inputs and outputs."""

    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(frozen=True)
class Metadata:
    """A version and its signatures by name."""

    version: int
    signatures: Mapping[str, Signature]


@dataclass(frozen=True)
class Description:
    """What the model says of itself, in JSON, and the version that said so, if the server tells."""

    version: int | None
    text: str


class Transport(Protocol):
    """Carries requests for one model; threads may share it.

    All methods take the seconds until the deadline and raise RequestError.
    """

    def route(self, request: RouteRequest, seconds: float) -> Reply: ...

    def metadata(self, seconds: float) -> Metadata: ...

    def describe(self, seconds: float) -> Description: ...

    def close(self) -> None: ...


def malformed(what: str) -> str:
    """The message about an answer that is none."""
    return f"the server's answer is not TF Serving's: {what}"
