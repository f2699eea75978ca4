"""The client over encrypted connections, with an authority of the test's own."""

import shutil
import ssl
import subprocess
from pathlib import Path

import grpc
import pytest
from canned_answers import expected
from canned_server import MODEL, Canned, grpc_server, rest_server

from centrabert.export.client.client import Client
from centrabert.export.client.errors import RequestError

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a private key and of a certificate for 127.0.0.1, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=test"
    )
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files], check=True)
    return key, certificate


def test_grpc_trusts_whom_the_credentials_name(pair: tuple[Path, Path]) -> None:
    key, certificate = (path.read_bytes() for path in pair)
    with grpc_server(Canned(), grpc.ssl_server_credentials([(key, certificate)])) as address:
        for credentials in (grpc.ssl_channel_credentials(), None):
            with (
                Client.grpc(address, MODEL, credentials=credentials) as asking,
                pytest.raises(RequestError, match="UNAVAILABLE"),
            ):
                asking.ask("mood", "one")
        trusted = grpc.ssl_channel_credentials(certificate)
        with Client.grpc(address, MODEL, credentials=trusted, timeout=20.0) as asking:
            assert asking.ask("mood", "one") == expected("mood", "one")


def test_rest_trusts_whom_the_file_names(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = pair
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Path(__file__)))  # what is said to the client counts
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with rest_server(Canned(), context=context) as url:
        with Client.rest(url, MODEL, timeout=20.0, verify=str(certificate)) as asking:
            assert asking.ask("mood", "one") == expected("mood", "one")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with (
            Client.rest(url, MODEL, timeout=20.0) as asking,
            pytest.raises(RequestError, match=r"UNAVAILABLE: .*CERTIFICATE_VERIFY_FAILED"),
        ):
            asking.ask("mood", "one")
