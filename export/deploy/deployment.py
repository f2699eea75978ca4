"""What starts TF Serving on an exported model: with Docker, on Kubernetes, under KServe."""

from collections.abc import Mapping
from pathlib import Path

from centrabert.export.contract.version_folder import EXTRA, SETTINGS, version_folders
from centrabert.export.deploy.docker_script import docker_script
from centrabert.export.deploy.kserve import kserve_yaml
from centrabert.export.deploy.kubernetes_deployment import kubernetes_yaml
from centrabert.export.deploy.server_memory import batch_bytes, server_memory
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.files import write_text

VARIABLES = "variables"  # TensorFlow's name


def write_deployment(version: Path, serving: TfServing, labels: Mapping[str, int]) -> None:
    """Writes `deployment_files` beside models.config of the export folder that `version` is in.

    Args:
      version: Folder of the version just exported; the server's batches are those of its model.
      labels: Version by label, as in models.config.

    Raises:
      OSError: The disk is full; the old file is untouched.
    """
    folders = version_folders(version.parent)
    weights = [_bytes(folders[number]) for number in sorted(set(labels.values())) if number in folders]
    memory = server_memory(weights, batch_bytes(read_manifest(version / EXTRA)), serving.cores)
    for name, text in deployment_files(serving, labels, memory).items():
        write_text(version.parent / SETTINGS / name, text)


def deployment_files(serving: TfServing, labels: Mapping[str, int], mebibytes: int) -> dict[str, str]:
    """The text of every file, by its name.

    Args:
      mebibytes: Memory of a server, as `server_memory` says.
    """
    return {
        "docker_run.sh": docker_script(serving),
        "kubernetes.yaml": kubernetes_yaml(serving, labels, mebibytes),
        "kserve.yaml": kserve_yaml(serving, mebibytes),
    }


def _bytes(version: Path) -> int:
    """Of the weights."""
    return sum(file.stat().st_size for file in (version / VARIABLES).glob("*"))
