"""Manifests of TF Serving for Kubernetes and KServe: against the official schemas, and against each other."""

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml
from server_flags import server_flags

from centrabert import command
from centrabert.export.deploy.render import deployment_files
from centrabert.export.deploy.tf_serving import TfServing

SERVING = TfServing("NLP_tasks.v2", cores=3, claim="shared-disk")
LABELS = {"stable": 4, "canary": 11}
IMAGE = "tensorflow/serving:2.20.0"


def manifests(serving: TfServing, labels: dict[str, int], mebibytes: int) -> list[dict[str, Any]]:
    """What kubernetes.yaml says."""
    return list(yaml.safe_load_all(deployment_files(serving, labels, mebibytes)["kubernetes.yaml"]))


KUBERNETES = manifests(SERVING, LABELS, 1234)
DEPLOYMENT, SERVICE, HEADLESS, BUDGET, AUTOSCALER = KUBERNETES
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
KSERVE = yaml.safe_load(deployment_files(SERVING, LABELS, 1234)["kserve.yaml"])
PREDICTOR = KSERVE["spec"]["predictor"]


VERSIONS = ["1.29", "1.31", "1.33", kubernetes_validate.latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["centrabert", "null", "1.10"])
def test_the_schemas_take_the_manifests(version: str, name: str) -> None:
    for document in manifests(TfServing(name, 2), {"stable": 1}, 900):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(
    ("place", "where", "key", "value"),
    [
        (0, ("spec", "strategy", "rollingUpdate"), "maxUnavailabel", 0),
        (0, ("spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet"), "port", None),
        (0, ("spec", "template", "spec", "containers", 0, "resources", "limits"), "memory", ["1Gi"]),
        (2, ("spec",), "clusterIP", 0),
        (3, ("spec",), "maxUnavailable", [1]),
        (4, ("spec",), "minReplicas", "2"),
    ],
)
def test_the_schemas_see_mistakes(place: int, where: tuple[Any, ...], key: str, value: Any) -> None:
    manifest = copy.deepcopy(KUBERNETES[place])
    part: Any = manifest
    for step in where:
        part = part[step]
    part[key] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_every_manifest_means_the_same_pods() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    assert SERVICE["spec"]["selector"] == HEADLESS["spec"]["selector"] == labels
    assert BUDGET["spec"]["selector"]["matchLabels"] == labels
    target = AUTOSCALER["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", DEPLOYMENT["metadata"]["name"])
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for service in (SERVICE, HEADLESS):
        assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == ports
    assert [SERVICE["spec"].get("clusterIP"), HEADLESS["spec"]["clusterIP"]] == [None, "None"]


def test_pods_serve_what_the_claim_holds() -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in CONTAINER["volumeMounts"]}
    models = mounts["/models/NLP_tasks.v2"]
    assert models["readOnly"] is True
    assert volumes[models["name"]]["persistentVolumeClaim"] == {"claimName": "shared-disk", "readOnly": True}
    assert (CONTAINER["image"], CONTAINER["command"]) == (IMAGE, ["/usr/bin/tensorflow_model_server"])
    found = server_flags(CONTAINER["args"])
    assert found["model_config_file"] == "/models/NLP_tasks.v2/tf_serving/models.config"
    assert found["batching_parameters_file"] == "/models/NLP_tasks.v2/tf_serving/batching_parameters.txt"
    assert found["tensorflow_intra_op_parallelism"] == found["tensorflow_inter_op_parallelism"] == "3"
    assert CONTAINER["resources"]["limits"] == {"cpu": "3", "memory": "1234Mi"}
    assert CONTAINER["resources"]["requests"] == CONTAINER["resources"]["limits"]


