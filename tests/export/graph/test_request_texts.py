"""A text has the same pieces word by word, unless it is cut or its words are cut otherwise."""

import numpy as np
import tensorflow.compat.v1 as tf
import tiny

from centrabert.export.graph.request_texts import request_texts
from centrabert.modeling.task import TextReading
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary
from centrabert.modeling.words.word_places import FIRST_PIECE

TEXTS = ("the dog", "", "the xyz sees", "a b", "one two three", "red song today the house")
LENGTH = 7


def test_words_have_the_pieces_of_the_text() -> None:
    """ "three" is five pieces, which are cut between two by one reading and left out by the other."""
    readings = [TextReading(), TextReading(split="whitespace"), TextReading(split="characters")]
    with tf.Graph().as_default(), tf.Session() as session:
        tokenizer = BertTokenizer(Vocabulary(tiny.TOKENS))
        texts = request_texts(tokenizer, LENGTH, readings, tf.constant(TEXTS), tf.zeros([0], tf.string))
        rows = tf.constant([5, 0, 2, 4], tf.int64)
        by_words = tf.constant([False, True, False, True])
        mixed = texts.read_each(rows, tf.constant([False] * 4), {"whitespace": by_words})
        found = session.run(
            {
                "same": {split: texts.same_pieces(split) for split in texts.words},
                "ids": mixed[0],
                "alone": texts.read(rows, False)[0],
                "words": texts.read_words(rows, "whitespace")[0],
                "places": texts.places(rows, "whitespace"),
            }
        )
    assert found["same"]["whitespace"].tolist() == [True, True, True, True, False, True]
    assert found["same"]["characters"].tolist() == [False, True, False, True, False, False]
    for row, of_words in enumerate((False, True, False, True)):
        one, other = found["ids"][row], found["words" if of_words else "alone"][row]
        np.testing.assert_array_equal(one[one != 0], other[other != 0])
    assert [row[row[:, FIRST_PIECE] > 0, FIRST_PIECE].tolist() for row in found["places"]] == [
        *([1, 2, 3, 4, 5], [1, 2], [1, 2, 5], [1, 2]),
    ]
