"""A file of labelled rows of every kind, in GLUE's columns, in plain ones and in declared ones."""

from pathlib import Path

import pytest
import tiny
from glue_files import RTE_HEADER

from centrabert.errors import UserError
from centrabert.glue_data.labelled_file import read_labelled
from centrabert.glue_data.task_data import Examples
from centrabert.modeling.task import TaskSpec

RTE = tiny.task("rte", labels=("entailment", "not_entailment"))
COLA = tiny.task("cola", labels=("0", "1"), pair=False)
TONE = tiny.task("tone", labels=("bad", "fine"), pair=False)
SIM = tiny.task("sim", "regression")
TOPICS = tiny.task("topics", "multilabel", labels=("art", "war"), pair=False, metric="micro_f1")
SLOTS = tiny.task("slots", "crf_tagging")
IOBES = tiny.task("spans", "tagging", labels=("O", "B-one", "I-one", "E-one", "S-one"))
DECLARED = """tasks:
  tone:
    data: nowhere
    text: review
    label: mood
    labels: [bad, fine]
  sim:
    train: nowhere.tsv
"""


@pytest.mark.parametrize(
    ("spec", "name", "content", "wanted"),
    [
        (
            RTE,
            "a.tsv",
            RTE_HEADER + "0\tOne.\tTwo.\tentailment\n",
            Examples(("One.",), ("Two.",), ("entailment",)),
        ),
        (RTE, "a.tsv", "text\ttext_b\tlabel\nx\ty\tentailment\n", Examples(("x",), ("y",), ("entailment",))),
        (COLA, "a.tsv", "gj04\t1\t\tA text.\n", Examples(("A text.",), ("",), ("1",))),
        (TONE, "a.csv", 'label,text\nfine,"a, b"\n', Examples(("a, b",), ("",), ("fine",))),
        (SIM, "a.jsonl", '{"text": "x", "text_b": "y", "label": 2.5}\n', Examples(("x",), ("y",), (2.5,))),
        (
            TOPICS,
            "a.jsonl",
            '{"text": "x", "label": ["war", "art"]}\n',
            Examples(("x",), ("",), (("war", "art"),)),
        ),
        (SLOTS, "a.conll", "To O\nRome B-one\n", Examples(("To Rome",), ("",), (("O", "B-one"),))),
        (IOBES, "a.conll", "To O\nRome S-one\n", Examples(("To Rome",), ("",), (("O", "S-one"),))),
    ],
)
def test_rows_are_read(spec: TaskSpec, name: str, content: str, wanted: Examples, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert read_labelled(spec, file) == wanted


def test_a_declaration_says_where_the_columns_are(tmp_path: Path) -> None:
    (config := tmp_path / "tasks.yaml").write_text(DECLARED)
    (file := tmp_path / "a.tsv").write_text("mood\treview\nfine\tIt was.\n")
    assert read_labelled(TONE, file, config) == Examples(("It was.",), ("",), ("fine",))
    with pytest.raises(
        UserError, match=r"declares task sim as a classification of single texts, and .* pairs"
    ):
        read_labelled(SIM, file, config)


def test_a_label_that_the_model_lacks_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "a.tsv").write_text("text\tlabel\nx\tfine\ny\tgrand\n")
    with pytest.raises(UserError, match=r"a.tsv:3: label 'grand' is none of those that train has"):
        read_labelled(TONE, file)
