"""vocab.txt: read as Google reads it, and every fault of a file named in one line."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from centrabert.modeling.tokenization.vocabulary import Vocabulary

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write(path: Path, *tokens: str) -> Path:
    path.write_bytes("".join(f"{token}\n" for token in tokens).encode())
    return path


def test_line_number_is_id(tmp_path):
    vocabulary = Vocabulary.from_file(write(tmp_path / "v", "[PAD]", "a", "[SEP]", "[UNK]", "b", "[CLS]"))
    assert vocabulary.tokens == ("[PAD]", "a", "[SEP]", "[UNK]", "b", "[CLS]")
    assert (vocabulary.id_of("[SEP]"), vocabulary.id_of("[CLS]")) == (2, 5)
    with pytest.raises(FrozenInstanceError):
        vocabulary.tokens = ()


@pytest.mark.parametrize(
    "text",
    [
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n",
        "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\nno line feed at the end",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n  a \t\n##b\u3000\n",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n\u2028\n\u2029\n\nx\x85y\n\x0cz\x1c\n",  # only \n parts lines
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\rb\n\n\n",
    ],
)
def test_reads_as_google_does(tmp_path, text):
    tokenization = pytest.importorskip("official.nlp.tools.tokenization")
    path = tmp_path / "vocab.txt"
    path.write_bytes(text.encode())
    ours = {token: place for place, token in enumerate(Vocabulary.from_file(path).tokens)}
    assert ours == dict(tokenization.load_vocab(str(path)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "vocab.txt: empty"),
        (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nna\xefve\n", "vocab.txt:5: not UTF-8"),
        (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "vocab.txt:7: 'a' is on line 5 already"),
        (
            b"[PAD]\n[unused0]\n[unused2]\n[UNK]\n[CLS]\n[SEP]\na\na\n",
            r"vocab.txt:8: .*takes the later one: rename line 7 to .* \[unused1\], and remove no line",
        ),
        (b"[PAD]\n[CLS]\n[SEP]\n", r"vocab.txt: \[UNK\] is missing"),
        (b"[PAD]\n[UNK]\n[SEP]\n", r"vocab.txt: \[CLS\] is missing"),
        (b"[PAD]\n[UNK]\n[CLS]\n", r"vocab.txt: \[SEP\] is missing"),
        (b"[UNK]\n[CLS]\n[SEP]\n", r"vocab.txt: \[PAD\] is missing"),
        (
            b"\xef\xbb\xbf[PAD]\n[UNK]\n[CLS]\n[SEP]\n",
            r"\[PAD\] is missing.*first piece is '\\ufeff\[PAD\]'",
        ),
    ],
)
def test_faults(tmp_path, content, says):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        Vocabulary.from_file(path)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.txt: no such file"):
        Vocabulary.from_file(tmp_path / "nowhere.txt")


def test_built_in_memory_is_checked_too():
    with pytest.raises(ValueError, match="vocabulary:5: 'a' is on line 4 already"):
        Vocabulary(("[PAD]", "[UNK]", "[CLS]", "a", "a", "[SEP]"))
    with pytest.raises(ValueError, match=r"vocabulary: \[PAD\] is missing; BERT cannot do without it$"):
        Vocabulary(())


def test_imports_no_tensorflow():
    code = "import sys, centrabert.modeling.tokenization.vocabulary; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
