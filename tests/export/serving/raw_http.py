"""HTTP byte by byte, for clients that no library would be."""

import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any

SECONDS = 20.0  # far more than anything takes


@dataclass(frozen=True)
class RawAnswer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> tuple[int, str]:
        """Status and message, if it has TF Serving's shape of an error."""
        assert self.headers["content-type"] == "application/json"
        document = json.loads(self.body)
        assert list(document) == ["error"]
        return self.status, document["error"]


class RawClient:
    """One connection to this machine.

    Args:
      buffer: Bytes that the kernel keeps of what was not read.
    """

    def __init__(self, port: int, buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *parts: bytes) -> "RawClient":
        for part in parts:
            self.socket.sendall(part)
        return self

    def answer(self) -> RawAnswer:
        """The next one."""
        _, status, _ = self._file.readline().decode().split(" ", 2)
        headers = {}
        while (line := self._file.readline().decode()) != "\r\n":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return RawAnswer(int(status), headers, self._file.read(int(headers.get("content-length", 0))))

    def ends(self) -> bool:
        """Whether the server closes the connection, without another byte."""
        try:
            return self._file.read() == b""
        except ConnectionError:
            return True


def head(method: str, path: str, **headers: Any) -> bytes:
    """A request's head; `_` in names of headers is -."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def post(path: str, body: bytes, **headers: Any) -> bytes:
    return head("POST", path, Content_Length=len(body), **headers) + body
