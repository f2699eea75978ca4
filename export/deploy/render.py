"""What starts TF Serving on an exported model: files of templates/ with the model's name and sizes put in."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from centrabert.export.contract.version_folder import EXTRA, SETTINGS, version_folders
from centrabert.export.deploy.server_memory import BATCH_ROWS, batch_bytes, server_memory, weight_bytes
from centrabert.export.deploy.tf_serving import IMAGE, TAG, TfServing
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.files import write_text

FILES = ("batching_parameters.txt", "docker_run.sh", "kubernetes.yaml", "kserve.yaml")


def write_deployment(export_dir: Path, labels: Mapping[str, int], serving: TfServing) -> None:
    """Writes FILES for a server of the labelled versions into the export folder, beside models.config.

    Args:
      labels: The version of every label; one that is not there counts for nothing.

    Raises:
      UserError: None of the versions is there, or a manifest is damaged.
      OSError: The disk is full; the old file is untouched.
    """
    folders = version_folders(export_dir)
    served = [folders[number] for number in sorted(set(labels.values())) if number in folders]
    batch = max((batch_bytes(read_manifest(folder / EXTRA)) for folder in served), default=0)
    memory = server_memory([weight_bytes(folder) for folder in served], batch, serving.cores)
    for name, text in deployment_files(serving, labels, memory).items():
        write_text(export_dir / SETTINGS / name, text)


def deployment_files(serving: TfServing, labels: Mapping[str, int], mebibytes: int) -> dict[str, str]:
    """The text of each of FILES, by its name.

    What is put in needs no quoting, as `TfServing` sees to; only labels, which people write into
    models.config by hand, are written as JSON, which is YAML too.

    Args:
      mebibytes: Memory of a server, as `server_memory` says.
    """
    environment = Environment(autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 (no HTML)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    templates = resources.files("centrabert.export.deploy").joinpath("templates")
    values = {
        "name": serving.name,
        "base_path": serving.base_path,
        "resource": serving.resource,
        "claim": serving.volume_claim,
        "cores": serving.cores,
        "mebibytes": mebibytes,
        "batch_rows": BATCH_ROWS,
        "labels": " ".join(f"{label}={version}" for label, version in sorted(labels.items())),
        "image": IMAGE,
        "tag": TAG,
    }
    return {
        name: environment.from_string(templates.joinpath(name).read_text(encoding="utf-8")).render(values)
        for name in FILES
    }
