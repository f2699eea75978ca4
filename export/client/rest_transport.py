"""A client's requests over TF Serving's REST API."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import numpy as np
import numpy.typing as npt
import requests
from requests.adapters import HTTPAdapter

from centrabert.errors import UserError
from centrabert.export.client.errors import RequestError
from centrabert.export.client.transport import (
    Description,
    Metadata,
    Reply,
    RouteRequest,
    Signature,
    WantedModel,
    malformed,
)
from centrabert.export.contract.signature_names import DESCRIBE, DESCRIPTION, ROUTE
from centrabert.modeling.kinds.task_kind import Output

# Which gRPC status TF Serving, or a proxy before it, means. FAILED_PRECONDITION and OUT_OF_RANGE are 400 too.
CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MAX_PAGE_CHARACTERS = 500  # of an error page that is shown
T = TypeVar("T")


class RestTransport:
    """A pool of connections to a server.

    Args:
      url: "http://host:port" or "https://host:port", with a path if a proxy wants one.
      verify: For https the file of the authorities to trust; True for those that everybody does.
      connections: Kept open for the next request; more are opened where more requests run at once.
    """

    def __init__(
        self, url: str, model: WantedModel, verify: bool | str = True, connections: int = 32
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"url={url!r}: give http://host:port, such as http://localhost:8501")
        if connections < 1:
            raise UserError(f"connections={connections}: need at least 1")
        self._address = f"{url.rstrip('/')}/v1/models/{_path(model)}"
        self._verify = verify
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))

    def route(self, request: RouteRequest, seconds: float) -> Reply:
        body = {"signature_name": ROUTE, "inputs": request.inputs}
        outputs = self._document("POST", ":predict", body, seconds).get("outputs")
        if not isinstance(outputs, dict):
            raise RequestError("INTERNAL", malformed("it has no outputs by name"))
        columns = {
            name: _array(name, outputs[name], output)
            for name, output in request.outputs.items()
            if name in outputs
        }
        return Reply(None, frozenset(outputs), columns)

    def metadata(self, seconds: float) -> Metadata:
        document = self._document("GET", "/metadata", None, seconds)
        try:
            definitions = document["metadata"]["signature_def"]["signature_def"]
            signatures = {
                name: Signature(frozenset(definition["inputs"]), frozenset(definition["outputs"]))
                for name, definition in definitions.items()
            }
            return Metadata(int(document["model_spec"]["version"]), signatures)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RequestError("INTERNAL", malformed("its metadata has no signatures")) from None

    def describe(self, seconds: float) -> Description:
        body = {"signature_name": DESCRIBE, "inputs": {"text_a": [""]}}
        texts = self._document("POST", ":predict", body, seconds).get(
            "outputs"
        )  # a single output has no name
        if not isinstance(texts, list) or len(texts) != 1 or not isinstance(texts[0], str):
            raise RequestError("INTERNAL", malformed(f"its {DESCRIPTION} is not one text"))
        return Description(None, texts[0])

    def close(self) -> None:
        """Closes the connections that no request holds."""
        self._session.close()

    def _document(
        self, method: str, action: str, body: Mapping[str, Any] | None, seconds: float
    ) -> dict[str, Any]:
        """The document that answers."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        response = call_with_timeout(seconds, lambda: self._send(method, action, data, seconds))
        if response.status_code != requests.codes.ok:
            code = CODES.get(response.status_code, "UNKNOWN")
            raise RequestError(code, f"HTTP {response.status_code}: {_reason(response)}")
        document = _json(response)
        if not isinstance(document, dict):
            raise RequestError("INTERNAL", malformed("it is no JSON object"))
        return document

    def _send(self, method: str, action: str, data: bytes | None, seconds: float) -> requests.Response:
        try:
            return self._session.request(
                method,
                f"{self._address}{action}",
                data=data,
                headers={"Content-Type": "application/json"},
                timeout=(seconds, seconds),
                verify=self._verify,
                allow_redirects=False,  # requests would turn a POST into a GET
            )
        except requests.Timeout as error:
            raise RequestError("DEADLINE_EXCEEDED", str(error)) from error
        except requests.RequestException as error:
            raise RequestError("UNAVAILABLE", str(error)) from error


def _path(model: WantedModel) -> str:
    name = quote(model.name, safe="")
    if model.version is not None:
        return f"{name}/versions/{model.version}"
    return name if model.label is None else f"{name}/labels/{quote(model.label, safe='')}"


def _json(response: requests.Response) -> Any:
    """What the body says; None if it is no JSON."""
    try:
        return json.loads(response.content.decode())
    except (ValueError, RecursionError):
        return None


def _reason(response: requests.Response) -> str:
    document = _json(response)
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        return str(document["error"])
    page = response.content.decode(errors="replace")  # requests would guess at its encoding
    return page[:MAX_PAGE_CHARACTERS] or response.reason or "no reason given"


def _array(name: str, values: Any, output: Output) -> npt.NDArray[Any]:
    """The values; of an axis without any, JSON does not tell those behind it."""
    try:
        array = np.array(values, object if output.dtype == "string" else output.dtype)
        if not array.size and array.ndim:
            array = array.reshape(len(array), *[0] * len(output.axes))
        if output.dtype != "string":
            return array
        for value in array.flat:
            if not isinstance(value, str):
                raise TypeError(f"{value!r} is no text")
        return array
    except (TypeError, ValueError) as error:
        raise RequestError("INTERNAL", malformed(f"{name}: {error}")) from None


def call_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns, if it takes no longer than so many seconds.

    The timeouts of requests hold for each connection attempt and each read, and for no look-up of a name: a
    server that sends a byte now and then could hold up the caller for ever. So a thread waits for it; what
    comes too late is thrown away.

    Raises:
      RequestError: DEADLINE_EXCEEDED, or whatever `work` raises.
    """
    future: Future[T] = Future()
    Thread(target=_fulfil, args=(future, work), daemon=True).start()
    try:
        return future.result(seconds)
    except FutureTimeoutError:
        raise RequestError("DEADLINE_EXCEEDED", f"no whole answer within {seconds:g} s") from None


def _fulfil(future: "Future[T]", work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except RequestError as error:
        future.set_exception(error)
    except BaseException as error:
        future.set_exception(error)
        raise
