"""What is there of a file that is still being downloaded, and whether a server's answer goes on with it.

Bytes are in `NAME.part`; what the server said of them is in `NAME.part.json`. Without that note the bytes are
worth nothing: nobody knows which version of the file they come from.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from centrabert.modeling.files import write_text


@dataclass(frozen=True)
class Partial:
    """The bytes of one version of one file that have arrived.

    Attributes:
      url: The file's address.
      validator: A strong ETag or a Last-Modified date that names the server's version; "" if it gave none.
      total: Bytes of the whole file, or None if the server did not say.
      have: Bytes that are there.
    """

    url: str
    validator: str
    total: int | None
    have: int = 0

    @property
    def complete(self) -> bool:
        return self.have == self.total

    def range_headers(self) -> dict[str, str]:
        """Asks for the missing bytes, if the server's version is still this one (RFC 9110, 13.1.5)."""
        if not self.have or not self.validator:
            return {}
        return {"Range": f"bytes={self.have}-", "If-Range": self.validator}

    def continued_by(self, headers: Mapping[str, str]) -> bool:
        """Whether a 206 answer starts where we stopped, in the same version."""
        span, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        same_size = self.total is None or total in ("*", str(self.total))
        return span.startswith(f"{self.have}-") and same_size and validator(headers) in ("", self.validator)


def validator(headers: Mapping[str, str]) -> str:
    """What names this version of the file: a strong ETag, else its date, else ""."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def of_answer(url: str, headers: Mapping[str, str], have: int) -> Partial:
    """What a 200 answer (`have` = 0) or a fitting 206 answer promises."""
    length = headers.get("Content-Length", "")
    return Partial(url, validator(headers), have + int(length) if length.isdigit() else None, have)


def find(url: str, part: Path) -> Partial:
    """What `part` holds of `url`: nothing, if its note is missing, unreadable or of another address."""
    try:
        keys = json.loads(_note(part).read_text(encoding="utf-8"))
        found = Partial(**{**keys, "have": part.stat().st_size})
    except (FileNotFoundError, ValueError, TypeError):
        return Partial(url, "", None)
    return found if found.url == url else Partial(url, "", None)


def note(partial: Partial, part: Path) -> None:
    """Writes down what `part` is a part of."""
    write_text(_note(part), json.dumps(asdict(partial)) + "\n")


def forget(part: Path) -> None:
    """Removes `part` and its note."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")
