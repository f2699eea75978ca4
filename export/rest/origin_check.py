"""Keeps the pages of other sites, which a browser shows, from using a user's own server.

A browser lets any page post to any address, and says in `Origin` where the page came from. If that is not the
`Host` which the request was sent to, it is refused. A page whose name was made to point at this machine (DNS
rebinding) has an `Origin` that is its `Host`; so pages of a server that only this machine can reach must have
come from localhost or an address. Programs send no `Origin`: to them this is nothing. Nor do browsers where a
page only gets, so what such a rebound page can learn is the names, versions and counts of a model.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from centrabert.export.serving.errors import ServingError

OWN = "localhost"


def check_origin(host: str | None, origin: str | None, loopback: bool) -> None:
    """Raises ServingError, PERMISSION_DENIED, unless a request may be answered.

    Args:
      host, origin: The headers of these names, None if there is none.
      loopback: Only this machine can reach the server.
    """
    if origin is None:
        return
    if host is None or origin.partition("://")[2].lower() != host.lower():
        raise ServingError("PERMISSION_DENIED", f"a page of {origin} may not use the server at {host}")
    if loopback and not _is_own(host):
        raise ServingError(
            "PERMISSION_DENIED",
            f"a page of {origin} may not use a server that only this machine can reach; open the server's "
            f"page at {OWN}, or let others in with --host=0.0.0.0",
        )


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach that IP address."""
    return ip_address(address).is_loopback


def _is_own(host: str) -> bool:
    """Whether a Host header, with or without a port, is an address or a name that only leads here."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        return name == OWN or name.endswith(f".{OWN}") or bool(ip_address(name))
    except ValueError:
        return False
