"""kserve.yaml: the exported model as an InferenceService of KServe (serving.kserve.io/v1beta1)."""

from typing import Any

from centrabert.export.deploy import block_yaml
from centrabert.export.deploy.kubernetes_deployment import GRACE_SECONDS, REPLICAS, resources
from centrabert.export.deploy.tf_serving import TAG, TfServing, batching_flags, environment

MODELS = "/mnt/models"  # where KServe puts what storageUri names
COMMENT = """\
Serves the model {name} with KServe's TensorFlow runtime, which is TF Serving: kubectl apply -f kserve.yaml
Every export writes this file anew.

The PersistentVolumeClaim {claim} must hold the export folder at its root; if it is a folder of it, write
pvc://{claim}/FOLDER. KServe gives TF Serving --model_name={resource}, --model_base_path={models},
--port=9000, --rest_api_port=8080 and --rest_api_timeout_in_ms=60000, and after them what stands in args. So
it serves the highest version, under the name {resource}, and does not read models.config with its labels.
runtimeVersion is the image's tag: KServe's own is older than the TensorFlow that wrote the model.
protocolVersion v1 is TF Serving's REST. For gRPC write grpc-v1, and below model:
  ports: [{{"name": "h2c", "containerPort": 9000, "protocol": "TCP"}}]"""


def kserve_yaml(serving: TfServing, mebibytes: int) -> str:
    """The file.

    Args:
      mebibytes: Memory of a pod.
    """
    comment = COMMENT.format(
        name=serving.name, resource=serving.resource, claim=serving.volume_claim, models=MODELS
    )
    return block_yaml.documents(comment, [inference_service(serving, mebibytes)])


def inference_service(serving: TfServing, mebibytes: int) -> dict[str, Any]:
    """The InferenceService, as JSON."""
    lowest, highest = REPLICAS
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": serving.resource},
        "spec": {
            "predictor": {
                "minReplicas": lowest,
                "maxReplicas": highest,
                "terminationGracePeriodSeconds": GRACE_SECONDS,
                "model": {
                    "modelFormat": {"name": "tensorflow"},
                    "protocolVersion": "v1",
                    "runtimeVersion": TAG,
                    "storageUri": f"pvc://{serving.volume_claim}",
                    "args": [*batching_flags(MODELS), *serving.thread_flags],
                    "env": environment(),
                    "resources": resources(serving, mebibytes),
                },
            }
        },
    }
