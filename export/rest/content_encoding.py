"""Bodies that a client has compressed, as `Content-Encoding` says; aiohttp takes one without its end."""

import zlib

from centrabert.export.serving.errors import ServingError, invalid

GZIP_BITS, ZLIB_BITS, DEFLATE_BITS = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decode_content(content: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body as it was before it was compressed.

    Args:
      encoding: The value of the header; "" for none.

    Raises:
      ServingError: INVALID_ARGUMENT; it is damaged or ends too early, or the encoding is none that is known.
        RESOURCE_EXHAUSTED; it is larger than `max_bytes`, of which no more are ever decompressed.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return content
    if name in ("gzip", "x-gzip"):
        bits = GZIP_BITS
    elif name == "deflate":  # by its first byte, for many clients leave out zlib's header
        bits = ZLIB_BITS if content[:1] and content[0] & 0xF == 8 else DEFLATE_BITS
    else:
        raise invalid(f"Content-Encoding {encoding} is not supported; send gzip, deflate or none")
    return _decompressed(content, bits, name, max_bytes)


def too_large(max_bytes: int) -> ServingError:
    """What is told of a body, compressed or not, that is larger than `max_bytes`."""
    message = f"a body of more than {max_bytes} bytes; send its rows in several requests"
    return ServingError("RESOURCE_EXHAUSTED", message, http_status=413)


def _decompressed(content: bytes, bits: int, name: str, max_bytes: int) -> bytes:
    """All parts of the content, each of which must be whole: gzip may have several."""
    whole = bytearray()
    while content:
        part = zlib.decompressobj(bits)
        try:
            whole += part.decompress(content, max_bytes + 1 - len(whole))
        except zlib.error as error:
            raise invalid(f"the body is no {name}: {error}") from None
        if len(whole) > max_bytes:
            raise too_large(max_bytes)
        if not part.eof:
            raise invalid(f"the body is no {name}: it ends too early")
        content = part.unused_data
        if content and bits != GZIP_BITS:
            raise invalid(f"the body is no {name}: something follows its end")
    return bytes(whole)
