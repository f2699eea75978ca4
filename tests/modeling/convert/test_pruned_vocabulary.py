"""A vocabulary pruned to some texts: they are cut as before, and every piece keeps its row."""

import dataclasses
import gzip
import logging
import random
import re
from pathlib import Path

import numpy as np
import pytest
import tiny_pieces
from pretrained_folders import CONFIG, WEIGHTS, convert, google_folder, only_line

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.convert.pruned_vocabulary import WORDS, pruned, texts_of
from centrabert.modeling.tokenization.sentencepiece_convention import Convention
from centrabert.modeling.tokenization.sentencepiece_model import ModelProto, SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.words.word_places import SPLITS
from centrabert.modeling.words.words import split_words

TEXTS = ["one red dog, seen", "今天天气很好 ¶ 9", "今天house很好", "the  man\u3000finds ﬁne ㍿", "Ω的"]


def pretrained(tokenizer: SentencePieceTokenizer, spare: int = 3) -> Pretrained:
    """Rows that are the old ids."""
    config = dataclasses.replace(CONFIG, vocab_size=tokenizer.vocabulary_size + spare)
    rows = np.arange(config.vocab_size, dtype=np.float32)[:, None] * np.ones(CONFIG.hidden_size, np.float32)
    keys = {"added_tokens_decoder": {"3": {"content": "<unk>"}}, "my_key": 1}
    return Pretrained(config, tokenizer, {**WEIGHTS, WORDS: rows}, keys)


def file_of(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


@pytest.mark.parametrize("tokenizer", [tiny_pieces.xlm_roberta(), tiny_pieces.albert()])
def test_cuts_stay_the_same(tokenizer: SentencePieceTokenizer, tmp_path: Path) -> None:
    """Of texts and of words, however they are split; the vectors that are looked up are the same."""
    smaller = pruned(pretrained(tokenizer), [file_of(tmp_path / "texts.txt", TEXTS)])
    assert len({*tokenizer.tokens}) > smaller.config.vocab_size == smaller.tokenizer.vocabulary_size
    words = [split_words(TEXTS, split).words.flat_values.numpy().tolist() for split in SPLITS]
    forms = [*TEXTS, *(word.decode() for own in words for word in own), *"xyz,!"]
    old, new = (each.tokenize(forms).to_list() for each in (tokenizer, smaller.tokenizer))
    rows = smaller.tensors[WORDS][:, 0].astype(int)
    assert [[rows[piece] for piece in pieces] for pieces in new] == old
    layouts = (tokenizer.layout, smaller.tokenizer.layout)
    assert rows[layouts[1].padding_id] == layouts[0].padding_id
    assert rows[-1] == tokenizer.vocabulary_size - 1 or tokenizer.convention.is_albert
    assert smaller.tokenizer_keys == {"my_key": 1}


def test_random_subsets_of_random_texts(tmp_path: Path) -> None:
    """30 vocabularies, each of other texts; what an unknown character costs stays the same."""
    message = ModelProto.FromString(tiny_pieces.xlm_roberta().model.content)
    next(piece for piece in message.pieces if piece.piece == "▁株式会社").score = -50  # no text reaches it
    tokenizer = SentencePieceTokenizer(SentencePieceModel(message.SerializeToString()), Convention())
    choose = random.Random(1)  # noqa: S311
    alphabet = "".join((*tiny_pieces.ENGLISH, *tiny_pieces.CHINESE, *tiny_pieces.OTHER, " ¶ж"))
    for _ in range(30):
        texts = ["".join(choose.choices(alphabet, k=choose.randrange(30))) for _ in range(20)]
        smaller = pruned(pretrained(tokenizer), [file_of(tmp_path / "texts.txt", texts)])
        assert isinstance(smaller.tokenizer, SentencePieceTokenizer)
        model = smaller.tokenizer.model
        assert model.pieces[model.lowest] == tokenizer.model.pieces[tokenizer.model.lowest]
        rows = smaller.tensors[WORDS][:, 0].astype(int)
        for old, new in zip(
            *(each.tokenize(texts).to_list() for each in (tokenizer, smaller.tokenizer)), strict=True
        ):
            assert [rows[piece] for piece in new] == old


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    (note,) = pruned(pretrained(tiny_pieces.xlm_roberta()), [file_of(tmp_path / "a.txt", TEXTS)]).notes
    assert note.startswith("kept ")
    assert "others may be cut into more pieces" in note
    assert " characters, which none of these texts has, are <unk> now" in note


def test_texts_of_every_format(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"query": "a\\tb", "n": 1, "tags": ["B", {"c": "d"}]}\n\n"e"\n')
    assert list(texts_of(tmp_path / "a.jsonl")) == ["a\tb", "B", "d", "e"]
    (tmp_path / "a.csv").write_text('x,"y, ""z""\nw"\n')
    assert list(texts_of(tmp_path / "a.csv")) == ["x", 'y, "z"\nw']
    (tmp_path / "b.csv").write_bytes(b'x,"y\rz"\rv,w\r\n')
    assert list(texts_of(tmp_path / "b.csv")) == ["x", "y\rz", "v", "w"]
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress("x\t北 y\r\n\n".encode()))
    assert list(texts_of(tmp_path / "a.tsv.gz")) == ["x", "北 y", ""]


