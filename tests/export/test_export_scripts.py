"""run_export and run_predict: answers as JSON lines, and one line for every mistake."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from exported import exported, predictor, small

from centrabert import command, machine
from centrabert.export import publication, run_export, run_predict

SINGLES = "rte2,tone,whole"
Captured = pytest.CaptureFixture[str]


def predict(*flags: str) -> int:
    return command.status(
        run_predict.main, run_predict.FLAGS, ["run_predict", f"--saved_model={exported().version}", *flags]
    )


def export(*flags: str) -> int:
    return command.status(run_export.main, run_export.FLAGS, ["run_export", *flags])


def printed(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]


def mistake(capsys: Captured, *flags: str) -> str:
    """The one line that a refusal prints."""
    assert predict(*flags) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("run_predict: error: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("run_predict: error: ").rstrip("\n")


def alone(name: str, text_a: str, text_b: str = "") -> dict[str, Any]:
    """The answer to one row, through the task's own signature."""
    feeds = {"text_a": [text_a]}
    if name in ("rte", "sim"):
        feeds["text_b"] = [text_b]
    return {key: value[0] for key, value in predictor().predict(name, feeds).items()}


def test_one_pair(capsys: Captured) -> None:
    assert predict("--task=rte", "--text_a=The dog sees", "--text_b=a cat") == 0
    (row,) = printed(capsys)
    wanted = alone("rte", "The dog sees", "a cat")
    no, yes = wanted["probabilities"]
    assert (row["text_a"], row["text_b"]) == ("The dog sees", "a cat")
    assert row["answers"].keys() == {"rte"}
    answer = row["answers"]["rte"]
    assert answer["label"] == wanted["label"].decode()
    assert {key: np.float32(value) for key, value in answer["probabilities"].items()} == {
        "no": no,
        "yes": yes,
    }


def test_all_tasks(capsys: Captured) -> None:
    """Pair tasks read both texts, the others the first alone."""
    assert predict("--task=all", "--text_a=The dog sees", "--text_b=a cat") == 0
    (row,) = printed(capsys)
    answers = row["answers"]
    assert list(answers) == ["rte", "rte2", "sim", "tone", "whole"]
    for name in ("sim", "whole"):
        assert answers[name] == {"score": pytest.approx(alone(name, "The dog sees", "a cat")["score"])}
    for name in ("rte", "rte2", "tone"):
        wanted = alone(name, "The dog sees", "a cat")["probabilities"]
        assert list(answers[name]["probabilities"].values()) == pytest.approx(list(wanted))
    assert list(answers["tone"]["probabilities"]) == ["bad", "dull", "fine", "good"]


def test_a_file_of_pairs(tmp_path: Path) -> None:
    """Six rows in batches of two; the export folder stands for its highest version."""
    rows = [*zip(tiny.TEXT_A, tiny.TEXT_B, strict=True), ("", "")]
    assert ("", "fine") in rows  # a blank text is a text, and a blank line a row, as over REST
    (tmp_path / "in.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows[:-1]) + "\n")
    flags = (
        "--task=sim,rte2",
        f"--input={tmp_path}/in.tsv",
        f"--output={tmp_path}/out.jsonl",
        "--batch_size=2",
    )
    assert predict(f"--saved_model={exported().version.parent}", *flags) == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["text_a"], line["text_b"]) for line in lines] == rows
    for line, (a, b) in zip(lines, rows, strict=True):
        assert line["answers"]["sim"]["score"] == pytest.approx(alone("sim", a, b)["score"], abs=1e-5)
        assert line["answers"]["rte2"]["label"] == alone("rte2", a)["label"].decode()


