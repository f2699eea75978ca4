"""SentencePiece, with the ids of XLM-RoBERTa or ALBERT, as TensorFlow ops."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import tensorflow.compat.v1 as tf
import tensorflow_text as tf_text

from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.tokenization.basic_tokenizer import ACCENTS
from centrabert.modeling.tokenization.byte_offsets import ends_with_removed
from centrabert.modeling.tokenization.normalization import TOKENIZER_CONFIG
from centrabert.modeling.tokenization.packing import PairLayout
from centrabert.modeling.tokenization.sentencepiece_convention import Convention
from centrabert.modeling.tokenization.sentencepiece_model import NORMAL, SPACE, SentencePieceModel
from centrabert.modeling.tokenization.tokenizer import PiecesWithOffsets, Tokenizer, text_tensor

# Of XLM-RoBERTa: <s>, <pad>, </s> and <unk> are first; the file has no <pad>, so its ids are moved by one.
_CLS, _PAD, _SEP, _UNKNOWN = range(4)


class SentencePieceTokenizer(Tokenizer):
    """Pieces as the sentencepiece package cuts them.

    The graph has no tables, assets or variables: the model is a constant, or an attribute of an op, once in a
    graph. "<s>" and the like in a text are text as any other.

    A program that loads such a graph must import tensorflow_text first; TF Serving has its ops built in.

    Raises:
      UserError: The model is not of the family that `convention` says.
    """

    def __init__(self, model: SentencePieceModel, convention: Convention) -> None:
        convention.check(model)
        self.model = model
        self.convention = convention

    @cached_property
    def layout(self) -> PairLayout:
        if self.convention.is_albert:
            special = self.convention.special
            names = ("cls_token", "sep_token", "pad_token")
            return PairLayout(*(self.model.pieces.index(special[name]) for name in names))
        return PairLayout(_CLS, _SEP, _PAD, separators=2, second_segment=self.convention.second_segment)

    @cached_property
    def unknown_id(self) -> int:
        return self.model.unknown if self.convention.is_albert else _UNKNOWN

    @cached_property
    def space_id(self) -> int | None:
        return self.tokens.index(SPACE) if SPACE in self.tokens else None

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """What every id means."""
        pieces = self.model.pieces
        return (
            pieces if self.convention.is_albert else ("<s>", "<pad>", "</s>", "<unk>", *pieces[3:], "<mask>")
        )

    @property
    def words(self) -> Sequence[str]:
        pieces = zip(self.model.pieces, self.model.types, strict=True)
        return [word for piece, kind in pieces if kind == NORMAL and (word := piece.replace(SPACE, ""))]

    @property
    def do_lower_case(self) -> bool:
        return self.convention.do_lower_case

    @cached_property
    def digest(self) -> str:
        """Of the file's bytes, and of what the convention says."""
        content = hashlib.sha256(self.model.content).hexdigest()
        return hashlib.sha256(json.dumps([self.convention.to_json(), content]).encode()).hexdigest()

    @property
    def assets(self) -> Mapping[str, bytes]:
        config = dump(self.convention.to_json()).encode()
        return {self.convention.file_name: self.model.content, TOKENIZER_CONFIG: config}

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        text = tf.strings.unicode_transcode(
            self._quotes(text_tensor(text)), "UTF-8", "UTF-8", errors="ignore"
        )
        op = self._op(tf_text.FastSentencepieceTokenizer if self.model.is_plain else _own_code)
        return self._ids(op.tokenize(self._prepared(text)).with_row_splits_dtype(tf.int64))

    def tokenize_with_offsets(self, text: tf.Tensor) -> PiecesWithOffsets:
        """As `tokenize`, with places; the white space before a word belongs to the word's first piece.

        What the file's normaliser makes of a few characters at once leads back to their first byte and, with
        the last of its pieces, to their last. Where it becomes several pieces (U+337F, one character, becomes
        four), each of them has at least the first of these characters. The space that begins every text has
        the place of nothing where it is a piece alone.

        Of two cuts with exactly the same score ("uuuu", "uu" and "uu", "uuuu") the op with places may choose
        the other one.
        """
        text = self._quotes(text_tensor(text))
        characters, begin = tf.strings.unicode_split_with_offsets(text, "UTF-8", errors="ignore")
        flat, rows = characters.flat_values, characters.value_rowids()
        read = self._prepared(flat)
        joined = tf.strings.unsorted_segment_join(read, rows, characters.nrows())
        pieces, starts, ends = self._op(_own_code).tokenize_with_offsets(joined)
        became = tf.cast(tf.strings.length(read), tf.int64)
        # Of every byte that is read, all rows one after the other, the character that it came from.
        origin = tf.repeat(tf.range(tf.size(flat)), became)
        before = tf.gather(tf.concat([[0], tf.cumsum(became)], 0), characters.row_starts())  # [batch]
        before = tf.gather(before, pieces.value_rowids())
        start, end = (tf.cast(place.flat_values, tf.int64) for place in (starts, ends))
        ids = self._ids(pieces)
        nothing = self._begins_a_text(ids) & tf.equal(start, end)
        first = tf.gather(origin, before + start)
        last = tf.gather(origin, before + tf.maximum(end, start + 1) - 1)
        from_byte = tf.gather(begin.flat_values, first)
        behind = begin.flat_values + tf.cast(tf.strings.length(flat), tf.int64)
        if self.convention.is_albert:
            behind = ends_with_removed(behind, characters.row_starts(), tf.equal(became, 0))
        to_byte = tf.where_v2(nothing, from_byte, tf.gather(behind, last))
        return PiecesWithOffsets(ids, pieces.with_flat_values(from_byte), pieces.with_flat_values(to_byte))

    def with_pieces(self, ids: Iterable[int]) -> tuple["SentencePieceTokenizer", list[int]]:
        """A tokenizer of these pieces alone, and the old id of every new one.

        Special pieces stay, and so does one of the lowest score, from which SentencePiece derives the score
        of an unknown character.
        """
        moved = 0 if self.convention.is_albert else 1
        kept = {index - moved for index in ids if 0 <= index - moved < len(self.model.pieces)}
        kept.update(index for index, kind in enumerate(self.model.types) if kind != NORMAL)
        kept.add(self.model.lowest)
        in_file = sorted(kept)
        rows = in_file if moved == 0 else [*range(4), *(i + 1 for i in in_file[3:]), self.vocabulary_size - 1]
        return SentencePieceTokenizer(self.model.kept(in_file), self.convention), rows

    def _op(self, kind: Callable[[bytes], Any]) -> Any:
        """One for a graph, kept in a collection of it; as its key is no text, none that is exported.

        Between two cuts with the same score, the fast op decides as the package does today, the other as it
        did once; but the fast one reads plain unigram models alone, and knows no places.
        """
        kept = [] if tf.executing_eagerly() else tf.get_collection_ref((kind, self.digest))
        if not kept:
            with tf.control_dependencies(None):  # it serves all of the graph
                kept.append(kind(self.model.content))
        return kept[0]

    def _ids(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """From the file's ids to the model's; special tokens never come out of a text."""
        if self.convention.is_albert:
            return pieces
        flat = pieces.flat_values
        return pieces.with_flat_values(tf.where_v2(tf.equal(flat, self.model.unknown), _UNKNOWN, flat + 1))

    def _begins_a_text(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """bool [all pieces]: a space alone that is the first of its text."""
        rows = ids.value_rowids()
        is_first = tf.equal(tf.range(tf.size(rows, out_type=tf.int64)), tf.gather(ids.row_starts(), rows))
        space = -1 if self.space_id is None else self.space_id
        return is_first & tf.equal(ids.flat_values, space)

    def _quotes(self, text: tf.Tensor) -> tf.Tensor:
        """ALBERT's `` and '' become one quote, with a NUL behind it that `_prepared` takes off again."""
        return tf.strings.regex_replace(text, "``|''", '"\0') if self.convention.is_albert else text

    def _prepared(self, text: tf.Tensor) -> tf.Tensor:
        """What is done to a text, or to its characters one by one, before the file's own normaliser."""
        if not self.convention.is_albert:
            return text
        text = tf.strings.regex_replace(text, r"\x{0}", "")  # tf.strings.lower would stop there, too
        if not self.convention.keep_accents:
            text = tf.strings.regex_replace(tf_text.normalize_utf8(text, "NFKD"), ACCENTS, "")
        return tf.strings.lower(text, encoding="utf-8") if self.convention.do_lower_case else text


def _own_code(content: bytes) -> tf_text.SentencepieceTokenizer:
    """The op that runs SentencePiece's own code."""
    return tf_text.SentencepieceTokenizer(model=content, out_type=tf.int32)
