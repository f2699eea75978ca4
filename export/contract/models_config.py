"""models.config, TF Serving's file: which versions a server should serve, and under which labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format  # type: ignore[import-untyped]
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import SETTINGS, version_folders
from centrabert.modeling.files import write_text

MODELS_CONFIG = "models.config"


@dataclass(frozen=True)
class DesiredVersions:
    """What should be served; TF Serving calls such versions aspired.

    Attributes:
      choices: Groups of versions; of each group the first version that can be loaded is served.
      labels: Version by label.
    """

    choices: tuple[tuple[int, ...], ...]
    labels: Mapping[str, int]


def desired_versions(base_path: Path, config_file: Path | None) -> DesiredVersions:
    """Reads the folder and the file, as they now are.

    With a file exactly the versions that it lists are desired. An export folder has such a file; where there
    is none the highest version is desired, and a lower one in its place if it cannot be loaded.

    Args:
      config_file: None for that of the export folder, if `base_path` is one.

    Raises:
      UserError: The file is damaged, lists no versions, or is not there.
    """
    config_file = config_file or exported_config(base_path)
    if config_file is None:
        return DesiredVersions((tuple(sorted(version_folders(base_path), reverse=True)),), {})
    model = read_models_config(config_file)
    versions = model.model_version_policy.specific.versions
    if not versions:
        raise UserError(f"{config_file}: lists no specific versions; run_export writes such a file")
    return DesiredVersions(tuple((number,) for number in versions), dict(model.version_labels))


def exported_config(base_path: Path) -> Path | None:
    """The models.config of an export folder; None if `base_path` is another folder with versions.

    The file is not there yet while the first export is at work, or if it was stopped.
    """
    return base_path / SETTINGS / MODELS_CONFIG if (base_path / SETTINGS).is_dir() else None


def read_models_config(file: Path) -> "ModelServerConfig.ModelConfig":
    """The one model of a models.config; raises UserError if the file is missing, damaged or of several."""
    config = ModelServerConfig()
    try:
        text_format.Parse(file.read_text(encoding="utf-8"), config)
        (model,) = config.model_config_list.config
    except FileNotFoundError:
        raise UserError(f"{file}: no such file; if an export was stopped, run it again") from None
    except (text_format.ParseError, ValueError, UnicodeDecodeError):
        raise UserError(f"{file}: is not a models.config of one model; fix or remove it") from None
    return model


def read_labels(folder: Path) -> Mapping[str, int]:
    """The version of every label in the models.config of `folder`; empty if the file is not there.

    Raises:
      UserError: models.config is damaged.
    """
    path = folder / MODELS_CONFIG
    return dict(read_models_config(path).version_labels) if path.exists() else {}


def write_models_config(folder: Path, name: str, base_path: str, labels: Mapping[str, int]) -> None:
    """Replaces models.config in one step.

    A server loads the versions that have a label, and no others; a request may name a label instead of a
    version.

    Args:
      folder: Where models.config is, or will be.
      base_path: Where the server sees the export folder.
      labels: The version of every label.

    Raises:
      OSError: The disk is full; the old file is untouched.
    """
    config = ModelServerConfig()
    model = config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    model.model_version_policy.specific.versions.extend(sorted(set(labels.values())))
    for label, number in sorted(labels.items()):
        model.version_labels[label] = number
    write_text(folder / MODELS_CONFIG, text_format.MessageToString(config))