def test_a_file_of_single_texts(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "in.tsv").write_text("the dog\r\n\r\nthe \u2028 cat\r\n", newline="")
    assert predict("--task=tone", f"--input={tmp_path}/in.tsv") == 0
    rows = printed(capsys)
    assert [row["text_a"] for row in rows] == ["the dog", "", "the \u2028 cat"]
    blank = rows[1]["answers"]["tone"]["probabilities"]
    assert list(blank.values()) == pytest.approx(list(alone("tone", "")["probabilities"]), abs=1e-5)
    assert "text_b" not in rows[0]


def test_an_output_that_cannot_be_written_is_told_before_anything_is_computed(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(*given: object) -> Iterator[str]:
        yield str(1 / 0)

    monkeypatch.setattr(run_predict, "_answers", computed)
    output = tmp_path / "absent" / "out.jsonl"
    told = mistake(capsys, "--task=tone", "--text_a=x", f"--output={output}")
    assert told == f"{output}: No such file or directory"


@pytest.mark.parametrize(
    ("content", "task", "message"),
    [
        (b"a\tb\nc\n", "rte", ":2: the row has 1 column, expected 2: 'text_a', 'text_b'"),
        (b"a\nb\tc\n", "tone", ":2: the row has 2 columns, expected 1: 'text_a'"),
        (b"a\nb\xffc\n", "tone", ":2: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"", "tone", ": the file is empty"),
    ],
)
def test_a_file_that_does_not_fit(
    tmp_path: Path, capsys: Captured, content: bytes, task: str, message: str
) -> None:
    file = tmp_path / "in.tsv"
    file.write_bytes(content)
    flags = f"--task={task}", f"--input={file}", f"--output={tmp_path}/out.jsonl"
    assert mistake(capsys, *flags) == f"{file}{message}"
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            "--task=mnli --text_a=x",
            "--task=mnli: no such task; the model has rte, rte2, sim, tone, whole, and",
        ),
        ("--task=rte,mnli --text_a=x", "--task=mnli: no such task"),
        ("--task= --text_a=x", "--task is empty; the model has rte,"),
        ("--task=rte", "give either --text_a or --input"),
        ("--task=rte --text_a=x --input=y", "give either --text_a or --input"),
        ("--task=rte --text_a=x", "task rte reads two texts; give --text_b too"),
        ("--task=all --text_a=x", "task rte reads two texts; give --text_b too"),
        (f"--task={SINGLES} --text_a=x --text_b=y", "rte2, tone, whole: no task here reads a second text"),
        ("--task=rte --input=x --text_b=y", "--text_b goes with --text_a"),
        ("--task=tone --text_a=x --batch_size=0", "--batch_size=0 is below 1"),
        ("--task=tone --input=/no/such.tsv", "/no/such.tsv: No such file or directory"),
        ("--saved_model=/no/such --task=tone --text_a=x", "/no/such: no such folder"),
        ("--text_a=x", ""),
    ],
)
def test_mistakes(capsys: Captured, flags: str, message: str) -> None:
    assert mistake(capsys, *flags.split()).startswith(message)


def test_a_version_without_a_manifest(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"?")
    line = mistake(capsys, f"--saved_model={tmp_path}", "--task=tone", "--text_a=x")
    assert line == f"{tmp_path}/1/assets.extra/manifest.json: no such file"


def test_a_damaged_saved_model(tmp_path: Path, capsys: Captured) -> None:
    extra = tmp_path / "1" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "manifest.json").write_bytes((exported().merged / "manifest.json").read_bytes())
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"?")
    line = mistake(capsys, f"--saved_model={tmp_path}", "--task=tone", "--text_a=x")
    assert line == f"{tmp_path}/1/saved_model.pb: is damaged; export the model again"


