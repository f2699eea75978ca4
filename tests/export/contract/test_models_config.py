"""models.config: by TF Serving's own parser, damaged, and written by many at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.export.contract.models_config import label_version, read_labels


def config(folder: Path) -> ModelServerConfig:
    return text_format.Parse((folder / "models.config").read_text(), ModelServerConfig())


def test_a_label_moves_and_others_stay(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == {}
    for label, version in (("stable", 1), ("canary", 2), ("stable", 2), ("canary", 5)):
        labels = label_version(tmp_path, "nlp", "/models/nlp", label, version)
    assert labels == read_labels(tmp_path) == {"stable": 2, "canary": 5}
    (model,) = config(tmp_path).model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("nlp", "/models/nlp", "tensorflow")
    assert dict(model.version_labels) == {"stable": 2, "canary": 5}
    assert list(model.model_version_policy.specific.versions) == [2, 5]


@pytest.mark.parametrize("damaged", ["models {", "model_config_list {}", "\xff"])
def test_a_damaged_config_is_named_and_kept(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "models.config").write_bytes(damaged.encode("latin-1"))
    with pytest.raises(ValueError, match=r"models\.config: is not a models\.config of one model"):
        label_version(tmp_path, "nlp", "/models/nlp", "stable", 1)
    assert (tmp_path / "models.config").read_bytes() == damaged.encode("latin-1")


def test_no_label_is_lost_where_many_are_set_at_once(tmp_path: Path) -> None:
    labels = {f"label{number}": number for number in range(1, 9)}
    start = Barrier(len(labels))

    def set_label(label: str) -> None:
        start.wait(20)
        label_version(tmp_path, "nlp", "/models/nlp", label, labels[label])

    with ThreadPoolExecutor(len(labels)) as threads:
        list(threads.map(set_label, labels))
    assert read_labels(tmp_path) == labels
