"""A SentencePiece vocabulary with just the pieces that some texts need, and the embedding with their rows."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.formats.git_lfs import check_file
from centrabert.modeling.formats.json_file import parse_value
from centrabert.modeling.tokenization.sentencepiece_model import NORMAL, SPACE
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.words.word_places import BY_BERT
from centrabert.modeling.words.words import split_words

WORDS = "bert/embeddings/word_embeddings"
ADDED = "added_tokens_decoder"  # a key of tokenizer_config.json that holds ids
ASCII = [chr(code) for code in range(33, 127)]
LONE_RETURN = re.compile(r"(?<=\r)(?!\n)")  # behind it a line begins, too
BATCH = 4096  # texts that are tokenised at once


def pruned(bert: Pretrained, files: Sequence[Path]) -> Pretrained:
    """The BERT with the pieces that the texts of `files` are cut into, and so much smaller.

    These texts, and their words one by one however they are split, keep their pieces: of all ways to cut
    them, the best one stays, and none is added. Kept too are the pieces of ASCII characters, for other texts,
    and one piece of the lowest score, which decides what an unknown character costs.

    Args:
      files: Of texts, see `texts_of`.

    Raises:
      UserError: The vocabulary is no SentencePiece unigram model; a file is absent, not UTF-8 or not JSON; or
        there is no text in the files.
    """
    tokenizer = bert.tokenizer
    if not isinstance(tokenizer, SentencePieceTokenizer) or not tokenizer.model.is_unigram:
        raise UserError(
            f"{bert.files[0]}: --keep_text prunes SentencePiece unigram models alone, and this is none; in "
            "BPE, pieces that no text shows are steps on the way to others"
        )
    used, characters = _used(tokenizer, (text for file in files for text in texts_of(file)))
    if not characters:
        raise UserError(f"{', '.join(map(str, files))}: hold no text to keep")
    known = {token: index for index, token in enumerate(tokenizer.tokens)}
    used.update(known[form] for c in (*characters, *ASCII, "") for form in (c, SPACE + c) if form in known)
    smaller, rows = tokenizer.with_pieces(used)
    tensors = {**bert.tensors, WORDS: bert.tensors[WORDS][rows]}
    keys = {key: value for key, value in bert.tokenizer_keys.items() if key != ADDED}
    return replace(
        bert,
        config=replace(bert.config, vocab_size=len(rows)),
        tokenizer=smaller,
        tensors=tensors,
        tokenizer_keys=keys,
        notes=(*bert.notes, _lost(bert, tokenizer, smaller)),
    )


def texts_of(file: Path) -> Iterator[str]:
    """The texts of a file, unzipped if it ends in .gz.

    In .jsonl every string of every line is one, in .csv every field, and else what stands between tabs.

    Raises:
      UserError: It names the file, and the line that is not UTF-8, not JSON or not CSV; or the file is absent
        or a Git LFS pointer.
    """
    ending = Path(file.name.removesuffix(".gz")).suffix
    if ending == ".csv":
        rows = csv.reader(_lines(file), strict=True)
        try:
            yield from (field for row in rows for field in row)
        except csv.Error as error:
            raise UserError(f"{file}:{rows.line_num}: not CSV, or a quote is never closed: {error}") from None
    elif ending in (".jsonl", ".json"):
        for number, line in enumerate(_lines(file), start=1):
            yield from _strings(parse_value(line, str(file), number)) if line.strip() else ()
    else:
        yield from (field for line in _lines(file) for field in line.rstrip("\r\n").split("\t"))


def _lines(file: Path) -> Iterator[str]:
    """The lines of a text file with their ends; raises as `texts_of`."""
    number = 0
    try:
        check_file(file)
        with (gzip.open if file.suffix == ".gz" else open)(file, "rb") as lines:
            for line in lines:
                number += 1
                yield from filter(None, LONE_RETURN.split(line.decode("utf-8")))
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file}:{number}: not UTF-8 at byte {error.start} of the line") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{file}: is no whole gzip file: {error}") from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(inner)


def _used(tokenizer: SentencePieceTokenizer, texts: Iterator[str]) -> tuple[set[int], set[str]]:
    """The ids of all texts and their words, and the characters of the texts."""
    used: set[int] = set()
    characters: set[str] = set()
    seen: set[str] = set()
    while batch := list(islice(texts, BATCH)):
        letters = set("".join(batch))
        characters |= letters
        forms = {*batch, *letters, *(word for text in batch for word in text.split())}
        forms.update(word.decode() for word in split_words(batch, BY_BERT).words.flat_values.numpy())
        new = forms - seen
        seen |= new
        used.update(tokenizer.tokenize(sorted(new)).flat_values.numpy().tolist() if new else ())
    return used, {character for character in characters if not character.isspace()}


def _lost(bert: Pretrained, whole: SentencePieceTokenizer, smaller: SentencePieceTokenizer) -> str:
    before, after = _letters(whole), _letters(smaller)
    rows = bert.config.vocab_size
    megabytes = 4 * bert.config.hidden_size * (rows - smaller.vocabulary_size) / 1e6
    return (
        f"kept {smaller.vocabulary_size:,} of {whole.vocabulary_size:,} pieces, {megabytes:,.0f} MB less: "
        "the texts of --keep_text are cut as before; others may be cut into more pieces, and "
        f"{before - after:,} of {before:,} characters, which none of these texts has, are <unk> now"
    )


def _letters(tokenizer: SentencePieceTokenizer) -> int:
    """How many characters have a piece of their own."""
    pieces = zip(tokenizer.model.pieces, tokenizer.model.types, strict=True)
    return len(
        {word for piece, kind in pieces if kind == NORMAL and len(word := piece.replace(SPACE, "")) == 1}
    )
