"""Manifests of Kubernetes: one Indexed Job for each stage (batch/v1, Kubernetes 1.29 or newer).

Written as JSON, which kubectl reads as it reads YAML: nothing more to install, and no quoting to get wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.search.cluster.job_array import JobArray

INDEX = "JOB_COMPLETION_INDEX"
CONTAINER, VOLUME = "job", "search"
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
CLAIM = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*")
# github.com/distribution/reference: host:port/path:tag@digest.
IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Pod:
    """What Kubernetes must be told besides the jobs.

    Attributes:
      image: Of a container with this package installed.
      claim: Name of the PersistentVolumeClaim of the volume that holds BERT, data, plan and jobs. Pods on
        several nodes need its access mode ReadWriteMany.
      mount_path: Where the containers see that volume.
      namespace: "" is kubectl's own.
      retries: How often a job that failed is tried again.
    """

    image: str
    claim: str
    mount_path: str
    namespace: str = ""
    retries: int = 2

    def __post_init__(self) -> None:
        if not IMAGE.fullmatch(self.image):
            raise UserError(f"--image={self.image} is not of the form host/name:tag, such as centrabert:1.0")
        if not CLAIM.fullmatch(self.claim):
            raise UserError(f"--claim={self.claim} is no name of a PersistentVolumeClaim")
        if not self.mount_path.startswith("/") or ":" in self.mount_path:
            raise UserError(f"--mount_path={self.mount_path} is not an absolute path without a colon")
        if self.namespace and not re.fullmatch(LABEL, self.namespace):
            raise UserError(f"--namespace={self.namespace} is no name of a namespace")
        if self.retries < 0:
            raise UserError(f"--retries={self.retries} is below 0")


def kubernetes_job(array: JobArray, pod: Pod) -> dict[str, Any]:
    """The Job of a stage, as JSON.

    An index that fails stops no other one. A pod that is evicted, or whose node is lost, is replaced without
    counting as a failure, and only once it is gone: two never share a job's folder.

    Raises:
      UserError: The containers would not see a path.
    """
    for path in (array.paths.plan_dir, array.paths.jobs_dir, *array.data_paths):
        if not f"{path}/".startswith(f"{pod.mount_path.rstrip('/')}/"):
            raise UserError(
                f"{path} is outside --mount_path={pod.mount_path}, where the containers see the disk"
            )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": array.name, **({"namespace": pod.namespace} if pod.namespace else {})},
        "spec": {
            "completionMode": "Indexed",
            "completions": array.size,
            "parallelism": array.parallel,
            "backoffLimitPerIndex": pod.retries,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
                ]
            },
            "template": {"spec": _pod_spec(array, pod)},
        },
    }


def _pod_spec(array: JobArray, pod: Pod) -> dict[str, Any]:
    seconds = array.resources.seconds
    return {
        "restartPolicy": "Never",
        **({"activeDeadlineSeconds": seconds} if seconds else {}),
        "containers": [
            {
                "name": CONTAINER,
                "image": pod.image,
                "command": ["/bin/sh", "-c", array.shell_line(INDEX)],
                "resources": {"requests": _quantities(array), "limits": _quantities(array)},
                "volumeMounts": [{"name": VOLUME, "mountPath": pod.mount_path}],
            }
        ],
        "volumes": [{"name": VOLUME, "persistentVolumeClaim": {"claimName": pod.claim}}],
    }


def _quantities(array: JobArray) -> dict[str, str]:
    resources = array.resources
    gpus = {"nvidia.com/gpu": str(resources.gpus)} if resources.gpus else {}
    return {"cpu": str(resources.cpus), "memory": f"{resources.memory}i", **gpus}  # 8Gi is 8 * 1024^3 bytes


def submit_script(arrays: Sequence[JobArray]) -> str:
    """A shell script that creates the Jobs NAME.json beside it, each when the one before has ended.

    Jobs of these names from an earlier run are deleted first, with their pods: Kubernetes runs no Job twice.
    """
    names = [f"{array.stage.name}.json" for array in arrays]
    ended = "-o 'jsonpath={.status.conditions[?(@.status==\"True\")].type}' | grep -qE 'Complete|Failed'"
    lines = ["#!/bin/sh", "set -eu", 'cd "$(dirname "$0")"']
    lines += [f"kubectl delete --ignore-not-found --cascade=foreground -f {name}" for name in names]
    for place, name in enumerate(names):
        if place:
            lines.append(f"until kubectl get -f {names[place - 1]} {ended}; do sleep 20; done")
        lines.append(f"kubectl create -f {name}")
    return "\n".join([*lines, ""])
