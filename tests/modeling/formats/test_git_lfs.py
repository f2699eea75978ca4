"""A Git LFS pointer where a file of a BERT or a branch should be: named, with the way to fetch the file."""

from pathlib import Path

import pytest
import tiny

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.formats.git_lfs import check_file, check_not_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    "name",
    ["bert_config.json", "vocab.txt", "bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"],
)
def test_every_file_of_a_bert(tmp_path: Path, name: str) -> None:
    folder = tiny.bert_folder(tmp_path / "bert")
    (folder / name).write_bytes(POINTER)
    with pytest.raises(ValueError) as caught:
        bert = BertFolder.at(folder)
        bert.tokenizer()
        bert.read()
    assert str(caught.value) == (
        f"{folder / name}:1: is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`"
    )


def test_what_only_mentions_one_passes(tmp_path: Path) -> None:
    for data in (b"", b"see version https://git-lfs.github.com/spec/v1", b"version https://example.com"):
        check_not_pointer(tmp_path, data)
    check_file(tmp_path / "absent")
