"""One address to one file: by pooch, with a progress bar, tried again where another try may help."""

import http.client
import sys
from pathlib import Path
from typing import Any

import pooch
import requests
from absl import logging

from centrabert.errors import UserError
from centrabert.modeling.files import atomic_file

CHUNK = 1 << 20  # bytes
TIMEOUT = 30.0  # seconds without a byte
RETRIES = 4  # after pauses of 1, 2, 3 and 4 seconds
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Downloader(pooch.HTTPDownloader):
    """Streams a file; a refusal that another try does not change ends the tries."""

    def __init__(self) -> None:
        super().__init__(
            progressbar=sys.stderr.isatty(),
            chunk_size=CHUNK,
            timeout=TIMEOUT,
            headers={"User-Agent": "centrabert"},
        )

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> Any:
        try:
            return super().__call__(url, output_file, pooch, check_only)
        except requests.HTTPError as error:
            status = _status(error)
            if status in TRY_AGAIN:
                raise
            raise OSError(f"{url}: HTTP {status} {http.client.responses.get(status, '')}".rstrip()) from None


def fetch(url: str, path: Path) -> None:
    """Downloads `url` to `path`, which appears when all its bytes are there.

    Raises:
      UserError: The address is no http(s) one.
      OSError: No such file on the server, no server, still no end after all tries, or the disk is full.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: not an http:// or https:// address")
    pooch.get_logger().setLevel("WARNING")  # ours says it
    logging.info("downloading %s", url)
    try:
        with atomic_file(path) as aside:
            store = pooch.create(
                aside.parent,
                base_url="",
                registry={path.name: None},
                urls={path.name: url},
                retry_if_failed=RETRIES,
            )
            store.fetch(path.name, downloader=Downloader())
    except requests.RequestException as error:
        raise OSError(f"{url}: {_reason(error)}; check the network and run the same command again") from None


def _status(error: requests.HTTPError) -> int:
    return 0 if error.response is None else error.response.status_code


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError):
        return f"HTTP {_status(error)}, after {RETRIES + 1} tries"
    if isinstance(error, requests.Timeout):
        return f"no byte for {TIMEOUT:.0f} seconds, after {RETRIES + 1} tries"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the connection broke, after {RETRIES + 1} tries"
    return f"no connection, after {RETRIES + 1} tries"
