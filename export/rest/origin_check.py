"""Keeps the pages of other sites, which a browser shows, from using a user's own server.

A browser lets any page post to any address, and says in `Origin` where the page came from. A request is
refused unless its page is one of this server's, which shows in one of these ways:

- `Origin` is the `Host` that the request was sent to.
- The browser says so, in `Sec-Fetch-Site: same-origin`, a header that no page can set.
- The page says so, in PAGE_HEADER, or a proxy in `X-Forwarded-Host`. A browser asks the server before it lets
  a page of another site send such a header, and this server lets none.

The last two are for proxies that write another `Host`, as nginx does unless it is told not to. A page whose
name was made to point at this machine (DNS rebinding) is of this server's origin to its browser; so requests
to a server that only this machine can reach must have been sent to localhost or an address. Programs send no
`Origin`: to them this is nothing. Nor do browsers where a page only gets, so what such a rebound page can
learn is the names, versions and counts of a model.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from centrabert.export.page.page import PAGE_HEADER
from centrabert.export.serving.errors import ServingError

OWN = "localhost"


def check_origin(host: str | None, origin: str | None, loopback: bool, same_origin: bool = False) -> None:
    """Raises ServingError, PERMISSION_DENIED, unless a request may be answered.

    Args:
      host, origin: The headers of these names, None if there is none.
      loopback: Only this machine can reach the server.
      same_origin: Whether it shows otherwise that the page is one of this server's, see `says_same_origin`.
    """
    if origin is None:
        return
    if host is None or not (same_origin or _authority(origin) == host.lower()):
        raise ServingError("PERMISSION_DENIED", f"a page of {origin} may not use the server at {host}")
    if loopback and not _is_own(host):
        raise ServingError(
            "PERMISSION_DENIED",
            f"a page of {origin} may not use a server that only this machine can reach, at {host}; open the "
            f"server's page at {OWN}, let the proxy before it send `Host: {OWN}`, or let others in with "
            "--host=0.0.0.0",
        )


def says_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether headers that no page of another site can send say that the page is one of this server's."""
    origin = headers.get("Origin", "")
    first_proxy = headers.get("X-Forwarded-Host", "").split(",")[0].strip().lower()
    return (
        headers.get("Sec-Fetch-Site") == "same-origin"
        or PAGE_HEADER in headers
        or (bool(first_proxy) and _authority(origin) == first_proxy)
    )


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach that IP address."""
    return ip_address(address).is_loopback


def _authority(origin: str) -> str:
    """The host and port in an Origin header."""
    return origin.partition("://")[2].lower()


def _is_own(host: str) -> bool:
    """Whether a Host header, with or without a port, is an address or a name that only leads here."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        return name == OWN or name.endswith(f".{OWN}") or bool(ip_address(name))
    except ValueError:
        return False
