"""GLUE files in miniature for tests: written, read, and the one line that a broken one raises."""

from pathlib import Path

import pytest

from centrabert.glue_data.task_lookup import find_task

FILES = {
    ("mnli", "dev"): "dev_matched.tsv",
    ("mnli", "dev_mismatched"): "dev_mismatched.tsv",
    ("mnli", "test"): "test_matched.tsv",
    ("mnli", "test_mismatched"): "test_mismatched.tsv",
}

RTE_HEADER = "index\tsentence1\tsentence2\tlabel\n"
STSB_HEADER = "sentence1\tsentence2\tscore\n"
QQP_HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
# Two pairs of the form that Quora's release breaks: in the first question, and in the second.
QQP_HALVES = ['7\t1\t2\t"How', '"\tWhy?\t0', '8\t3\t4\tWho?\t"Where', 'and when?"\t0']


def write(folder: Path, task: str, split: str, content: str | bytes) -> Path:
    path = folder / FILES.get((task, split), f"{split}.tsv")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_rows(folder: Path, task: str, split: str) -> list[tuple[str, str, str | float | None]]:
    """(text_a, text_b, label) of every row."""
    examples = find_task(task, data_dir=folder).read(split)
    labels = examples.labels or [None] * len(examples)
    return list(zip(examples.text_a, examples.text_b, labels, strict=True))


def error_of(folder: Path, task: str, split: str, content: str | bytes) -> tuple[Path, str]:
    """The file and the one line that reading it raises."""
    path = write(folder, task, split, content)
    with pytest.raises(ValueError) as caught:
        read_rows(folder, task, split)
    assert "\n" not in str(caught.value)
    return path, str(caught.value)
