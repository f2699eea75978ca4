"""Requests over HTTP to a local server, and its answers as arrays."""

import json
from typing import Any

import numpy as np
import requests
import tensorflow as tf
from exported import predictor
from running_server import NAME, shared_server

from centrabert.export.local_server import Server

Arrays = dict[str, np.ndarray]


def url(path: str, server: Server | None = None) -> str:
    return f"http://127.0.0.1:{(server or shared_server()).rest_port}{path}"


def post(body: Any, path: str = f"/v1/models/{NAME}:predict", **keys: Any) -> requests.Response:
    """The answer to a body, which is sent as it is if it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(url(path), data=content, timeout=20, **keys)


def refusal(response: requests.Response) -> tuple[int, str]:
    """Status and message of an answer that has TF Serving's shape of an error."""
    assert response.headers["Content-Type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"]
    return response.status_code, document["error"]


def columns(signature: str, inputs: Arrays) -> dict[str, Any]:
    """A request in column format."""
    return {"signature_name": signature, "inputs": {name: listed(array) for name, array in inputs.items()}}


def rows(signature: str, inputs: Arrays) -> dict[str, Any]:
    """The same in row format."""
    lists = columns(signature, inputs)["inputs"]
    instances = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return {"signature_name": signature, "instances": instances}


def arrays(signature: str, response: requests.Response) -> Arrays:
    """The outputs in an answer of either format."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    infos = predictor().signatures[signature].outputs
    ((form, found),) = response.json().items()
    if len(infos) == 1:
        named = {next(iter(infos)): found}
    elif form == "outputs":
        named = found
    else:
        assert form == "predictions"
        named = {name: [row[name] for row in found] for name in found[0]}
        assert all(row.keys() == named.keys() for row in found)
    return {name: array(values, tf.as_dtype(infos[name].dtype)) for name, values in named.items()}


def same(found: Arrays, expected: Arrays) -> None:
    """A row's last bits depend on the rows around it."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype), name
        if array.dtype == np.float32:
            np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            assert found[name].tolist() == array.tolist(), name


def array(values: list[Any], dtype: tf.DType) -> np.ndarray:
    if dtype == tf.string:
        return np.array([text.encode() for text in values], np.object_)
    return np.array(values, dtype.as_numpy_dtype)


def listed(inputs: np.ndarray) -> list[Any]:
    return [text.decode() for text in inputs] if inputs.dtype == object else inputs.tolist()
