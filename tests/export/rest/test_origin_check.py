"""Pages of other sites must not use a user's own server; programs and the server's own page must."""

import pytest

from centrabert.export.rest.origin_check import check_origin, is_loopback
from centrabert.export.serving.errors import ServingError

OWN_HOSTS = (
    "localhost:8501",
    "LocalHost",
    "localhost.:8501",
    "me.localhost:1",
    "127.0.0.1:8501",
    "[::1]:8501",
)
OTHER_HOSTS = (
    "evil.example:8501",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "",
    ":8501",
    "[::1",
    "a b",
)


@pytest.mark.parametrize("host", [*OWN_HOSTS, *OTHER_HOSTS, None])
@pytest.mark.parametrize("loopback", [True, False])
def test_programs_are_answered_whatever_they_call_the_server(host: str | None, loopback: bool) -> None:
    check_origin(host, None, loopback)


@pytest.mark.parametrize("host", OWN_HOSTS)
@pytest.mark.parametrize("loopback", [True, False])
def test_the_own_page_is_answered(host: str, loopback: bool) -> None:
    check_origin(host, f"http://{host.lower()}", loopback)
    check_origin(host, f"https://{host}", loopback)  # what is before the server may speak TLS


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_a_page_whose_name_leads_to_this_machine_is_refused(host: str) -> None:
    """To its browser it is of the same origin."""
    with pytest.raises(ServingError, match=r"only this machine can reach.*--host=0\.0\.0\.0") as error:
        check_origin(host, f"http://{host}", True)
    assert error.value.http_status == 403
    check_origin(host, f"http://{host}", False)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost",
        "http://localhost:8502",
        "http://127.0.0.1:8501",
        "http://localhost:8501.evil.example",
        "http://evil.example/localhost:8501",
        "null",
        "",
        "localhost:8501",
    ],
)
@pytest.mark.parametrize("loopback", [True, False])
def test_other_pages_are_refused(origin: str, loopback: bool) -> None:
    with pytest.raises(ServingError, match="may not use the server at localhost:8501") as error:
        check_origin("localhost:8501", origin, loopback)
    assert error.value.code == "PERMISSION_DENIED"


def test_a_page_without_a_host_is_refused() -> None:
    with pytest.raises(ServingError):
        check_origin(None, "http://evil.example", False)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("192.0.2.1", False), ("::", False)],
)
def test_addresses_of_this_machine(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
