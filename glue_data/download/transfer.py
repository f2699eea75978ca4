"""One address to one file: streamed with progress, resumed where it stopped, never spliced of two."""

import hashlib
import http.client
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from absl import logging
from tqdm import tqdm

from centrabert.errors import UserError
from centrabert.glue_data.download import partial
from centrabert.glue_data.download.partial import Partial

CHUNK = 1 << 20  # bytes
TIMEOUT = 30.0  # seconds without a byte
TRIES = 6  # with the pauses below, a server may be away for half a minute
PAUSE = 1.0  # seconds before the second try, doubled each time
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
BROKEN = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, TimeoutError)


class InterruptedTransferError(Exception):
    """The connection broke or the server was busy: another try may go on."""


def fetch(url: str, path: Path, sha256: str = "", tries: int = TRIES, pause: float = PAUSE) -> str:
    """Downloads `url` to `path` and returns its SHA-256 (hex).

    `path` appears when all bytes are there and, where `sha256` is given, agree with it. Until then they are
    in `path` + ".part", and the next call goes on with them.

    Raises:
      UserError: The address is no http(s) one, or the checksum differs; then nothing is kept.
      OSError: No such file on the server, no server, still no end after `tries`, or the disk is full.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: not an http:// or https:// address")
    part = path.with_name(path.name + ".part")
    _fetch_part(url, part, tries, pause)
    found = digest(part)
    if sha256 and found != sha256:
        partial.forget(part)
        raise UserError(
            f"{url}: SHA-256 is {found}, but {sha256} was recorded before; if the new file is right, remove"
            " its entry from DOWNLOADS.json and try again"
        )
    part.replace(path)
    partial.forget(part)
    return found


def digest(path: Path) -> str:
    """SHA-256 of the bytes of a file, in hex."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _fetch_part(url: str, part: Path, tries: int, pause: float) -> None:
    for attempt in range(1, tries + 1):
        try:
            return _transfer(url, part)
        except InterruptedTransferError as error:
            if attempt == tries:
                raise OSError(f"{url}: gave up after {tries} tries: {error}; try again later") from None
            logging.warning("%s: %s; try %d of %d", url, error, attempt + 1, tries)
            time.sleep(pause * 2 ** (attempt - 1))
    raise UserError(f"tries is {tries}, must be 1 or more")


def _transfer(url: str, part: Path) -> None:
    known = partial.find(url, part)
    if known.complete:
        return
    with _open(known, part) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        if resumed and not known.continued_by(response.headers):
            partial.forget(part)
            raise InterruptedTransferError("the file changed on the server, starting over")
        started = partial.of_answer(url, response.headers, known.have if resumed else 0)
        _check_space(started, part)
        partial.note(started, part)
        _copy(response, part, started)
    have = part.stat().st_size
    if started.total not in (None, have):
        raise InterruptedTransferError(f"the connection ended at byte {have} of {started.total}")


def _open(known: Partial, part: Path) -> Any:
    headers = {"User-Agent": "centrabert", **known.range_headers()}
    request = urllib.request.Request(known.url, headers=headers)  # noqa: S310 - `fetch` checked the scheme
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        raise _refusal(error, known.url, part) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, BROKEN):
            raise InterruptedTransferError(str(error.reason)) from None
        raise OSError(
            f"{known.url}: no connection ({error.reason}); check the network or the address"
        ) from None
    except (http.client.HTTPException, *BROKEN) as error:
        raise InterruptedTransferError(str(error) or type(error).__name__) from None


def _refusal(error: urllib.error.HTTPError, url: str, part: Path) -> Exception:
    if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.forget(part)
        return InterruptedTransferError("the file changed on the server, starting over")
    if error.code in TRY_AGAIN:
        return InterruptedTransferError(f"HTTP {error.code} {error.reason}")
    return OSError(f"{url}: HTTP {error.code} {error.reason}")


def _check_space(started: Partial, part: Path) -> None:
    missing = (started.total or started.have) - started.have
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise OSError(
            f"{part.parent}: the disk is too full: {missing:,} bytes are missing, {free:,} are free"
        )


def _copy(response: Any, part: Path, started: Partial) -> None:
    try:
        with part.open("ab" if started.have else "wb") as file, _bar(part, started) as bar:
            while chunk := _read(response):
                file.write(chunk)
                bar.update(len(chunk))
    except OSError as error:  # of the disk: `_read` turns those of the network into InterruptedTransferError
        raise OSError(error.errno, error.strerror, str(part)) from None


def _read(response: Any) -> bytes:
    try:
        return response.read1(CHUNK)
    except (http.client.HTTPException, OSError) as error:
        raise InterruptedTransferError(str(error) or type(error).__name__) from None


def _bar(part: Path, started: Partial) -> Any:
    return tqdm(
        desc=part.stem,
        total=started.total,
        initial=started.have,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        mininterval=0.5 if sys.stderr.isatty() else 10.0,  # a log file needs a line now and then
    )
