"""Addresses of the REST API, as TF Serving reads them."""

import pytest

from centrabert.export.rest.rest_path import (
    CLASSIFY,
    METADATA,
    PREDICT,
    REGRESS,
    STATUS,
    RestPath,
    read_path,
)
from centrabert.export.serving.errors import ServingError


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/models/m", RestPath("m", None, None, STATUS)),
        ("GET", "/v1/models/m/versions/7", RestPath("m", 7, None, STATUS)),
        ("GET", "/v1/models/m/labels/canary", RestPath("m", None, "canary", STATUS)),
        ("GET", "/v1/models/m/metadata", RestPath("m", None, None, METADATA)),
        ("GET", "/v1/models/m/versions/7/metadata", RestPath("m", 7, None, METADATA)),
        ("POST", "/v1/models/m:predict", RestPath("m", None, None, PREDICT)),
        ("POST", "/v1/models/m/versions/0012:predict", RestPath("m", 12, None, PREDICT)),
        ("POST", "/v1/models/m/labels/s-1:classify", RestPath("m", None, "s-1", CLASSIFY)),
        ("POST", "/v1/models/m:regress", RestPath("m", None, None, REGRESS)),
        ("POST", f"/v1/models/m/versions/{2**63 - 1}:predict", RestPath("m", 2**63 - 1, None, PREDICT)),
        ("POST", "/V1/MODELS/Big/Versions/3:predict", RestPath("Big", 3, None, PREDICT)),
        ("POST", "/v1/models/a%2Fb%3ac/labels/%C3%A9:predict", RestPath("a/b:c", None, "é", PREDICT)),
        ("GET", "/v1/models/metadata/metadata", RestPath("metadata", None, None, METADATA)),
        ("GET", "/v1/models/m?x=1", RestPath("m?x=1", None, None, STATUS)),
    ],
)
def test_an_address_is_read(method: str, path: str, expected: RestPath) -> None:
    assert read_path(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models"),
        ("POST", "/v1/models/m"),
        ("GET", "/v1/models/m:predict"),
        ("PUT", "/v1/models/m:predict"),
        ("HEAD", "/v1/models/m"),
        ("OPTIONS", "/v1/models/m:predict"),
        ("POST", "/v1/models/m:PREDICT"),
        ("POST", "/v1/models/m:generate"),
        ("POST", "/v1/models/m:predict/"),
        ("POST", "/v1/models/m:predict?alt=json"),
        ("POST", "/v1/models/m/metadata"),
        ("GET", "/v1/models/m/"),
        ("GET", "/v1/models//m"),
        ("GET", "/v1/models/m/versions"),
        ("GET", "/v1/models/m/versions/"),
        ("GET", "/v1/models/m/versions/one"),
        ("GET", "/v1/models/m/versions/-1"),
        ("GET", "/v1/models/m/versions/1.0"),
        ("GET", "/v1/models/m/versions/\u0661"),
        ("GET", "/v1/models/m/versions/1/labels/x"),
        ("GET", "/v1/models/m/labels/"),
        ("GET", "/v1/models/m/../m"),
        ("GET", "/v1/../v1/models/m"),
        ("GET", "/v1/"),
    ],
)
def test_what_is_malformed_is_shown(method: str, path: str) -> None:
    with pytest.raises(ServingError) as error:
        read_path(method, path)
    assert error.value.code == "INVALID_ARGUMENT"
    assert error.value.message == f"Malformed request: {method} {path}"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/models/m", "//v1/models/m", "/etc/passwd", "/%76%31/models/m", "*", ""]
)
def test_what_is_not_of_the_api_is_not_found(path: str) -> None:
    with pytest.raises(ServingError) as error:
        read_path("GET", path)
    assert error.value.http_status == 404
    assert error.value.message == f"The requested URL {path} was not found on this server."


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/versions/3", "/v1/models/labels/x/metadata"])
def test_a_model_must_be_named(path: str) -> None:
    with pytest.raises(ServingError, match="Missing model name in request"):
        read_path("GET", path)


@pytest.mark.parametrize("number", [str(2**63), "9" * 19, "9" * 5000, "1" + "0" * 5000])
def test_a_version_that_is_no_int64_is_told(number: str) -> None:
    with pytest.raises(ServingError, match=f"Failed to convert version: {number} to numeric.") as error:
        read_path("GET", f"/v1/models/m/versions/{number}")
    assert error.value.http_status == 400


def test_zeros_do_not_make_a_version_long() -> None:
    assert read_path("GET", f"/v1/models/m/versions/{'0' * 5000}4").number == 4
    assert read_path("GET", f"/v1/models/m/versions/{'0' * 5000}").number == 0
