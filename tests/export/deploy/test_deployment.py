"""docker_run.sh run with a stub, and how much memory a server is said to need."""

import csv
import json
import re
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf import text_format
from program_stub import calls, run, stub
from server_flags import server_flags
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig
from tiny_config import CONFIG

from centrabert.export.contract.models_config import label_version
from centrabert.export.deploy.deployment import deployment_files, write_deployment
from centrabert.export.deploy.server_memory import batch_bytes, server_memory
from centrabert.export.deploy.serving_config import write_batching
from centrabert.export.deploy.tf_serving import TAG, TfServing
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.task import TaskSpec

SERVING = TfServing("NLP_tasks.v2", cores=3, claim="shared-disk")
LABELS = {"stable": 4, "canary": 11}
IMAGE = "tensorflow/serving:2.20.0"
MEBIBYTE = 2**20


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """An export folder of SERVING, made elsewhere than where it now is."""
    folder = tmp_path / "made" / "tf_serving"
    label_version(folder, SERVING.name, SERVING.base_path, "stable", 4)
    write_batching(folder, 3)
    for name, text in deployment_files(SERVING, LABELS, 1234).items():
        (folder / name).write_text(text)
    return (tmp_path / "made").rename(tmp_path / "Models, moved  here; it's $HOME (1)")