def test_by_the_flag(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bert = pretrained(tiny_pieces.xlm_roberta())
    (tmp_path / "a").mkdir()
    bert.write_google(tmp_path / "a")
    flag = f"--keep_text={file_of(tmp_path / '1.txt', TEXTS[:1])},{file_of(tmp_path / '2.txt', TEXTS[1:])}"
    assert convert(f"--source={tmp_path / 'a'}", flag, f"--output_dir={tmp_path / 'b'}") == 0
    assert "characters, which none of these texts has, are <unk> now" in caplog.text
    small = BertFolder.at(tmp_path / "b")
    assert small.tokenizer().vocabulary_size == small.config().vocab_size < bert.config.vocab_size
    assert checkpoint.shapes(small.checkpoint)[WORDS] == (small.config().vocab_size, CONFIG.hidden_size)


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [f"--source={google_folder(tmp_path / 'a')}", f"--output_dir={tmp_path / 'b'}"]
    assert convert(*flags, f"--keep_text={file_of(tmp_path / 't.txt', ['a'])}") == 1
    assert "a/vocab.txt: --keep_text prunes SentencePiece unigram models alone" in only_line(capsys)
    bert = pretrained(tiny_pieces.xlm_roberta())
    with pytest.raises(ValueError, match=r"no\.txt: no such file"):
        pruned(bert, [tmp_path / "no.txt"])
    with pytest.raises(ValueError, match=r"t\.txt: hold no text to keep"):
        pruned(bert, [file_of(tmp_path / "t.txt", [" ", ""])])
    with pytest.raises(ValueError, match=r"t\.jsonl:2: not JSON"):
        pruned(bert, [file_of(tmp_path / "t.jsonl", ['"a"', "{"])])
    zipped = gzip.compress(b"a text\n" * 1000)
    for content in (zipped[:-9], zipped[:12] + b"\xff" * 9 + zipped[21:]):
        (tmp_path / "t.txt.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"t\.txt\.gz: is no whole gzip file: "):
            list(texts_of(tmp_path / "t.txt.gz"))
    bpe = SentencePieceTokenizer(SentencePieceModel(tiny_pieces.trained(model_type="bpe")), Convention())
    with pytest.raises(ValueError, match="unigram models alone"):
        pruned(pretrained(bpe), [tmp_path / "t.txt"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: is nested more than 64 levels deep"),
        (
            "a.jsonl",
            b'"b"\n{"text": "a \\ud800 b"}\n',
            "a.jsonl:2: key 'text' holds half of a surrogate",
        ),
        ("a.jsonl", b'{"n": ' + b"1" * 5000 + b"}\n", "a.jsonl:1: an integer has more than 4,300 digits"),
        ("a.csv", b'a,b\n"c,d\ne,f\n', "a.csv:3: not CSV, or a quote is never closed"),
        ("a.txt", b"a\nb \xff\n", "a.txt:2: not UTF-8 at byte 2 of the line"),
        ("a.txt", b"version https://git-lfs.github.com/spec/v1\noid\n", "a.txt:1: is a Git LFS pointer"),
    ],
)
def test_what_is_no_text_file(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=re.escape(message)):
        list(texts_of(tmp_path / name))
