"""compress as a user starts it: the flags that it has, what it writes, and its refusals in one line."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import tiny_glue

from centrabert import command
from centrabert.distill import run_compress
from centrabert.distill.text.text_hyperparameters import HELP_TEXTS, UNUSED
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.training.hyperparameters import Hyperparameters

Start = Callable[..., tuple[int, str]]


@pytest.fixture
def start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Start:
    tiny_glue.bert_folder(tmp_path / "bert")
    (tmp_path / "texts.txt").write_text("the red dog\none dog\nred man one one dog\n")

    def run(**given: object) -> tuple[int, str]:
        values = {
            "text_files": tmp_path / "texts.txt",
            "num_hidden_layers": 1,
            "bert_dir": tmp_path / "bert",
            "max_seq_length": 16,
            "output_dir": tmp_path / "smaller",
            **given,
        }
        argv = ["run_compress.py", *(f"--{name}={value}" for name, value in values.items())]
        status = command.status(run_compress.main, run_compress.FLAGS, argv)
        return status, capsys.readouterr().err.strip().rpartition("\n")[2]

    return run


def test_every_flag_of_training_is_obeyed() -> None:
    """Or it is no flag: each hyper-parameter is one or the other."""
    names = {each.name for each in fields(Hyperparameters)}
    assert HELP_TEXTS.keys() == names - set(UNUSED) == names & set(run_compress.FLAGS)


def test_writes_a_bert_without_hearing_of_labels(start: Start, tmp_path: Path) -> None:
    assert start(train_batch_size=2, num_train_epochs=1)[0] == 0
    assert BertFolder.at(tmp_path / "smaller" / "bert").config().num_hidden_layers == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text_files": ""}, "--text_files names no file; give one or more, with a text in each line"),
        ({"max_seq_length": 1}, "--max_seq_length=1 is below 3: a text has [CLS], a word piece and [SEP]"),
        ({"max_seq_length": 400}, "--max_seq_length=400 is above 23, the max_position_embeddings of "),
        ({"num_hidden_layers": 3}, "--num_hidden_layers=3 is outside 1..2: the pretrained BERT has 3"),
        *(({name: 1}, f"Unknown command line flag '{name}'") for name in UNUSED),
    ],
    ids=lambda each: ",".join(each) if isinstance(each, dict) else "",
)
def test_refusals_are_one_line(start: Start, tmp_path: Path, given: dict[str, object], message: str) -> None:
    status, line = start(**given)
    assert status == 1 and line.startswith(f"run_compress.py: error: {message}")
    assert not (tmp_path / "smaller").exists()
