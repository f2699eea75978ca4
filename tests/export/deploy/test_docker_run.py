"""docker_run.sh, run with a stub in the place of docker."""

import csv
import subprocess
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf import text_format
from program_stub import calls, run, stub
from server_flags import server_flags
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from centrabert.export.contract.models_config import write_models_config
from centrabert.export.deploy.render import deployment_files
from centrabert.export.deploy.tf_serving import TAG, TfServing

SERVING = TfServing("NLP_tasks.v2", cores=3, claim="shared-disk")
LABELS = {"stable": 4, "canary": 11}
IMAGE = "tensorflow/serving:2.20.0"


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """An export folder of SERVING, made elsewhere than where it now is."""
    folder = tmp_path / "made" / "tf_serving"
    folder.mkdir(parents=True)
    write_models_config(folder, SERVING.name, SERVING.base_path, {"stable": 4})
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


def test_a_shell_reads_the_script_whole(moved: Path) -> None:
    script = moved / "tf_serving" / "docker_run.sh"
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


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
