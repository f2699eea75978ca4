"""centrabert describe: one task or all of a file, as a text or as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_glue

from centrabert import command
from centrabert.glue_data import run_describe


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("describe")
    tiny_glue.bert_folder(root / "bert")
    long = " ".join(["dog"] * 10_000)
    (root / "train.csv").write_text(f'text,label\nthe dog,bad\n"dog, cat",good\nthe dog,good\n{long},bad\n')
    (root / "dev.csv").write_text("text,label\nthe dog,bad\n")
    (root / "tags.jsonl").write_text('{"text": "the dog", "tags": ["O", "O", "O", "B-animal", "O", "O"]}\n')
    (root / "tasks.yaml").write_text(
        "tasks:\n  mood: {train: train.csv, dev: dev.csv, max_seq_length: 5}\n"
        "  animals: {kind: tagging, split: characters, train: tags.jsonl, max_seq_length: 20}\n"
    )
    return root


def describe(root: Path, **flags: Any) -> int:
    given = {"bert_dir": root / "bert", "task_config": root / "tasks.yaml", **flags}
    argv = [f"--{name}={value}" for name, value in given.items()]
    return command.status(run_describe.main, run_describe.FLAGS, ["describe", *argv])


def test_json_of_all_tasks(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert describe(root, json=True) == 0
    mood, animals = json.loads(capsys.readouterr().out)["tasks"]
    assert (mood["name"], mood["labels"], mood["max_seq_length"]) == ("mood", ["bad", "good"], 5)
    train, dev = mood["splits"]["train"], mood["splits"]["dev"]
    assert train["lengths"] == {
        "shortest": 4,
        "median": 4,
        "90 %": 10_002,
        "95 %": 10_002,
        "99 %": 10_002,
        "longest": 10_002,
    }
    assert [train[name] for name in ("rows", "truncated", "duplicates", "contradictions")] == [4, 1, 1, 1]
    assert (dev["shared"], train["shared"]) == (1, None)
    assert animals["splits"]["train"]["labels"] == {"animal": 1} and animals["split"] == "characters"
    assert animals["splits"]["train"]["lengths"]["longest"] == 8  # a piece for each letter, [CLS] and [SEP]


def test_text_of_one_task(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert describe(root, task_name="mood", max_seq_length=4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mood: classification, 2 labels"
    assert "truncated at 4  2 (50.0%)    0 (0.0%)" in lines
    assert describe(root, task_name="mood", max_seq_length=9999) == 1
    assert "--max_seq_length=9999 is above" in capsys.readouterr().err


def test_nothing_is_printed_where_a_task_cannot_be_read(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = root / "broken.yaml"
    broken.write_text(
        (root / "tasks.yaml").read_text() + "  none: {train: none.tsv, labels: [a, b], max_seq_length: 20}\n"
    )
    assert describe(root, task_config=broken) == 1
    out, err = capsys.readouterr()
    assert out == "" and "none.tsv: no such file, train of task none" in err
    given = {"bert_dir": root / "bert", "train_file": root / "train.csv"}
    argv = [f"--{name}={value}" for name, value in given.items()]
    assert command.status(run_describe.main, run_describe.FLAGS, ["describe", *argv]) == 1
    assert "missing --task_name" in capsys.readouterr().err
