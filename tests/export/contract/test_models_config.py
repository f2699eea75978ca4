"""models.config: by TF Serving's own parser, damaged, and what a server of an export folder does with it."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.export.contract.models_config import desired_versions, read_labels, write_models_config


def test_tf_serving_reads_what_is_written(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == {}
    labels = {"stable": 2, "canary": 5, "tried": 5}
    write_models_config(tmp_path, "nlp", "/models/nlp", labels)
    assert read_labels(tmp_path) == labels
    text = (tmp_path / "models.config").read_text()
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("nlp", "/models/nlp", "tensorflow")
    assert dict(model.version_labels) == labels
    assert list(model.model_version_policy.specific.versions) == [2, 5]


@pytest.mark.parametrize("damaged", ["models {", "model_config_list {}", "\xff"])
def test_a_damaged_config_is_named(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "models.config").write_bytes(damaged.encode("latin-1"))
    with pytest.raises(ValueError, match=r"models\.config: is not a models\.config of one model"):
        read_labels(tmp_path)


def test_the_config_of_an_export_folder_is_followed(tmp_path: Path) -> None:
    """Once it is there; before that, while the first export is at work, no version counts."""
    for number in ("1", "4"):
        (tmp_path / number).mkdir()
        (tmp_path / number / "saved_model.pb").touch()
    assert desired_versions(tmp_path, None).choices == ((4, 1),)
    settings = tmp_path / "tf_serving"
    settings.mkdir()
    with pytest.raises(ValueError, match=r"models\.config: no such file; if an export was stopped, run it"):
        desired_versions(tmp_path, None)
    write_models_config(settings, "nlp", "/models/nlp", {"stable": 1})
    assert desired_versions(tmp_path, None).choices == ((1,),)
    assert desired_versions(tmp_path, None).labels == {"stable": 1}
    other = tmp_path / "other"
    other.mkdir()
    write_models_config(other, "nlp", "/models/nlp", {"stable": 4})
    assert desired_versions(tmp_path, other / "models.config").choices == ((4,),)
