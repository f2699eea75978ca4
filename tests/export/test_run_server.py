"""run_server as a process: what it prints, how it ends, and one line for every mistake."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from exported import exported, small
from source_tree import ROOT

from centrabert import command, machine
from centrabert.export import run_server
from centrabert.export.contract.models_config import write_models_config

ROWS = {"signature_name": "tone", "instances": ["the dog sees a small bird"] * 400}


def start() -> tuple[subprocess.Popen[str], str]:
    """A server of the small model, and its REST address."""
    flags = [f"--model_base_path={small().version.parent}", "--port=0", "--rest_api_port=0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "centrabert.export.run_server", *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(
        r"serving centrabert: gRPC at 127\.0\.0\.1:\d+, REST and a page at (http://127\.0\.0\.1:\d+)/\n", line
    )
    assert found, line
    return process, found[1]


def test_a_server_answers_until_sigterm_and_finishes_what_it_began() -> None:
    process, address = start()
    try:
        assert requests.get(f"{address}/healthz", timeout=20).text == "ok\n"
        answers: list[requests.Response] = []
        predict = f"{address}/v1/models/centrabert:predict"
        clients = [
            threading.Thread(target=lambda: answers.append(requests.post(predict, json=ROWS, timeout=60)))
            for _ in range(4)
        ]
        for client in clients:
            client.start()
        while 'task="tone"' not in requests.get(f"{address}/metrics", timeout=20).text:
            pass
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(60)
        assert process.wait(60) == 0
        assert [answer.status_code for answer in answers] == [200] * 4
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{address}/healthz", timeout=20)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("mebibytes", "threads"), [(None, 64), (100_000, 64), (515, 2), (1, 1)])
def test_batches_as_many_as_cores_and_memory_allow(
    mebibytes: int | None, threads: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The largest batch of the tiny model takes 0.97 MiB, its weights next to nothing."""
    limit = None if mebibytes is None else mebibytes * 2**20
    monkeypatch.setattr(machine, "usable_cores", lambda: 64)
    monkeypatch.setattr(machine, "container_memory_bytes", lambda: limit)
    run = run_server.Run(model_base_path=exported().version.parent)
    assert run_server.batch_threads(run) == threads
    assert ("--num_batch_threads overrides" in caplog.text) == (threads < 64)


def test_the_memory_of_a_version_whose_number_begins_with_zeros_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """00000007 is version 7 to TF Serving, and to us."""
    monkeypatch.setattr(machine, "usable_cores", lambda: 64)
    monkeypatch.setattr(machine, "container_memory_bytes", lambda: 515 * 2**20)
    (tmp_path / "00000007").symlink_to(exported().version)
    assert run_server.batch_threads(run_server.Run(model_base_path=tmp_path)) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model_base_path=/no/such"], "--model_base_path=/no/such: no such folder"),
        ([], "model_base_path"),
        (["--model_base_path=.", "--port=70000"], "port"),
        (["--model_base_path=.", "--port=8501"], "--port=8501 and --rest_api_port=8501: give two ports"),
        (["--model_base_path={}"], "holds no version folder with a saved_model.pb"),
        (["--model_base_path={}", "--model_config_file={}/models.config"], "models.config: no such file"),
    ],
)
def test_a_mistake_is_one_line(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["run_server", *(flag.format(tmp_path) for flag in flags)]
    assert command.status(run_server.main, run_server.FLAGS, argv) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("run_server: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert os.listdir(tmp_path) == []


def test_an_export_folder_whose_labelled_version_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A version without a label does not stand in for it."""
    for folder in ("4", "tf_serving"):
        (tmp_path / folder).mkdir()
    (tmp_path / "4" / "saved_model.pb").touch()
    write_models_config(tmp_path / "tf_serving", "nlp", "/models/nlp", {"stable": 3})
    argv = ["run_server", f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0"]
    assert command.status(run_server.main, run_server.FLAGS, argv) == 1
    file = tmp_path / "tf_serving" / "models.config"
    assert f"{file}: its labels are followed; who names none gets the highest" in caplog.text
    told = f"{tmp_path}: holds no version that {file} lists, with a saved_model.pb"
    assert told in capsys.readouterr().err
