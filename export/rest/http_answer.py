"""Answers over HTTP, and errors in TF Serving's shape."""

from aiohttp import web

from centrabert.export.rest.json_codec import error_body

INTERNAL = "internal error; the server's log has more"


def json_answer(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def error_answer(message: str, status: int) -> web.Response:
    return json_answer(error_body(message), status)


def malformed(reason: str) -> str:
    """What is wrong, in one line; further lines of aiohttp's reason draw an arrow under a byte."""
    first, *_ = reason.split("\n\n")
    return f"Malformed request: {' '.join(first.split()).removesuffix(':')}"