def test_a_rolling_update_refuses_nobody() -> None:
    """A pod more before a pod less, ready only with its model, and gone only after the last answer."""
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in DEPLOYMENT["spec"], "the autoscaler's number would be undone"
    for probe in ("startupProbe", "readinessProbe"):
        assert CONTAINER[probe]["httpGet"] == {"path": "/v1/models/NLP_tasks.v2", "port": "rest"}
    startup = CONTAINER["startupProbe"]
    assert (
        startup["periodSeconds"] * startup["failureThreshold"] < DEPLOYMENT["spec"]["progressDeadlineSeconds"]
    )
    (_, seconds) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert POD["terminationGracePeriodSeconds"] >= int(seconds) + 30, "a REST request may take 30 s"
    assert AUTOSCALER["spec"]["minReplicas"] > BUDGET["spec"]["maxUnavailable"]


def test_pods_are_not_root_and_write_nothing() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True and POD["securityContext"]["runAsUser"] > 0
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_pods_are_replaced_when_labels_move() -> None:
    """And by nothing else that an export changes without need."""
    before, after_ = (
        manifests(SERVING, labels, 1234) for labels in (LABELS, {**LABELS, "stable": LABELS["canary"]})
    )
    assert before[1:] == after_[1:]
    told = [each[0]["spec"]["template"]["metadata"].pop("annotations") for each in (before, after_)]
    assert told == [{"centrabert/labels": f"canary=11 stable={stable}"} for stable in (4, 11)]
    assert before == after_


@pytest.mark.parametrize("label", ['a"b', "a\nb: c", "{{ name }}", "\u00e9 \U0001f600", "#"])
def test_a_label_that_somebody_wrote_into_models_config_is_text(label: str) -> None:
    before, after_ = (manifests(SERVING, labels, 1234) for labels in ({"x": 4}, {label: 4}))
    told = [each[0]["spec"]["template"]["metadata"].pop("annotations") for each in (before, after_)]
    assert told[1] == {"centrabert/labels": f"{label}=4"}
    assert before == after_


# KServe's fields beside those of a pod and of a container (v1beta1 PredictorSpec and ModelSpec, KServe 0.21).
PREDICTOR_FIELDS = frozenset(["model", "minReplicas", "maxReplicas"])
MODEL_FIELDS = frozenset(["modelFormat", "protocolVersion", "runtimeVersion", "storageUri"])


def test_kserve_takes_the_service() -> None:
    """KServe has no schema on this machine: its own fields by name, all others by Kubernetes' schema."""
    assert (KSERVE["apiVersion"], KSERVE["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert KSERVE["metadata"] == {"name": "nlp-tasks-v2"}
    assert KSERVE["spec"].keys() == {"predictor"}
    model = PREDICTOR["model"]
    assert {name: model[name] for name in MODEL_FIELDS} == {
        "modelFormat": {"name": "tensorflow"},
        "protocolVersion": "v1",
        "runtimeVersion": "2.20.0",
        "storageUri": "pvc://shared-disk",
    }
    container = {key: value for key, value in model.items() if key not in MODEL_FIELDS}
    pod = {key: value for key, value in PREDICTOR.items() if key not in PREDICTOR_FIELDS}
    spec = {**pod, "containers": [{"name": "kserve-container", "image": IMAGE, **container}]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_kserve_batches_and_adds_to_its_own_flags() -> None:
    found = server_flags(PREDICTOR["model"]["args"])
    assert found["enable_batching"] == "true"
    assert found["batching_parameters_file"] == "/mnt/models/tf_serving/batching_parameters.txt"
    own = {"model_name", "port", "rest_api_port", "model_base_path", "rest_api_timeout_in_ms"}
    assert not own & found.keys(), "KServe's TensorFlow runtime gives these itself"
    assert "model_config_file" not in found, "its base_path is another"
    assert PREDICTOR["model"]["resources"]["limits"] == {"cpu": "3", "memory": "1234Mi"}


def test_the_server_computes_as_the_scripts_do() -> None:
    onednn = {"name": "TF_ENABLE_ONEDNN_OPTS", "value": command.TENSORFLOW["TF_ENABLE_ONEDNN_OPTS"]}
    assert CONTAINER["env"] == PREDICTOR["model"]["env"] == [onednn]
