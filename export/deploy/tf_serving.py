"""A TF Serving that serves the exported model: its image, its name in Kubernetes, where it sees the files."""

import re
from dataclasses import dataclass

from centrabert.errors import UserError

TAG = "2.20.0"  # of the TensorFlow that writes the SavedModel; it links TensorFlow Text 2.20.0
IMAGE = f"tensorflow/serving:{TAG}"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
CLAIM = re.compile(rf"(?=.{{1,253}}$){DNS_LABEL}(\.{DNS_LABEL})*")
MAX_RESOURCE_LETTERS = 58  # Kubernetes allows 63; a Service adds "-grpc"


@dataclass(frozen=True)
class TfServing:
    """What a server must be told besides the model. All of it may stand in a file without quoting.

    Attributes:
      name: What clients call the model.
      cores: The server's cores, and the batches that it computes at a time.
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
        return (plain if plain[0].isalpha() else f"model-{plain}")[:MAX_RESOURCE_LETTERS].strip("-")

    @property
    def volume_claim(self) -> str:
        return self.claim or self.resource


def check_name(flag: str, value: str) -> None:
    """Raises UserError unless `value` may stand in a URL, a path and a shell script as it is."""
    if not NAME.fullmatch(value):
        raise UserError(f"--{flag}={value} is not of letters, digits, '_', '.' and '-'")
