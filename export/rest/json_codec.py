"""TF Serving's JSON: what the body of a request says, and the body of a response.

Row format has one object a row (`instances`, `predictions`), column format one list an input (`inputs`,
`outputs`). With a single output its name is left out, as TF Serving has it.
"""

import gc
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.rest.json_tensors import COLUMN, ROW, shown
from centrabert.export.serving.errors import invalid


@dataclass(frozen=True)
class Body:
    """A request's body.

    Attributes:
      signature: "" for the default.
      form: ROW or COLUMN.
      values: What stands there.
    """

    signature: str
    form: str
    values: Any


def read_body(content: bytes) -> Body:
    """What a body says; raises ServingError, INVALID_ARGUMENT, if it is no request."""
    document = _document(content)
    if not isinstance(document, dict):
        raise invalid(f"the body is no JSON object: {shown(document)}")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid(f"signature_name: {shown(signature)} is not a string")
    forms = [form for form in (ROW, COLUMN) if form in document]
    if len(forms) != 1:
        raise invalid(f"the body holds {' and '.join(forms) or 'neither'}; give one of {ROW} and {COLUMN}")
    return Body(signature, forms[0], document[forms[0]])


def response_body(outputs: Arrays, form: str) -> bytes:
    """The response to a request of that form, the same bytes for the same outputs."""
    lists = {name: _lists(outputs[name]) for name in sorted(outputs)}
    single = next(iter(lists.values())) if len(lists) == 1 else None
    if form == COLUMN:
        return _dumped({"outputs": lists if single is None else single})
    if single is None:
        single = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return _dumped({"predictions": single})


def error_body(message: str) -> bytes:
    return _dumped({"error": message})


def _document(content: bytes) -> Any:
    """A byte order mark may stand before it, and NaN and Infinity are numbers, as in TF Serving."""
    if not content:
        raise _unreadable("it is empty")
    try:
        text = content.decode("utf-8-sig")
        with _no_collection():
            return json.loads(text, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise _unreadable(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        reason = error.msg.rstrip(": ").removesuffix(" at")
        raise _unreadable(f"{reason} at byte {len(text[: error.pos].encode())}") from None
    except RecursionError:
        raise _unreadable("it is nested too deeply") from None
    except ValueError:
        raise _unreadable("a number is too large") from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many new objects make Python look for garbage. JSON makes none; the search took 1.5 s for 4 MB."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unreadable(reason: str) -> Exception:
    return invalid(f"the body is no JSON: {reason}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values counts is a matter of taste among parsers, so a doubled key is a mistake."""
    members = dict(pairs)
    if len(members) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _unreadable(f"the key {json.dumps(twice)} is there twice")
    return members


def _dumped(document: Mapping[str, Any]) -> bytes:
    """Half a surrogate pair, which UTF-8 cannot express, becomes the JSON escape that it came from."""
    return json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")


def _lists(array: npt.NDArray[Any]) -> list[Any]:
    """As JSON has it: float32 by its shortest decimal, bytes as text."""
    if array.dtype == np.float32:
        return np.asarray(array.astype(str).astype(np.float64)).tolist()
    if array.dtype == object:
        return list(_decoded(array.tolist()))
    return list(array.tolist())


def _decoded(values: list[Any]) -> Iterator[Any]:
    """Bytes as text, in lists nested as they were."""
    for value in values:
        yield list(_decoded(value)) if isinstance(value, list) else value.decode()