def test_export(tmp_path: Path, capsys: Captured) -> None:
    """The folder is whole, and a second export of the version is refused."""
    flags = f"--merged={small().merged}", f"--export_dir={tmp_path}/serving", "--version=3"
    server = "--model_name=nlp", "--label=canary", "--cores=7", "--claim=disk"
    assert export(*flags, *server) == 0
    version = tmp_path / "serving" / "3"
    assert capsys.readouterr().out == f"{version}\n"
    assert {str(file.relative_to(version)) for file in version.rglob("*") if file.is_file()} == {
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets/tokenizer_config.json",
        "assets/vocab.txt",
        "assets.extra/manifest.json",
        "assets.extra/MODEL_CARD.md",
        "assets.extra/tf_serving_warmup_requests",
        *(f"assets.extra/golden/{name}.json" for name in small().branches),
    }
    assert {entry.name for entry in version.parent.iterdir()} == {"3", "tf_serving"}
    check_settings(version.parent / "tf_serving")
    assert export(*flags) == 1
    assert f"run_export: error: {version}: exists already;" in capsys.readouterr().err


def check_settings(folder: Path) -> None:
    """One name, label, claim and number of cores in every file that tells them."""
    texts = {file.name: file.read_text() for file in folder.iterdir() if file.name != ".lock"}
    assert 'base_path: "/models/nlp"' in texts.pop("models.config")
    assert "num_batch_threads { value: 7 }" in texts.pop("batching_parameters.txt")
    assert "target=/models/nlp," in texts.pop("docker_run.sh")
    assert 'centrabert/labels: "canary=3"' in texts["kubernetes.yaml"]
    for name, claim in (("kubernetes.yaml", 'claimName: "disk"'), ("kserve.yaml", '"pvc://disk"')):
        text = texts.pop(name)
        assert text.count('cpu: "7"') == 2
        assert claim in text
    assert texts == {}


def test_cores_are_those_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the machine, of which a container may have a part."""
    published: list[Any] = []
    monkeypatch.setattr(machine, "usable_cores", lambda: 5)
    monkeypatch.setattr(publication, "publish", lambda *given: published.extend(given))
    assert export("--merged=merged", f"--export_dir={tmp_path}", "--version=3") == 0
    assert published[-1].cores == 5


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_version_that_is_no_positive_integer(value: str, tmp_path: Path, capsys: Captured) -> None:
    flags = f"--merged={exported().merged}", f"--export_dir={tmp_path}/serving", f"--version={value}"
    assert export(*flags) == 1
    assert "version" in capsys.readouterr().err
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize("merged", ["/no/such", ""])
def test_a_damaged_models_config_is_told_before_any_work(
    merged: str, tmp_path: Path, capsys: Captured
) -> None:
    config = tmp_path / "tf_serving" / "models.config"
    config.parent.mkdir()
    config.write_text("models {")
    flags = f"--merged={merged or exported().merged}", f"--export_dir={tmp_path}", "--version=1"
    assert export(*flags) == 1
    message = f"{config}: is not a models.config of one model; fix or remove it"
    assert capsys.readouterr().err == f"run_export: error: {message}\n"
    assert [entry.name for entry in tmp_path.rglob("*")] == ["tf_serving", "models.config"]
    assert config.read_text() == "models {"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--model_name=a b", "--model_name=a b is not of letters, digits, '_', '.' and '-'"),
        ("--label=", "--label= is not of letters, digits, '_', '.' and '-'"),
        ("--cores=0", "--cores=0 is below 1"),
        ("--claim=My", "--claim=My is no name of a PersistentVolumeClaim"),
    ],
)
def test_mistakes_in_what_a_server_has(flag: str, message: str, tmp_path: Path, capsys: Captured) -> None:
    flags = f"--merged={exported().merged}", f"--export_dir={tmp_path}/serving", "--version=1"
    assert export(*flags, flag) == 1
    assert capsys.readouterr().err == f"run_export: error: {message}\n"
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize("script", ["run_export", "run_predict"])
def test_help_without_tensorflow(script: str) -> None:
    code = (
        f"import sys; sys.modules['tensorflow'] = None; from centrabert import command; "
        f"from centrabert.export import {script} as script; command.run(script.main, script.FLAGS)"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--debug" in done.stdout
