"""kubernetes.yaml: TF Serving as a Deployment, with what clients, upgrades and load ask of it.

For Kubernetes 1.29 or newer. A new version is rolled out without a refused request: a pod gets requests only
once its model is loaded, and an old one ends only after others have forgotten it.
"""

from collections.abc import Mapping
from typing import Any

from centrabert.export.deploy import block_yaml
from centrabert.export.deploy.tf_serving import BINARY, GRPC_PORT, IMAGE, REST_PORT, TfServing, environment

PORTS = {"grpc": GRPC_PORT, "rest": REST_PORT}
REPLICAS = (2, 6)  # lowest, highest
BUSY_PERCENT = 70  # of the cores, from which on there are more pods
FORGOTTEN_SECONDS = 10  # until every node has heard that a pod gets no more requests
GRACE_SECONDS = FORGOTTEN_SECONDS + 35  # REST requests end after 30; TF Serving itself ends by SIGKILL alone
LOADING_SECONDS = 600
USER = 1000  # any but root; the files must be readable for it
COMMENT = """\
Serves the model {name} with TF Serving: kubectl apply -f kubernetes.yaml
Every export writes this file anew; applied again, it replaces the pods one by one.

The PersistentVolumeClaim {claim} must hold the export folder at its root, with access mode ReadOnlyMany or
ReadWriteMany if pods shall run on several nodes; add a subPath to volumeMounts if it is a folder of it.
Clients ask http://{resource}:{rest} for REST, and dns:///{resource}-grpc:{grpc} with the policy round_robin
for gRPC, where a connection stays with one pod. The HorizontalPodAutoscaler needs metrics-server."""


def kubernetes_yaml(serving: TfServing, labels: Mapping[str, int], mebibytes: int) -> str:
    """The file.

    Args:
      labels: Version by label, as in models.config.
      mebibytes: Memory of a pod.
    """
    comment = COMMENT.format(
        name=serving.name,
        claim=serving.volume_claim,
        resource=serving.resource,
        rest=REST_PORT,
        grpc=GRPC_PORT,
    )
    return block_yaml.documents(comment, manifests(serving, labels, mebibytes))


def manifests(serving: TfServing, labels: Mapping[str, int], mebibytes: int) -> list[dict[str, Any]]:
    """Deployment, two Services, PodDisruptionBudget and HorizontalPodAutoscaler, as JSON."""
    name = serving.resource
    lowest, highest = REPLICAS
    busy = {"type": "Utilization", "averageUtilization": BUSY_PERCENT}
    scaling = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": lowest,
        "maxReplicas": highest,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": busy}}],
    }
    return [
        _manifest("apps/v1", "Deployment", name, _deployment(serving, labels, mebibytes)),
        _manifest("v1", "Service", name, _service(name)),
        # Without an address of its own its name is that of every pod.
        _manifest("v1", "Service", f"{name}-grpc", {"clusterIP": "None", **_service(name)}),
        _manifest(
            "policy/v1", "PodDisruptionBudget", name, {"maxUnavailable": 1, "selector": _selector(name)}
        ),
        _manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, scaling),
    ]


def _manifest(api: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _pod_labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def _selector(name: str) -> dict[str, Any]:
    return {"matchLabels": _pod_labels(name)}


def _service(name: str) -> dict[str, Any]:
    ports = [{"name": port, "port": number, "targetPort": port} for port, number in PORTS.items()]
    return {"selector": _pod_labels(name), "ports": ports}


def _deployment(serving: TfServing, labels: Mapping[str, int], mebibytes: int) -> dict[str, Any]:
    """Without replicas, which the autoscaler sets: to apply the file again would set them back."""
    name = serving.resource
    # What changes when labels do, so that applying the file again starts pods that read models.config anew.
    told = {"centrabert/labels": " ".join(f"{label}={version}" for label, version in sorted(labels.items()))}
    return {
        "selector": _selector(name),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "progressDeadlineSeconds": LOADING_SECONDS + 300,
        "template": {
            "metadata": {"labels": _pod_labels(name), "annotations": told},
            "spec": _pod(serving, mebibytes),
        },
    }


def _pod(serving: TfServing, mebibytes: int) -> dict[str, Any]:
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": _selector(serving.resource),
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": [spread],
        "containers": [_container(serving, mebibytes)],
        "volumes": [
            {
                "name": "models",
                "persistentVolumeClaim": {"claimName": serving.volume_claim, "readOnly": True},
            },
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _container(serving: TfServing, mebibytes: int) -> dict[str, Any]:
    return {
        "name": "tf-serving",
        "image": IMAGE,
        "command": [BINARY],
        "args": [*serving.flags, *serving.thread_flags],
        "env": environment(),
        "ports": [{"name": port, "containerPort": number} for port, number in PORTS.items()],
        "resources": resources(serving, mebibytes),
        **_probes(serving),
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sleep", str(FORGOTTEN_SECONDS)]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "models", "mountPath": serving.base_path, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }


def _probes(serving: TfServing) -> dict[str, Any]:
    """TF Serving opens its ports once the models are loaded and warm.

    Whether it lives is asked of its port: a server busy with requests may answer none in time, and to start
    it anew would help nobody.
    """
    status = {"httpGet": {"path": f"/v1/models/{serving.name}", "port": "rest"}, "timeoutSeconds": 5}
    return {
        "startupProbe": {**status, "periodSeconds": 5, "failureThreshold": LOADING_SECONDS // 5},
        "readinessProbe": {**status, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": "grpc"}, "periodSeconds": 10},
    }


def resources(serving: TfServing, mebibytes: int) -> dict[str, Any]:
    """What a container asks for, and gets at most: alike, so that no node promises memory twice."""
    quantities = {"cpu": str(serving.cores), "memory": f"{mebibytes}Mi"}
    return {"requests": quantities, "limits": quantities}
