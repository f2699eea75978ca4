"""Where pieces stand in the text as it was given: by hand, and by what Google's tokenizer makes of it."""

import functools
import random
import unicodedata

import pytest
import tensorflow.compat.v1 as tf
from official.nlp.tools import tokenization
from test_tokenizer import noise

from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import Normalization
from centrabert.modeling.tokenization.vocabulary import Vocabulary

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LETTERS = [
    *(chr(code) for code in (*range(0x21, 0x7F), *range(0xC0, 0x250), *range(0x386, 0x3CF))),
    *(chr(code) for code in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3))),
    *(chr(code) for code in (*range(0xAC00, 0xAC40), *range(0x4E00, 0x4E20), *range(0x300, 0x310))),
    *"अआकखिกขฃابتש😀👍·",
]


@functools.cache
def tokenizer(do_lower_case: bool = True, strip_accents: bool | None = None) -> BertTokenizer:
    """Knows what LETTERS become, alone and within a word."""
    normalization = Normalization(do_lower_case, strip_accents)
    words = basic_tokenize(LETTERS, normalization).flat_values.numpy()
    letters = list(dict.fromkeys(letter for word in words for letter in word.decode()))
    pieces = (*letters, *(f"##{letter}" for letter in letters), "the", "un", "##aff", "ab", "##ab")
    return BertTokenizer(Vocabulary((*SPECIAL, *pieces)), normalization)


def found(text: str | bytes, graph: BertTokenizer) -> list[tuple[str, str]]:
    """Every piece, and the text where it stands."""
    raw = text.encode() if isinstance(text, str) else text
    pieces = graph.tokenize_with_offsets([raw])
    (ids,), (starts,), (ends,) = (each.to_list() for each in (pieces.ids, pieces.starts, pieces.ends))
    return [
        (graph.vocabulary.tokens[piece], raw[start:end].decode(errors="ignore"))
        for piece, start, end in zip(ids, starts, ends, strict=True)
    ]


def unaccented(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) != "Mn")


GOLDEN = [
    ("the UNaff", [("the", "the"), ("un", "UN"), ("##aff", "aff")]),
    ("  The\t,\u3000a", [("the", "The"), (",", ","), ("a", "a")]),
    ("é e\u0301a", [("e", "é"), ("e", "e\u0301"), ("##a", "a")]),  # an accent belongs to what it stands on
    ("e\u0301\u0302", [("e", "e\u0301\u0302")]),
    ("\u0301e", [("e", "e")]),
    ("a\u200bb c\u00ad", [("ab", "a\u200bb"), ("c", "c")]),  # what is removed within a piece is within it
    ("一丁a", [("一", "一"), ("丁", "丁"), ("a", "a")]),
    ("😀a", [("😀", "😀"), ("##a", "a")]),
    ("가a", [("ᄀ", "가"), ("##ᅡ", "가"), ("##a", "a")]),  # two pieces of one character
    ("xẞ", [("x", "x"), ("##ß", "ẞ")]),
    ("a xの b", [("a", "a"), ("[UNK]", "xの"), ("b", "b")]),
    ("ΑΣ", [("α", "Α"), ("##ς", "Σ")]),  # a small sigma that depends on where it stands
    ("a\u2028b\u00a0c\x85d", [("a", "a"), ("b", "b"), ("c", "c"), ("##d", "d")]),
    ("İ", [("i", "İ")]),
    ("x" * 201 + " a", [("[UNK]", "x" * 201), ("a", "a")]),
    ("😀" * 201 + " a", [("[UNK]", "😀" * 201), ("a", "a")]),  # more bytes than any word that is cut
    ("", []),
    (" \u0301\x00", []),
]


@pytest.mark.parametrize(("text", "wanted"), GOLDEN)
def test_golden(text, wanted):
    assert found(text, tokenizer()) == wanted


def test_in_one_batch():
    """Offsets of a text do not depend on the texts before it."""
    texts = [text for text, _ in GOLDEN]
    together = tokenizer().tokenize_with_offsets(texts)
    for row, text in enumerate(texts):
        alone = tokenizer().tokenize_with_offsets([text])
        assert together.starts[row].numpy().tolist() == alone.starts[0].numpy().tolist()
        assert together.ends[row].numpy().tolist() == alone.ends[0].numpy().tolist()


def test_accents_that_are_kept_stand_for_themselves():
    kept = [("É", "É"), ("##a", "a"), ("##\u0301", "\u0301")]
    assert found("Éa\u0301", tokenizer(do_lower_case=False)) == kept
    assert found("É", tokenizer(do_lower_case=True, strip_accents=False)) == [("é", "É")]
    assert found("Éa\u0301", tokenizer(do_lower_case=False, strip_accents=True)) == [
        ("E", "É"),
        ("##a", "a\u0301"),
    ]


def test_bytes_that_are_not_utf8_count():
    assert found(b"\xffa\xc3(\xe2\x82 b", tokenizer()) == [("a", "a"), ("(", "("), ("b", "b")]
    pieces = tokenizer().tokenize_with_offsets([b"\xffa\xc3(\xe2\x82 b"])
    assert pieces.starts.to_list() == [[1, 3, 7]]
    assert pieces.ends.to_list() == [[2, 4, 8]]


def test_no_rows():
    pieces = tokenizer().tokenize_with_offsets(tf.constant([], tf.string))
    assert pieces.ids.to_list() == pieces.starts.to_list() == pieces.ends.to_list() == []


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_noise(do_lower_case):
    """The ids of `tokenize`; each place holds its piece, and between the places nothing is lost."""
    google = tokenization.BasicTokenizer(do_lower_case)
    texts, graph = noise(seed=3, count=3000), tokenizer(do_lower_case)
    tokens, pieces = graph.vocabulary.tokens, graph.tokenize_with_offsets(texts)
    assert pieces.ids.to_list() == graph.tokenize(texts).to_list()
    rows = zip(texts, pieces.ids.to_list(), pieces.starts.to_list(), pieces.ends.to_list(), strict=True)
    for text, ids, starts, ends in rows:
        raw, end_before = text.encode(), 0
        for piece, start, end in zip(ids, starts, ends, strict=True):
            normal = "".join(google.tokenize(raw[start:end].decode()))  # fails inside a character
            token = tokens[piece].removeprefix("##") or "##"
            same = normal.replace("ς", "σ") == token.replace("ς", "σ")
            part = token in normal and len(unaccented(raw[start:end].decode())) == 1  # of one character
            assert same or part or (piece == graph.unknown_id and normal), (text, token, normal)
            assert google.tokenize(raw[end_before:start].decode()) == [], (text, token)
            assert start < end
            end_before = end
        assert google.tokenize(raw[end_before:].decode()) == [], text


def test_in_a_flat_graph(tmp_path):
    """Training and serving build flat graphs; the ops must live there too."""
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string, [None])
        pieces = tokenizer().tokenize_with_offsets(text)
        starts = session.run(pieces.starts, {text: ["the a", "é\u3000b"]})
    assert starts.to_list() == [[0, 4], [0, 5]]


def test_random_order_of_rows_changes_nothing():
    texts = noise(seed=5, count=40)
    order = random.Random(0).sample(range(40), 40)  # noqa: S311
    straight = tokenizer().tokenize_with_offsets(texts).ends.to_list()
    shuffled = tokenizer().tokenize_with_offsets([texts[row] for row in order]).ends.to_list()
    assert shuffled == [straight[row] for row in order]
