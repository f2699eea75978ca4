"""The names of a server: in Kubernetes, and where they must not need quoting."""

import re

import pytest

from centrabert.export.deploy.tf_serving import TfServing


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("centrabert", "centrabert"),
        ("My_Model..v2", "my-model-v2"),
        ("9lives", "model-9lives"),
        ("x_-", "x"),
        ("a" * 57 + "_b", "a" * 57),
        ("Z" * 300, "z" * 58),
    ],
)
def test_names_in_kubernetes(name: str, resource: str) -> None:
    assert TfServing(name, 1).resource == resource
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", resource) and len(f"{resource}-grpc") <= 63


@pytest.mark.parametrize(
    ("name", "cores", "claim", "message"),
    [
        ("a b", 1, "", "--model_name=a b is not of letters, digits"),
        ("a\n", 1, "", "--model_name=a\n is not of letters, digits"),
        ("m", 0, "", "--cores=0 is below 1"),
        *(
            ("m", 1, claim, f"--claim={claim} is no name of a P")
            for claim in ("My", "a_b", "-a", "a.", "a\n")
        ),
    ],
)
def test_refusals(name: str, cores: int, claim: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        TfServing(name, cores, claim)
