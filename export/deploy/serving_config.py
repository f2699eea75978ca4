"""What TF Serving is told at its start: which versions to serve under which labels, and how to batch."""

from collections.abc import Mapping
from pathlib import Path

from google.protobuf import text_format  # type: ignore[import-untyped]
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.export.contract.models_config import read_models_config
from centrabert.modeling.files import write_text

MODELS, BATCHING = "models.config", "batching_parameters.txt"
ROWS = 32  # a batch that a core computes as fast, row by row, as any larger one
WAITING = 100  # batches; TF Serving's 10 are gone at the first burst: every signature has its queue


def read_labels(folder: Path) -> Mapping[str, int]:
    """The version of every label in the models.config of `folder`, none if it is not there.

    Raises:
      UserError: models.config is damaged.
    """
    path = folder / MODELS
    return dict(read_models_config(path).version_labels) if path.exists() else {}


def label_version(folder: Path, name: str, base_path: str, label: str, version: int) -> Mapping[str, int]:
    """Writes models.config with `label` at `version`; other labels stay where they are. Returns all.

    TF Serving keeps every labelled version loaded, and a request may name a label instead of a version.

    Args:
      folder: Where models.config is, or will be.
      base_path: Where the server sees the export folder.

    Raises:
      UserError: models.config is damaged.
      OSError: The disk is full; the old file is untouched.
    """
    labels = {**read_labels(folder), label: version}
    folder.mkdir(parents=True, exist_ok=True)
    config = ModelServerConfig()
    model = config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    model.model_version_policy.specific.versions.extend(sorted(set(labels.values())))
    for each, number in sorted(labels.items()):
        model.version_labels[each] = number
    write_text(folder / MODELS, text_format.MessageToString(config))
    return labels


def write_batching(folder: Path, cores: int) -> Path:
    """Writes batching_parameters.txt for --batching_parameters_file, and returns its path.

    A batch waits for no more than 2 ms. pad_variable_length_inputs stays off: it would pad ids with their
    first, where the model wants 0; who sends ids pads them.

    Args:
      cores: Batches computed at a time.
    """
    path = folder / BATCHING
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "max_batch_size": ROWS,
        "batch_timeout_micros": 2000,
        "num_batch_threads": cores,
        "max_enqueued_batches": WAITING,
    }
    write_text(path, "".join(f"{name} {{ value: {value} }}\n" for name, value in values.items()))
    return path
