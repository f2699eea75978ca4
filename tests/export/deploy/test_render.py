"""The files of templates/: each is rendered and leaves nothing open; batching as TF Serving reads it."""

import re
from importlib import resources

import pytest

from centrabert.export.deploy.render import FILES, deployment_files
from centrabert.export.deploy.tf_serving import TfServing


def test_every_template_is_rendered() -> None:
    folder = resources.files("centrabert.export.deploy").joinpath("templates")
    assert {file.name for file in folder.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_open(name: str) -> None:
    text = deployment_files(TfServing("nlp", 7), {"stable": 3}, 900)[name]
    assert not re.search(r"{{|}}|{%", text)
    assert text.endswith("\n")


def test_batching_says_what_tf_serving_reads() -> None:
    text = deployment_files(TfServing("nlp", 7), {"stable": 3}, 900)["batching_parameters.txt"]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = dict(re.fullmatch(r"(\w+) \{ value: (\d+) \}", line).groups() for line in lines)  # type: ignore[union-attr]
    assert found == {
        "max_batch_size": "32",
        "batch_timeout_micros": "2000",
        "num_batch_threads": "7",
        "max_enqueued_batches": "100",
    }
