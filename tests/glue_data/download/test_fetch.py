"""One file from a local server: whole or not at all, tried again where that may help."""

import errno
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Site, names, serve
from full_disk import largest_file

from centrabert.glue_data.download.fetch import RETRIES, fetch

BODY = bytes(range(256)) * 997  # 255,232 bytes


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/big": BODY})) as running:
        yield running


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


def test_a_file_arrives_whole(site: Site, tmp_path: Path) -> None:
    fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY
    assert names(tmp_path) == {"big"}


def test_a_broken_connection_and_a_busy_server_are_tried_again(
    site: Site, tmp_path: Path, pauses: list[float]
) -> None:
    site.busy, site.cut_after = 1, [100_000, 0]
    fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY
    assert len(site.asked) == 4
    assert pauses == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"busy": 99}, "HTTP 503, after 5 tries; check the network and run the same command again"),
        ({"cut_after": [1000] * 99}, "the connection broke, after 5 tries; check the network"),
    ],
)
def test_tries_are_bounded(site: Site, tmp_path: Path, change: dict[str, object], message: str) -> None:
    for key, value in change.items():
        setattr(site, key, value)
    with pytest.raises(OSError, match=f"/big: {message}"):
        fetch(f"{site.url}/big", tmp_path / "big")
    assert len(site.asked) == RETRIES + 1
    assert names(tmp_path) == set()


def test_a_file_that_is_not_there_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"/small: HTTP 404 Not Found$"):
        fetch(f"{site.url}/small", tmp_path / "small")
    assert len(site.asked) == 1
    assert names(tmp_path) == set()


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/big"
        with pytest.raises(OSError, match=f"^{url}: no connection, after 5 tries; check the network"):
            fetch(url, tmp_path / "big")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://server/big", "doi:10.5281/zenodo.1/big"])
def test_only_http_is_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{url}: not an http:// or https:// address$"):
        fetch(url, tmp_path / "x")


def test_a_disk_that_fills_up_is_named(site: Site, tmp_path: Path) -> None:
    with largest_file(1000), pytest.raises(OSError, match="File too large") as error:
        fetch(f"{site.url}/big", tmp_path / "big")
    assert (error.value.errno, error.value.filename) == (errno.EFBIG, str(tmp_path / "big"))
    assert names(tmp_path) == set()
    shutil.rmtree(tmp_path)
