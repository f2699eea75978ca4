"""Which versions a server should serve, and under which labels: the highest, or what models.config says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format  # type: ignore[import-untyped]
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import version_folders


@dataclass(frozen=True)
class Aspired:
    """What should be served.

    Attributes:
      choices: Groups of versions; of each the first that can be loaded.
      labels: Version by label.
    """

    choices: tuple[tuple[int, ...], ...]
    labels: Mapping[str, int]


def aspired(base_path: Path, config_file: Path | None) -> Aspired:
    """Looks at the folder and the file, as they now are.

    Without a file the highest version, and lower ones in its place if it cannot be loaded; with one exactly
    the versions that it lists.

    Raises:
      UserError: The file is damaged, or lists no versions.
    """
    if config_file is None:
        return Aspired((tuple(sorted(version_folders(base_path), reverse=True)),), {})
    model = read_models_config(config_file)
    versions = model.model_version_policy.specific.versions
    if not versions:
        raise UserError(f"{config_file}: lists no specific versions; run_export writes such a file")
    return Aspired(tuple((number,) for number in versions), dict(model.version_labels))


def read_models_config(file: Path) -> "ModelServerConfig.ModelConfig":
    """The one model of a models.config; raises UserError if the file is missing, damaged or of several."""
    config = ModelServerConfig()
    try:
        text_format.Parse(file.read_text(encoding="utf-8"), config)
        (model,) = config.model_config_list.config
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except (text_format.ParseError, ValueError, UnicodeDecodeError):
        raise UserError(f"{file}: is not a models.config of one model; mend or remove it") from None
    return model
