"""Kubernetes manifests: against the official schemas, and the submission run with a stub."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from program_stub import calls, run_script, stub
from tiny_plan import ARRAY, FULL, ODD, PATHS, POD, RESOURCES, TEACHERS, odd_stages

from centrabert.search.cluster.kubernetes_job import kubernetes_job, submit_script
from centrabert.search.cluster.resources import Resources
from centrabert.search.cluster.stage import Stage


def test_kubernetes_golden() -> None:
    quantities = {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"}
    line = (
        "exec python -m centrabert.search.run_job "
        '--spec=/data/out/plan/stage0/"${JOB_COMPLETION_INDEX:?}".json --jobs_dir=/data/jobs --threads=4'
    )
    assert kubernetes_job(ARRAY, replace(POD, namespace="nlp", retries=5)) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "search-stage0", "namespace": "nlp"},
        "spec": {
            "completionMode": "Indexed",
            "completions": 4,
            "parallelism": 3,
            "backoffLimitPerIndex": 5,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
                ]
            },
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "activeDeadlineSeconds": 129_600,
                    "containers": [
                        {
                            "name": "job",
                            "image": "registry.example:5000/team/centrabert:1.0",
                            "command": ["/bin/sh", "-c", line],
                            "resources": {"requests": quantities, "limits": quantities},
                            "volumeMounts": [{"name": "search", "mountPath": "/data"}],
                        }
                    ],
                    "volumes": [{"name": "search", "persistentVolumeClaim": {"claimName": "shared-disk"}}],
                }
            },
        },
    }


VERSIONS = ["1.29", "1.31", "1.33", kubernetes_validate.latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resources", [RESOURCES, Resources(2, "900M")])
@pytest.mark.parametrize("namespace", ["", "nlp"])
def test_the_schema_takes_the_job(version: str, resources: Resources, namespace: str) -> None:
    job = kubernetes_job(replace(ARRAY, resources=resources), replace(POD, namespace=namespace))
    read = json.loads(json.dumps(job))
    assert kubernetes_validate.validate(read, version, strict=True) == version.rpartition(".0")[0] or version


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        (("spec",), "completion", 4),
        (("spec",), "parallelism", "3"),
        (("spec", "podFailurePolicy"), "rules", [{"onPodConditions": []}]),
        (("spec", "template", "spec"), "volumes", [{"persistentVolumeClaim": {"claimName": "c"}}]),
        (("spec", "template", "spec", "containers", 0), "command", "sh"),
    ],
)
def test_the_schema_sees_mistakes(where: tuple[Any, ...], key: str, value: Any) -> None:
    job = copy.deepcopy(kubernetes_job(ARRAY, POD))
    part = job
    for step in where:
        part = part[step]
    part[key] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.33", strict=True)


def test_the_longest_name_fits() -> None:
    """A pod's host name is NAME-INDEX, of 63 characters at most; a Job has at most 100,000 indices."""
    array = replace(ARRAY, search="a" * 45)
    assert len(f"{kubernetes_job(array, POD)['metadata']['name']}-99999") <= 63


@pytest.mark.parametrize(
    "image",
    [
        "centrabert",
        "centrabert:1.0",
        "team/centrabert__x/y-z.a:latest_1",
        "localhost:5000/centrabert",
        "Registry.Example/centrabert:V1",
        f"ghcr.io/team/centrabert:1@sha256:{'0f' * 32}",
        f"centrabert@sha256:{'0f' * 32}",
    ],
)
def test_images(image: str) -> None:
    assert replace(POD, image=image).image == image


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(
            ({"image": image}, f"--image={image} is not of the form host/name:tag")
            for image in (
                "",
                "Centrabert",
                "a b",
                "a:",
                "a:b:c",
                "a//b",
                "/a",
                "a/",
                "a@sha256:0f",
                "a\n",
                "-a",
            )
        ),
        *(
            ({"claim": claim}, f"--claim={claim} is no name of a PersistentVolumeClaim")
            for claim in ("", "My", "a_b", "-a", "a.", "a\n", "a." * 127 + "a")
        ),
        ({"mount_path": "data"}, "--mount_path=data is not an absolute path without a colon"),
        ({"mount_path": "/a:b"}, "--mount_path=/a:b is not"),
        ({"namespace": "a.b"}, "--namespace=a.b is no name of a namespace"),
        ({"retries": -1}, "--retries=-1 is below 0"),
    ],
)
def test_pods_refuse(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(POD, **change)


@pytest.mark.parametrize("part", ["plan_dir", "jobs_dir", "bert_dir", "data_root"])
def test_paths_outside_the_volume_are_refused(part: str) -> None:
    change = {part: "/database/x"}
    if hasattr(PATHS, part):
        array = replace(ARRAY, paths=replace(PATHS, **change))
    else:
        array = replace(ARRAY, stage=Stage(0, (FULL, replace(TEACHERS[0], **change))))
    with pytest.raises(ValueError, match="/database/x is outside --mount_path=/data, where the containers"):
        kubernetes_job(array, POD)


@pytest.mark.parametrize("mount_path", ["/data", "/data/", "/"])
def test_paths_inside_the_volume(mount_path: str) -> None:
    teacher = replace(TEACHERS[0], data_root="/data")
    assert kubernetes_job(replace(ARRAY, stage=Stage(0, (teacher,))), replace(POD, mount_path=mount_path))


def test_submission(tmp_path: Path) -> None:
    """Students are created once the teachers' Job has ended: not when it begins to, nor without an answer."""
    stubs, folder = tmp_path / "stubs", tmp_path / ODD
    answers = ["echo", "echo FailureTarget", "exit 1", "echo SuccessCriteriaMet", "echo FailureTarget Failed"]
    cases = " ".join(f"{polls}) {answer};;" for polls, answer in enumerate(answers))
    stub(stubs, "kubectl", f'[ "$1" != get ] || case $(grep -c ^sleep {stubs}/calls) in {cases} esac')
    stub(stubs, "sleep")
    done = run_script(submit_script(odd_stages(tmp_path)), folder, stubs)
    assert (done.returncode, done.stderr) == (0, "")
    conditions = 'jsonpath={.status.conditions[?(@.status=="True")].type}'
    delete = ["delete", "--ignore-not-found", "--cascade=foreground", "-f"]
    get = ["kubectl", str(folder), "get", "-f", "stage0.json", "-o", conditions]
    wait = ["sleep", str(folder), "20"]
    assert calls(stubs) == [
        ["kubectl", str(folder), *delete, "stage0.json"],
        ["kubectl", str(folder), *delete, "stage1.json"],
        ["kubectl", str(folder), "create", "-f", "stage0.json"],
        *(get, wait) * 4,
        get,
        ["kubectl", str(folder), "create", "-f", "stage1.json"],
    ]


def test_submission_stops_at_a_refusal(tmp_path: Path) -> None:
    stub(tmp_path / "stubs", "kubectl", '[ "$1" != create ]')
    done = run_script(submit_script(odd_stages(tmp_path)), tmp_path / ODD, tmp_path / "stubs")
    assert done.returncode == 1
    assert [call[2] for call in calls(tmp_path / "stubs")] == ["delete", "delete", "create"]
