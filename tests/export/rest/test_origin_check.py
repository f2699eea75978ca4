"""Pages of other sites must not use a user's own server; programs and the server's own page must."""

import pytest

from centrabert.export.page.page import PAGE_HEADER
from centrabert.export.rest.origin_check import check_origin, is_loopback, says_same_origin
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


PROXIED = "https://nlp.example"
PROOFS = (
    {"Sec-Fetch-Site": "same-origin"},
    {PAGE_HEADER: "1"},
    {"X-Forwarded-Host": "NLP.example"},
    {"X-Forwarded-Host": "nlp.example, 10.0.0.7"},
)


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1:8501", True), ("models:8501", False)])
def test_a_page_behind_a_proxy_that_writes_another_host_is_answered(
    proof: dict[str, str], host: str, loopback: bool
) -> None:
    """As nginx does unless it is told not to."""
    check_origin(host, PROXIED, loopback, says_same_origin({"Origin": PROXIED, "Host": host, **proof}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"X-Forwarded-Host": ""},
        {"X-Forwarded-Host": "other.example"},
        {"X-Forwarded-Host": "other.example, nlp.example"},
        {"Content-Type": "application/json"},
    ],
)
def test_other_headers_prove_nothing(headers: dict[str, str]) -> None:
    assert not says_same_origin({"Origin": PROXIED, "Host": "127.0.0.1:8501", **headers})
    assert not says_same_origin({"Origin": "null", **headers})


@pytest.mark.parametrize("proof", PROOFS)
def test_a_page_whose_name_leads_to_this_machine_can_prove_nothing(proof: dict[str, str]) -> None:
    """To its browser it is of the same origin, so it may send what it likes; but not choose the Host."""
    headers = {"Origin": "http://nlp.example", **proof}
    with pytest.raises(ServingError, match="only this machine can reach"):
        check_origin("nlp.example:8501", "http://nlp.example:8501", True, says_same_origin(headers))


def test_a_page_without_a_host_is_refused() -> None:
    with pytest.raises(ServingError):
        check_origin(None, "http://evil.example", False)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("192.0.2.1", False), ("::", False)],
)
def test_addresses_of_this_machine(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
