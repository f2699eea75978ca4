"""A TF Serving that serves the exported model: its image, its flags, and where it sees the files."""

import re
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.export.contract.models_config import MODELS_CONFIG
from centrabert.export.contract.version_folder import SETTINGS
from centrabert.export.deploy.serving_config import BATCHING

TAG = "2.20.0"  # of the TensorFlow that writes the SavedModel; it links TensorFlow Text 2.20.0
IMAGE = f"tensorflow/serving:{TAG}"
BINARY = "/usr/bin/tensorflow_model_server"  # the image's own start script adds flags, and keeps signals back
# As for the scripts that wrote the model (centrabert/command.py), so that it computes as they did.
ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "1"}
GRPC_PORT, REST_PORT = 8500, 8501
POLL_SECONDS = 30  # until a label that was moved in models.config is moved in a running server
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
CLAIM = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*")
LONGEST = 58  # of Kubernetes' 63 letters; a Service adds "-grpc"


@dataclass(frozen=True)
class TfServing:
    """What a server must be told besides the model.

    Attributes:
      name: What clients call the model.
      cores: Of the server.
      claim: Name of the PersistentVolumeClaim whose root is the export folder; "" is that of `resource`.
    """

    name: str
    cores: int
    claim: str = ""

    def __post_init__(self) -> None:
        check_name("model_name", self.name)
        if self.cores < 1:
            raise UserError(f"--cores={self.cores} is below 1")
        if self.claim and not CLAIM.fullmatch(self.claim):
            raise UserError(f"--claim={self.claim} is no name of a PersistentVolumeClaim")

    @property
    def base_path(self) -> str:
        """Where the server sees the export folder."""
        return f"/models/{self.name}"

    @property
    def resource(self) -> str:
        """The name in Kubernetes: lower case, of letters, digits and "-", a letter first."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower())
        return (plain if plain[0].isalpha() else f"model-{plain}")[:LONGEST].strip("-")

    @property
    def volume_claim(self) -> str:
        return self.claim or self.resource

    @property
    def flags(self) -> list[str]:
        """Of tensorflow_model_server, but for what depends on the container's cores.

        Labels that stand in models.config at the start name versions that are not loaded yet, which TF
        Serving must be allowed.
        """
        return [
            f"--port={GRPC_PORT}",
            f"--rest_api_port={REST_PORT}",
            f"--model_config_file={self.base_path}/{SETTINGS}/{MODELS_CONFIG}",
            f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
            "--allow_version_labels_for_unavailable_models=true",
            "--enable_model_warmup=true",
            *batching_flags(self.base_path),
        ]

    @property
    def thread_flags(self) -> list[str]:
        """TensorFlow's own choice is the node's cores, not the container's."""
        return [
            f"--tensorflow_intra_op_parallelism={self.cores}",
            f"--tensorflow_inter_op_parallelism={self.cores}",
        ]


def batching_flags(base_path: str) -> list[str]:
    """For a server that sees the export folder at `base_path`."""
    return ["--enable_batching=true", f"--batching_parameters_file={base_path}/{SETTINGS}/{BATCHING}"]


def environment() -> list[dict[str, str]]:
    """ENVIRONMENT as Kubernetes wants it."""
    return [{"name": name, "value": value} for name, value in ENVIRONMENT.items()]


def check_name(flag: str, value: str) -> None:
    """Raises UserError unless `value` may stand in a URL, a path and a shell script as it is."""
    if not NAME.fullmatch(value):
        raise UserError(f"--{flag}={value} is not of letters, digits, '_', '.' and '-'")
