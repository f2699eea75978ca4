"""Exports a merged model as one version of a SavedModel for TF Serving.

The exported model must first give the golden answers of every task; otherwise no version is written. The
folder tf_serving/ beside the versions holds what is needed to start TF Serving: models.config, in which the
new version gets a label, batching_parameters.txt, docker_run.sh, kubernetes.yaml and kserve.yaml. If the
command is stopped, run it again to finish its work. docs/SERVING.md tells how to serve.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.export.contract.version_folder import STABLE
from centrabert.flag_fields import define, flag, read


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    merged: Path = flag("Folder of a merged model, as run_merge writes it.")
    export_dir: Path = flag("Folder that TF Serving watches; the version becomes a folder in it.")
    version: int = flag("Number of the version, from 1. A server prefers it to all lower ones.")
    model_name: str = flag("Name by which clients ask for the model.", "centrabert")
    label: str = flag(
        "Label that the new version gets in models.config, such as canary. Other labels stay where they are.",
        STABLE,
    )
    cores: int | None = flag(
        "Number of batches that a server computes at a time, and of CPUs that it requests from Kubernetes. "
        "By default it is the number of cores that this process may use.",
        None,
    )
    claim: str = flag(
        "Kubernetes: name of the PersistentVolumeClaim whose root is the export folder. By default it is "
        "called like the model.",
        "",
    )


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    from centrabert.export.deploy.tf_serving import TfServing, check_name
    from centrabert.export.publication import MergedModel, publish
    from centrabert.machine import usable_cores

    cores = usable_cores() if run.cores is None else run.cores
    serving = TfServing(run.model_name, cores, run.claim)
    check_name("label", run.label)
    print(publish(MergedModel(run.merged), run.export_dir, run.version, run.label, serving))


if __name__ == "__main__":
    command.run(main, FLAGS)
