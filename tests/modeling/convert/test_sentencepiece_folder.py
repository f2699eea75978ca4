"""A SentencePiece model in the place of vocab.txt, on its way between Hugging Face's folder and Google's."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import tiny_pieces
from pretrained_folders import CONFIG, WEIGHTS, assert_bits_equal, convert, huggingface_folder, only_line

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.convert.conversion import Source
from centrabert.modeling.tokenization.sentencepiece_convention import Convention
from centrabert.modeling.tokenization.sentencepiece_model import ModelProto, SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer

PIECES = CONFIG.vocab_size - 2  # XLM-RoBERTa's <pad> and <mask> are in no file


def model() -> SentencePieceModel:
    return tiny_pieces.xlm_roberta().model.kept(range(PIECES))


def source(path: Path, content: bytes | None = None, **files: dict[str, Any]) -> Path:
    """A Hugging Face folder with a SentencePiece model and these JSON files."""
    huggingface_folder(path)
    (path / "vocab.txt").unlink()
    (path / "sentencepiece.bpe.model").write_bytes(model().content if content is None else content)
    for name, keys in files.items():
        (path / f"{name}.json").write_text(json.dumps(keys))
    return path


def test_there_and_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """BERT's default of pad_token_id is told, do_lower_case means nothing, other keys are passed on."""
    caplog.set_level(logging.INFO)
    said = {"tokenizer_class": "XLMRobertaTokenizer", "do_lower_case": True, "my_key": [1]}
    folder = source(tmp_path / "a", tokenizer_config=said)
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}") == 0
    assert "pad_token_id is 0, but in the vocabulary padding is piece 1" in caplog.text
    bert = BertFolder.at(tmp_path / "b")
    assert bert.vocab_file.read_bytes() == model().content
    assert bert.tokenizer().digest == SentencePieceTokenizer(model(), Convention()).digest
    assert convert(f"--source={tmp_path / 'b'}", "--to=huggingface", f"--output_dir={tmp_path / 'c'}") == 0
    back = Source(str(tmp_path / "c")).read()
    assert_bits_equal(back.tensors, WEIGHTS)
    assert back.tokenizer.digest == bert.tokenizer().digest
    assert json.loads((tmp_path / "c/config.json").read_text())["pad_token_id"] == 1
    keys = json.loads((tmp_path / "c/tokenizer_config.json").read_text())
    assert keys.items() >= {**said, "do_lower_case": False, "cls_token": "<s>", "pad_token": "<pad>"}.items()


def test_albert_layout(tmp_path: Path) -> None:
    model = tiny_pieces.albert().model.kept(range(CONFIG.vocab_size))
    said = {"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}
    folder = source(tmp_path / "a", tokenizer_config=said)
    (folder / "sentencepiece.bpe.model").unlink()
    (folder / "spiece.model").write_bytes(model.content)
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}") == 0
    bert = BertFolder.at(tmp_path / "b")
    assert bert.vocab_file.name == "spiece.model"
    assert bert.tokenizer().layout.cls_id == model.pieces.index("[CLS]")
    assert not bert.tokenizer().do_lower_case


def test_any_name_by_the_flag(tmp_path: Path) -> None:
    """In the new folder it has its usual name."""
    folder = source(tmp_path / "a")
    (folder / "sentencepiece.bpe.model").rename(tmp_path / "mine.model")
    flag = f"--vocab_file={tmp_path / 'mine.model'}"
    assert convert(f"--source={folder}", flag, f"--output_dir={tmp_path / 'b'}") == 0
    assert (tmp_path / "b/sentencepiece.bpe.model").is_file()


def test_a_cut_off_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = source(tmp_path / "a", model().content[:300])
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}") == 1
    assert f"{folder}/sentencepiece.bpe.model: is cut off or no SentencePiece model" in only_line(capsys)
    assert not (tmp_path / "b").exists()


def test_a_file_that_the_package_refuses(tmp_path: Path) -> None:
    message = ModelProto.FromString(model().content)
    message.pieces[5].piece = message.pieces[4].piece
    folder = source(tmp_path / "a", message.SerializeToString())
    bert = BertFolder(folder / "config.json", folder / "sentencepiece.bpe.model", folder / "model.ckpt")
    for read in (Source(str(folder)).read, bert.tokenizer):
        with pytest.raises(ValueError, match=r"bpe\.model: SentencePiece refuses it: .* already defined"):
            read()


def test_two_vocabularies(tmp_path: Path) -> None:
    folder = source(tmp_path / "a")
    (folder / "vocab.txt").write_text("[PAD]\n")
    with pytest.raises(ValueError, match=r"a: holds vocab\.txt and sentencepiece\.bpe\.model; remove"):
        Source(str(folder)).read()


def listed() -> list[list[Any]]:
    """The pieces as tokenizer.json lists them."""
    tokens = SentencePieceTokenizer(model(), Convention()).tokens
    return [[token, 0.0] for token in tokens]


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"tokenizer": {"model": {"type": "Unigram", "vocab": listed()[1:]}}},
        r"tokenizer\.json: '<pad>' has id 0, but by .*\.model that is '<s>'; are the files of two models",
    ),
    ({"tokenizer": {"model": {"type": "WordPiece"}}}, r"its model is 'WordPiece', but .*\.model is Sentence"),
    ({"added_tokens": {"<e1>": 23}}, r"added_tokens\.json: '<e1>' has id 23, but by .* that is nothing"),
    ({"added_tokens": {"▁": 3}}, r"added_tokens\.json: '▁' has id 3, but by .* that is '<unk>'"),
]


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_refused(files: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Source(str(source(tmp_path / "a", **files))).read()


def test_pieces_that_are_read_whole(tmp_path: Path) -> None:
    piece = SentencePieceTokenizer(model(), Convention()).tokens[9]
    folder = source(tmp_path / "a", tokenizer={"model": {"type": "Unigram", "vocab": listed()}})
    assert Source(str(folder)).read().config == CONFIG
    (folder / "added_tokens.json").write_text(json.dumps({piece: 9, "<mask>": CONFIG.vocab_size - 1}))
    with pytest.raises(ValueError, match=r"added_tokens\.json: adds the pieces .*SentencePiece would cut"):
        Source(str(folder)).read()
