"""Words stand where they say, whatever the text; with them a row holds the pieces of whole words."""

import functools
import itertools
import unicodedata

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
from test_tokenizer import noise

from centrabert.errors import UserError
from centrabert.modeling.tokenization.basic_tokenizer import basic_tokenize
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import Normalization
from centrabert.modeling.tokenization.vocabulary import Vocabulary
from centrabert.modeling.words.word_packing import pack_words
from centrabert.modeling.words.word_places import BYTES, CHARACTERS, FIRST_PIECE, PADDING, SPLITS
from centrabert.modeling.words.words import Words, given_words, split_words

SPACES = [chr(code) for code in range(0x3001) if chr(code).isspace()]
TEXTS = [
    "",
    " ",
    "".join(SPACES),
    *(f"{space}dog{space}{space}cat" for space in SPACES),
    "Où est l'hôtel, s'il vous plaît?",
    unicodedata.normalize("NFD", "Où est l'hôtel, s'il vous plaît?"),
    "帮我订一张 明天去北京的 ticket",
    "fly 👩‍👩‍👧 to 🇩🇪 now",
    "\u0301 alone e\u0301\u0302 x",
    "السَّلَامُ عَلَيْكُمْ إلى دبي",
    "İstanbul STRASSE ſ ŉ ﬁ",
    "zero\u200bwidth a\u00adb \ufeffc \x00 \x1b d",
    *noise(seed=5, count=300),
]
TOKENIZER = BertTokenizer(Vocabulary(tiny.TOKENS))


@functools.cache
def split(by: str) -> Words:
    """In a session, whose rewriting of the graph once took whitespace for characters."""
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string, [None])
        words = split_words(text, by)
        found = session.run([words.words, words.characters, words.bytes], {text: TEXTS})
    return Words(
        tf.RaggedTensor.from_row_splits(found[0].values, found[0].row_splits), *map(tf.constant, found[1:])
    )


def per_row(words: Words, values: tf.Tensor) -> list[list[list[int]]]:
    return words.words.with_flat_values(values).to_list()


@pytest.mark.parametrize("by", SPLITS)
def test_a_word_is_the_text_at_its_place(by: str) -> None:
    """In characters, in bytes, and in the text's order."""
    words = split(by)
    rows = zip(
        TEXTS,
        words.words.to_list(),
        *(per_row(words, each) for each in (words.characters, words.bytes)),
        strict=True,
    )
    for text, found, characters, places in rows:
        raw = text.encode()
        assert [text[start:end] for start, end in characters] == [word.decode() for word in found], text
        assert [raw[start:end] for start, end in places] == found, text
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(places))
        assert all(start < end for start, end in places)


def test_white_space_is_that_of_python() -> None:
    found = split("whitespace").words.to_list()
    assert [[word.decode() for word in words] for words in found] == [text.split() for text in TEXTS]


def test_characters_are_code_points() -> None:
    found = split("characters").words.to_list()
    wanted = [[letter for letter in text if not letter.isspace()] for text in TEXTS]
    assert [[word.decode() for word in words] for words in found] == wanted


def test_words_of_bert_are_those_of_its_tokenizer() -> None:
    """But for what it drops, within a word and behind it."""
    cased = Normalization(do_lower_case=False)
    found = split("bert").words
    cleaned = found.with_flat_values(
        tf.strings.reduce_join(basic_tokenize(found.flat_values, cased), 1)
    ).to_list()
    wanted = [
        [word for word in words if word] for words in basic_tokenize(tf.constant(TEXTS), cased).to_list()
    ]
    assert cleaned == wanted


@pytest.mark.parametrize("by", ["whitespace", "bert"])
def test_words_have_the_pieces_of_the_text(by: str) -> None:
    """So a task that tags words can read what a task of texts reads; where BERT knows the white space."""
    plain = TOKENIZER.tokenize(tf.constant(TEXTS)).to_list()
    alone = TOKENIZER.tokenize(split(by).words.flat_values)
    together = tf.RaggedTensor.from_row_splits(alone, split(by).words.row_splits).merge_dims(1, 2).to_list()
    strange = {"\x0b", "\x0c", *"\x1c\x1d\x1e\x1f\x85"} if by == "whitespace" else set()
    for text, ours, theirs in zip(TEXTS, together, plain, strict=True):
        assert strange & set(text) or ours == theirs, text


@pytest.mark.parametrize("longest", [3, 8, 64])
def test_a_row_holds_whole_words(longest: int) -> None:
    """As many as there is room for, each with the place of its first piece; how many were cut is told."""
    words = split("bert")
    packed = pack_words(TOKENIZER, words, longest)
    ids, places, cut = (each.numpy() for each in (packed.input_ids, packed.places, packed.cut))
    pieces = iter(TOKENIZER.tokenize(words.words.flat_values).to_list())
    rows = zip(
        words.words.to_list(), per_row(words, words.characters), per_row(words, words.bytes), strict=True
    )
    for row, (found, characters, bytes_) in enumerate(rows):
        own, room = [next(pieces) for _ in found], longest - 2
        ends = np.cumsum([len(each) for each in own])
        kept = int((ends <= room).sum())
        assert cut[row] == len(found) - kept
        flat = [piece for each in own[:kept] for piece in each]
        assert ids[row][ids[row] != 0].tolist() == [2, *flat, 3]
        first = [1 + int(end) - len(each) if each else 0 for each, end in zip(own, ends, strict=True)]
        assert places[row, :kept, FIRST_PIECE].tolist() == first[:kept]
        assert places[row, :kept, CHARACTERS].tolist() == characters[:kept]
        assert places[row, :kept, BYTES].tolist() == bytes_[:kept]
        assert (places[row, kept:] == PADDING).all()
    assert not packed.segment_ids.numpy().any()
    assert max((places[:, :, FIRST_PIECE] >= 0).sum(1)) == places.shape[1]


def test_given_words_stand_in_the_text_that_they_make_with_spaces() -> None:
    """A word that is empty keeps its number; behind the last one it is padding."""
    given = tf.constant([["é", "", "狗dog"], ["", "", ""], ["b", "a", ""]])
    found = given_words(given, "whitespace")
    assert found.words.to_list() == [["é".encode(), b"", "狗dog".encode()], [], [b"b", b"a"]]
    assert per_row(found, found.characters) == [[[0, 1], [2, 2], [3, 7]], [], [[0, 1], [2, 3]]]
    assert per_row(found, found.bytes) == [[[0, 2], [3, 3], [4, 10]], [], [[0, 1], [2, 3]]]
    places = pack_words(TOKENIZER, found, 9).places.numpy()
    assert places[:, :, FIRST_PIECE].tolist() == [[1, 0, 2], [-1, -1, -1], [1, 2, -1]]


def test_given_characters_stand_in_a_text_without_spaces() -> None:
    found = given_words(tf.constant([["é", "", "狗"], ["b", "a", ""]]), "characters")
    assert per_row(found, found.characters) == [[[0, 1], [1, 1], [1, 2]], [[0, 1], [1, 2]]]
    assert per_row(found, found.bytes) == [[[0, 2], [2, 2], [2, 5]], [[0, 1], [1, 2]]]


def test_no_text_at_all() -> None:
    packed = pack_words(TOKENIZER, split_words(tf.zeros([0], tf.string), "bert"), 9)
    assert (packed.input_ids.shape[0], packed.places.shape) == (0, (0, 0, 5))


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(UserError, match="split 'letters' is none of whitespace, characters, bert"):
        split_words(tf.constant(["a"]), "letters")
