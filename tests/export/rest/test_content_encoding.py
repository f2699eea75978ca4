"""Compressed bodies: those that are read, and that one is refused that is damaged, cut or too large."""

import gzip
import zlib

import pytest

from centrabert.export.rest.content_encoding import decode_content
from centrabert.export.serving.errors import ServingError

BODY = b'{"inputs": ["' + b"the dog sees a small bird " * 40 + b'"]}'
ZIPPED = gzip.compress(BODY, mtime=0)
LIMIT = 2000


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def refusal(content: bytes, encoding: str, limit: int = LIMIT) -> tuple[int, str]:
    with pytest.raises(ServingError) as error:
        decode_content(content, encoding, limit)
    return error.value.http_status, error.value.message


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (BODY, ""),
        (BODY, "identity"),
        (ZIPPED, "gzip"),
        (ZIPPED, " GZip "),
        (gzip.compress(BODY[:70], mtime=0) + gzip.compress(BODY[70:], mtime=0), "gzip"),
        (zlib.compress(BODY), "deflate"),
        (raw_deflate(BODY), "deflate"),
    ],
)
def test_a_whole_body_is_read(content: bytes, encoding: str) -> None:
    assert decode_content(content, encoding, len(BODY)) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_nothing_is_a_body_too(encoding: str) -> None:
    assert decode_content(b"", encoding, LIMIT) == b""


@pytest.mark.parametrize("missing", [1, 4, 8, 9, 20, len(ZIPPED) - 1])
def test_gzip_without_its_end_is_refused(missing: int) -> None:
    assert refusal(ZIPPED[:-missing], "gzip") == (400, "the body is no gzip: it ends too early")


@pytest.mark.parametrize("place", range(len(ZIPPED) - 8, len(ZIPPED)))
def test_gzip_whose_trailer_is_wrong_is_refused(place: int) -> None:
    damaged = bytearray(ZIPPED)
    damaged[place] ^= 1
    assert refusal(bytes(damaged), "gzip")[0] == 400


@pytest.mark.parametrize("pack", [zlib.compress, raw_deflate])
def test_deflate_must_be_whole_and_alone(pack: object) -> None:
    content = pack(BODY)  # type: ignore[operator]
    assert refusal(content[:-1], "deflate") == (400, "the body is no deflate: it ends too early")
    assert refusal(content + b"x", "deflate") == (400, "the body is no deflate: something follows its end")


@pytest.mark.parametrize("content", [b"no gzip", ZIPPED + b"more", b"\x1f\x8b"])
def test_what_is_no_gzip_is_refused(content: bytes) -> None:
    status, message = refusal(content, "gzip")
    assert (status, message.startswith("the body is no gzip: ")) == (400, True)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x"])
def test_other_encodings_are_told(encoding: str) -> None:
    status, message = refusal(ZIPPED, encoding)
    assert (status, message) == (
        400,
        f"Content-Encoding {encoding} is not supported; send gzip, deflate or none",
    )


@pytest.mark.parametrize("parts", [1, 3])
def test_a_body_that_unpacks_to_too_much_is_refused(parts: int) -> None:
    """A thousand times what it takes, of which no more than the limit is ever held."""
    bomb = gzip.compress(bytes(4 * LIMIT // parts)) * parts
    assert refusal(bomb, "gzip")[0] == 413
    assert decode_content(gzip.compress(bytes(LIMIT)), "gzip", LIMIT) == bytes(LIMIT)
