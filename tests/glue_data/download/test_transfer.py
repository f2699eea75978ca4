"""One file from a local server: resumed, never spliced, checked; one line for each mistake."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from file_server import Site, names, serve

from centrabert.glue_data.download import partial, transfer
from centrabert.glue_data.download.partial import Partial

BODY = bytes(range(256)) * 997  # 255,232 bytes


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/big": BODY})) as running:
        yield running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_a_file_arrives_whole_with_its_digest(site: Site, tmp_path: Path) -> None:
    found = transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY
    assert found == hashlib.sha256(BODY).hexdigest()
    assert names(tmp_path) == {"big"}


def test_a_dropped_connection_is_resumed_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.cut_after = [100_000, 55_232]
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY
    assert site.asked == [("/big", ""), ("/big", "bytes=100000-"), ("/big", "bytes=155232-")]


def test_tries_are_bounded_and_the_next_call_goes_on(site: Site, tmp_path: Path) -> None:
    site.cut_after = [1000, 1000, 1000]
    with pytest.raises(OSError, match=r"gave up after 3 tries: the connection ended at byte 3000 of 255232"):
        transfer.fetch(f"{site.url}/big", tmp_path / "big", tries=3)
    assert names(tmp_path) == {"big.part", "big.part.json"}
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert site.asked[-1] == ("/big", "bytes=3000-")
    assert (tmp_path / "big").read_bytes() == BODY
    assert names(tmp_path) == {"big"}


@pytest.mark.parametrize("honours_if_range", [True, False])
def test_a_file_that_changed_is_not_spliced(site: Site, tmp_path: Path, honours_if_range: bool) -> None:
    site.cut_after = [1000]
    with pytest.raises(OSError, match="gave up"):
        transfer.fetch(f"{site.url}/big", tmp_path / "big", tries=1)
    site.files["/big"] = BODY[::-1]
    site.etag = '"v2"'
    site.check_if_range = honours_if_range
    transfer.fetch(f"{site.url}/big", tmp_path / "big", tries=2)
    assert (tmp_path / "big").read_bytes() == BODY[::-1]
    assert len(site.asked) == (2 if honours_if_range else 3)


def test_a_file_that_shrank_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    site.cut_after = [1000]
    with pytest.raises(OSError, match="gave up"):
        transfer.fetch(f"{site.url}/big", tmp_path / "big", tries=1)
    site.files["/big"] = b"short"
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == b"short"


@pytest.mark.parametrize("change", [{"etag": ""}, {"etag": 'W/"weak"'}, {"ranges": False}])
def test_without_a_way_to_resume_it_starts_over(
    site: Site, tmp_path: Path, change: dict[str, object]
) -> None:
    for key, value in change.items():
        setattr(site, key, value)
    site.cut_after = [1000]
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY


def test_a_part_of_unknown_origin_is_not_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "big.part").write_bytes(b"from somewhere")
    partial.note(Partial("http://elsewhere/big", '"v1"', len(BODY), 14), tmp_path / "big.part")
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == BODY


def test_a_busy_server_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.busy = 2
    transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert len(site.asked) == 3


def test_pauses_grow(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    site.busy = 9
    with pytest.raises(OSError, match="gave up after 4 tries: HTTP 503"):
        transfer.fetch(f"{site.url}/big", tmp_path / "big", tries=4)
    assert pauses == [1.0, 2.0, 4.0]


def test_a_wrong_checksum_keeps_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=f"SHA-256 is {hashlib.sha256(BODY).hexdigest()}, but 0000 was recorded"
    ):
        transfer.fetch(f"{site.url}/big", tmp_path / "big", sha256="0000")
    assert not names(tmp_path)


def test_only_http_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file:///etc/passwd: not an http:// or https:// address"):
        transfer.fetch("file:///etc/passwd", tmp_path / "x")


def test_a_disk_too_small_is_told_before_the_first_byte(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match="the disk is too full: 255,232 bytes are missing, 1,000 are free"):
        transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert not names(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_up_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "big.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        transfer.fetch(f"{site.url}/big", tmp_path / "big")
    assert caught.value.filename == str(tmp_path / "big.part")
    assert not (tmp_path / "big").exists()


@pytest.mark.parametrize(
    ("content_range", "etag", "fits"),
    [
        ("bytes 5-9/10", '"a"', True),
        ("bytes 5-9/*", '"a"', True),
        ("bytes 5-9/10", "", True),
        ("bytes 4-9/10", '"a"', False),
        ("bytes 50-59/60", '"a"', False),
        ("bytes 5-11/12", '"a"', False),
        ("bytes 5-9/10", '"b"', False),
        ("", '"a"', False),
    ],
)
def test_what_continues_a_part(content_range: str, etag: str, fits: bool) -> None:
    headers = {"Content-Range": content_range, "ETag": etag}
    assert Partial("u", '"a"', 10, 5).continued_by(headers) is fits
