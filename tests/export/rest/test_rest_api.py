"""Addresses of the REST API, as TF Serving reads them."""

import json
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from centrabert.export.rest import rest_api
from centrabert.export.rest.rest_api import (
    CLASSIFY,
    METADATA,
    PREDICT,
    REGRESS,
    STATUS,
    RestAddress,
    describe,
    read_address,
)
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.prediction_service import PredictionService


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/models/m", RestAddress("m", None, None, STATUS)),
        ("GET", "/v1/models/m/versions/7", RestAddress("m", 7, None, STATUS)),
        ("GET", "/v1/models/m/labels/canary", RestAddress("m", None, "canary", STATUS)),
        ("GET", "/v1/models/m/metadata", RestAddress("m", None, None, METADATA)),
        ("GET", "/v1/models/m/versions/7/metadata", RestAddress("m", 7, None, METADATA)),
        ("POST", "/v1/models/m:predict", RestAddress("m", None, None, PREDICT)),
        ("POST", "/v1/models/m/versions/0012:predict", RestAddress("m", 12, None, PREDICT)),
        ("POST", "/v1/models/m/labels/s-1:classify", RestAddress("m", None, "s-1", CLASSIFY)),
        ("POST", "/v1/models/m:regress", RestAddress("m", None, None, REGRESS)),
        ("POST", f"/v1/models/m/versions/{2**63 - 1}:predict", RestAddress("m", 2**63 - 1, None, PREDICT)),
        ("POST", "/V1/MODELS/Big/Versions/3:predict", RestAddress("Big", 3, None, PREDICT)),
        ("POST", "/v1/models/a%2Fb%3ac/labels/%C3%A9:predict", RestAddress("a/b:c", None, "é", PREDICT)),
        ("GET", "/v1/models/metadata/metadata", RestAddress("metadata", None, None, METADATA)),
        ("GET", "/v1/models/m?x=1", RestAddress("m?x=1", None, None, STATUS)),
    ],
)
def test_an_address_is_read(method: str, path: str, expected: RestAddress) -> None:
    assert read_address(method, path) == expected


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
        read_address(method, path)
    assert error.value.code == "INVALID_ARGUMENT"
    assert error.value.message == f"malformed request: {method} {path}"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/models/m", "//v1/models/m", "/etc/passwd", "/%76%31/models/m", "*", ""]
)
def test_what_is_not_of_the_api_is_not_found(path: str) -> None:
    with pytest.raises(ServingError) as error:
        read_address("GET", path)
    assert error.value.http_status == 404
    assert error.value.message == f"there is nothing at {path}"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/versions/3", "/v1/models/labels/x/metadata"])
def test_a_model_must_be_named(path: str) -> None:
    with pytest.raises(ServingError, match="the address names no model"):
        read_address("GET", path)


@pytest.mark.parametrize("number", [str(2**63), "9" * 19, "9" * 5000, "1" + "0" * 5000])
def test_a_version_that_is_no_int64_is_told(number: str) -> None:
    with pytest.raises(ServingError, match=f"version {number} is above 9223372036854775807") as error:
        read_address("GET", f"/v1/models/m/versions/{number}")
    assert error.value.http_status == 400


def test_zeros_do_not_make_a_version_long() -> None:
    assert read_address("GET", f"/v1/models/m/versions/{'0' * 5000}4").number == 4
    assert read_address("GET", f"/v1/models/m/versions/{'0' * 5000}").number == 0


@dataclass(frozen=True, eq=False)
class Served:
    """What the metadata tell of a version."""

    signature_defs: dict[str, SignatureDef]
    number: int = 3

    @property
    def predictor(self) -> "Served":
        return self


def test_the_metadata_are_made_once_for_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many tasks they take long, and nobody else is answered meanwhile; a number may come back."""
    made: list[str] = []

    def counted(message: object, **how: bool) -> object:
        made.append(type(message).__name__)
        return MessageToDict(message, **how)

    monkeypatch.setattr(rest_api, "MessageToDict", counted)
    service = SimpleNamespace(acquire=lambda target: nullcontext(service.served))
    found = []
    one, other = Served({"tone": SignatureDef(method_name="x")}), Served({"sim": SignatureDef()})
    for service.served in (one, one, other, one):
        body = describe(cast(PredictionService, service), read_address("GET", "/v1/models/m/metadata"))
        document = json.loads(body)
        assert document["model_spec"] == {"name": "m", "signature_name": "", "version": "3"}
        found.append(list(document["metadata"]["signature_def"]["signature_def"]))
    assert found == [["tone"], ["tone"], ["sim"], ["tone"]]
    assert made == ["SignatureDefMap"] * 2
