"""What TF Serving is started with: models.config by its own parser, batching, the model card."""

import re
from pathlib import Path

import pytest
import tiny
from exported import exported
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.export.deploy.serving_config import label_version, read_labels, write_batching


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


def test_batching_says_what_tf_serving_reads(tmp_path: Path) -> None:
    lines = write_batching(tmp_path, 7).read_text().splitlines()
    found = dict(re.fullmatch(r"(\w+) \{ value: (\d+) \}", line).groups() for line in lines)  # type: ignore[union-attr]
    assert found == {
        "max_batch_size": "32",
        "batch_timeout_micros": "2000",
        "num_batch_threads": "7",
        "max_enqueued_batches": "100",
    }


def test_the_model_card_tells_every_task_and_its_signatures() -> None:
    card = (exported().version / "assets.extra" / "MODEL_CARD.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in card.splitlines() if line.startswith("| ")}
    for branch in tiny.BRANCHES:
        task = branch.task
        row = rows[task.name]
        assert f"`{task.name}_ids`" in row and ("`text_b`" in row) == task.pair
        assert all(label in row for label in task.labels)
    assert f"cut to {tiny.MAX_SEQ_LENGTH} word pieces" in card