def docker(folder: Path, stubs: Path, *arguments: str, **variables: str) -> tuple[list[str], list[str]]:
    """What docker gets: its own arguments, and those after the image."""
    stub(stubs, "docker")
    done = run(["sh", str(folder / "tf_serving" / "docker_run.sh"), *arguments], stubs, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    ((_, _, *words),) = calls(stubs)
    place = words.index(IMAGE)
    return words[:place], words[place + 1 :]


def after(words: list[str], option: str) -> list[str]:
    """The values of an option that may be given several times."""
    return [value for word, value in pairwise(words) if word == option]


def test_the_image_is_of_the_tensorflow_that_exports() -> None:
    assert TAG.rpartition(".")[0] == version("tensorflow").rpartition(".")[0]


def test_docker_sees_the_moved_folder_where_models_config_says(moved: Path, tmp_path: Path) -> None:
    words, arguments = docker(moved, tmp_path / "stubs")
    (mount,) = after(words, "--mount")
    (fields,) = csv.reader([mount])  # as docker reads it
    assert set(fields) == {"type=bind", f"source={moved}", f"target={SERVING.base_path}", "readonly"}
    text = (moved / "tf_serving" / "models.config").read_text()
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert model.base_path == SERVING.base_path
    given_flags = server_flags(arguments)
    for flag in ("model_config_file", "batching_parameters_file"):
        inside = given_flags[flag].removeprefix(f"{model.base_path}/")
        assert (moved / inside).is_file(), "the server would not find it"


def test_docker_starts_the_server_with_both_ports(moved: Path, tmp_path: Path) -> None:
    words, arguments = docker(moved, tmp_path / "stubs")
    assert words[0] == "run"
    assert after(words, "--publish") == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert after(words, "--entrypoint") == ["/usr/bin/tensorflow_model_server"]
    assert after(words, "--env") == ["TF_ENABLE_ONEDNN_OPTS=1"]
    given_flags = server_flags(arguments)
    assert (given_flags["port"], given_flags["rest_api_port"]) == ("8500", "8501")
    for flag in ("enable_batching", "enable_model_warmup", "allow_version_labels_for_unavailable_models"):
        assert given_flags[flag] == "true"
    assert int(given_flags["model_config_file_poll_wait_seconds"]) > 0


def test_docker_listens_wider_and_passes_flags_on(moved: Path, tmp_path: Path) -> None:
    more = ["--rest_api_timeout_in_ms=60000", "--grpc_channel_arguments=a b"]
    words, arguments = docker(moved, tmp_path / "stubs", *more, LISTEN="192.0.2.7")
    assert after(words, "--publish") == ["192.0.2.7:8500:8500", "192.0.2.7:8501:8501"]
    assert arguments[-2:] == more


def test_docker_ends_as_the_server_does(moved: Path, tmp_path: Path) -> None:
    stub(tmp_path / "stubs", "docker", "exit 7")
    assert run(["sh", str(moved / "tf_serving" / "docker_run.sh")], tmp_path / "stubs").returncode == 7


@pytest.mark.parametrize(
    ("place", "script"), [("tf_serving", "docker_run.sh"), ("", "tf_serving/docker_run.sh")]
)
def test_the_script_is_found_by_a_relative_path(moved: Path, tmp_path: Path, place: str, script: str) -> None:
    """Even where the shell looks for folders of that name elsewhere first."""
    (tmp_path / "other" / "tf_serving").mkdir(parents=True)
    stub(tmp_path / "stubs", "docker")
    line = f'cd "$FOLDER" && CDPATH={tmp_path}/other sh {script}'
    run(["sh", "-c", line], tmp_path / "stubs", FOLDER=str(moved / place))
    (words,) = calls(tmp_path / "stubs")
    assert f'"source={moved}"' in after(words, "--mount")[0]


@pytest.mark.parametrize(
    ("weights", "batch", "batches", "wanted"),
    [
        ([440 * MEBIBYTE], 0, 1, 512 + 2 * 440),
        ([440 * MEBIBYTE + 1], 0, 1, 512 + 2 * 440 + 1),
        ([100 * MEBIBYTE, 300 * MEBIBYTE], 0, 1, 512 + 100 + 300 + 300),
        ([MEBIBYTE], 70 * MEBIBYTE, 3, 512 + 2 + 210),
    ],
)
def test_memory(weights: list[int], batch: int, batches: int, wanted: int) -> None:
    assert server_memory(weights, batch, batches) == wanted


def test_memory_of_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version to serve"):
        server_memory([], 1, 1)


def manifest() -> Manifest:
    """Of one task on the joke-sized BERT, whose texts are cut to 13 word pieces."""
    branch = Branch(TaskSpec("sim", "regression", (), True, "pearson", 13), 1, 1)
    trunk, owned = (
        {name: name for name in part} for part in (branch.shared_names(CONFIG), branch.owned_shapes(CONFIG))
    )
    record = BranchRecord(
        branch,
        CONFIG,
        trunk,
        owned,
        vocabulary_digest="v",
        do_lower_case=True,
        metrics={},
        hyperparameters={},
    )
    return Manifest(CONFIG, True, "v", 13, trunk, (record,))


def test_a_batch_needs_what_a_layer_holds() -> None:
    """Twice, of float32: 32 rows of 13 word pieces; 32 wide, 4 heads, 37 in between."""
    vectors = 32 * 13 * (4 * 32 + 2 * 37)
    attention = 32 * 4 * 13 * 13
    assert batch_bytes(manifest()) == 2 * 4 * (vectors + 2 * attention) == 1_018_368


def test_memory_is_that_of_the_labelled_versions(tmp_path: Path) -> None:
    """Of 2 and 5; not of 3, which has no label, nor of 7, which is gone."""
    for number, size in ((2, 3 * MEBIBYTE + 5), (3, 900 * MEBIBYTE), (5, 60 * MEBIBYTE)):
        for part in ("variables", "assets.extra"):
            (tmp_path / str(number) / part).mkdir(parents=True)
        (tmp_path / str(number) / "saved_model.pb").touch()
        (tmp_path / str(number) / "assets.extra" / "manifest.json").write_text(
            json.dumps(manifest().to_json())
        )
        with (tmp_path / str(number) / "variables" / "variables.data").open("wb") as file:
            file.truncate(size)
    (tmp_path / "tf_serving").mkdir()
    write_deployment(tmp_path / "5", TfServing("m", 40), {"old": 2, "stable": 5, "gone": 7})
    total = (512 + 3 + 60 + 60) * MEBIBYTE + 5 + 40 * 1_018_368
    for name in ("kubernetes.yaml", "kserve.yaml"):
        found = re.findall(r'memory: "(.*)"', (tmp_path / "tf_serving" / name).read_text())
        assert found == [f"{-(-total // MEBIBYTE)}Mi"] * 2


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("centrabert", "centrabert"),
        ("My_Model..v2", "my-model-v2"),
        ("9lives", "model-9lives"),
        ("x_-", "x"),
        ("a" * 57 + "_b", "a" * 57),
        ("Z" * 300, "z" * 58),
    ],
)
def test_names_in_kubernetes(name: str, resource: str) -> None:
    assert TfServing(name, 1).resource == resource
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", resource) and len(f"{resource}-grpc") <= 63


@pytest.mark.parametrize(
    ("name", "cores", "claim", "message"),
    [
        ("a b", 1, "", "--model_name=a b is not of letters, digits"),
        ("a\n", 1, "", "--model_name=a\n is not of letters, digits"),
        ("m", 0, "", "--cores=0 is below 1"),
        *(
            ("m", 1, claim, f"--claim={claim} is no name of a P")
            for claim in ("My", "a_b", "-a", "a.", "a\n")
        ),
    ],
)
def test_refusals(name: str, cores: int, claim: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        TfServing(name, cores, claim)
