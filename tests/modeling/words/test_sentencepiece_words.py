"""The words of real taggings with SentencePiece: each has the package's pieces, and stands where it says."""

from collections.abc import Sequence
from typing import Any

import pytest
import sentencepiece
import tensorflow.compat.v1 as tf
from test_tokenizer import DATA, noise
from tiny_pieces import xlm_roberta

from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.words.word_packing import pack_words
from centrabert.modeling.words.word_places import BY_CHARACTERS, BY_WHITESPACE, FIRST_PIECE, PADDING
from centrabert.modeling.words.words import split_words

LONGEST = 512  # no text is cut


class Package:
    """What the sentencepiece package makes of words, in the ids of XLM-RoBERTa."""

    def __init__(self, tokenizer: SentencePieceTokenizer) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model.content)
        self._layout, self._known = tokenizer.layout, dict[str, list[int]]()
        self._space = self._processor.piece_to_id("▁") + 1

    def pieces(self, word: str) -> list[int]:
        if word not in self._known:
            self._known[word] = [piece + 1 if piece else 3 for piece in self._processor.encode(word)]
        return self._known[word]

    def row(self, text: str, split: str) -> tuple[list[int], list[list[int]]]:
        """The ids of a text, and of each word its first piece and its place in characters and in bytes."""
        ids, places, character, byte = [self._layout.cls_id], [], 0, 0
        for word in text.split() if split == BY_WHITESPACE else "".join(text.split()):
            start = text.index(word, character)
            byte += len(text[character:start].encode())
            pieces = self.pieces(word)
            if start == character > 0 and len(pieces) > 1 and pieces[0] == self._space:
                pieces = pieces[1:]  # it follows a word directly
            character, first, begin = start + len(word), len(ids), byte
            byte += len(word.encode())
            ids += pieces
            places.append([first if len(ids) > first else 0, start, character, begin, byte])
        return [*ids, self._layout.sep_id], places


def differences(tokenizer: SentencePieceTokenizer, texts: Sequence[str], split: str) -> list[str]:
    """The texts of which an id, or a place of a word, is another."""
    package = Package(tokenizer)
    with tf.Graph().as_default(), tf.Session() as session:
        packed = pack_words(tokenizer, split_words(tf.constant(texts), split), LONGEST)
        ids, places = session.run([packed.input_ids, packed.places])
    found = zip(ids, places, strict=True)
    rows = [
        (row[row != tokenizer.padding_id].tolist(), table[table[:, FIRST_PIECE] != PADDING].tolist())
        for row, table in found
    ]
    return [text for text, row in zip(texts, rows, strict=True) if row != package.row(text, split)]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
@pytest.mark.parametrize(
    ("keys", "split"),
    [
        ({"format": "seq", "data": DATA / "tasks/atis"}, "test"),
        ({"format": "centrabert", "data": DATA / "tasks/smp2019"}, "train"),
        ({"split": "characters", "train": DATA / "tasks/cluener/dev.conll"}, "train"),
    ],
    ids=["atis", "smp2019", "cluener"],
)
def test_words_of_real_taggings(keys: dict[str, Any], split: str) -> None:
    task = DeclaredTask(Declaration(name="own", kind="tagging", **keys))
    assert differences(xlm_roberta(), task.read(split).text_a, task.split) == []


def test_words_of_noise() -> None:
    """Characters that the file's normaliser drops, joins or takes apart among them."""
    texts = [text[:60] for text in noise(seed=6, count=300)]
    for split in (BY_WHITESPACE, BY_CHARACTERS):
        assert differences(xlm_roberta(), texts, split) == []
