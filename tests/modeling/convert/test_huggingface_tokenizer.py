"""What a folder says of its tokenizer: passed on both ways, and refused where it is not what we would do."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pretrained_folders import convert, google_folder, huggingface_folder, only_line

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.convert.conversion import Source
from centrabert.modeling.tokenization.normalization import Normalization


def fast_tokenizer(**keys: Any) -> dict[str, Any]:
    """A tokenizer.json as Hugging Face writes it, in brief; `keys` change its normaliser."""
    normalizer = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    return {
        "added_tokens": [{"id": 0, "content": "[PAD]"}, {"id": 3, "content": "[SEP]", "special": True}],
        "normalizer": {"type": "BertNormalizer", **normalizer, **keys},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "a": 4}, "continuing_subword_prefix": "##"},
    }


def folder(path: Path, **files: dict[str, Any]) -> Path:
    """A Hugging Face folder with these JSON files, such as tokenizer_config and added_tokens."""
    huggingface_folder(path)
    for name, keys in files.items():
        (path / f"{name}.json").write_text(json.dumps(keys))
    return path


def normalization(path: Path, asked: bool | None = None) -> Normalization:
    return Source(str(path), do_lower_case=asked).read().tokenizer.normalization


def test_what_is_said_reaches_google_and_comes_back(tmp_path: Path) -> None:
    """Keys of no meaning to us among it, and what decides the pieces of a text said in full."""
    said = {"do_lower_case": False, "strip_accents": True, "model_max_length": 7, "my_key": [1]}
    source = folder(tmp_path / "a", tokenizer_config=said)
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}") == 0
    bert = BertFolder.at(tmp_path / "b")
    assert not bert.tokenizer().do_lower_case
    assert convert(f"--source={tmp_path / 'b'}", "--to=huggingface", f"--output_dir={tmp_path / 'c'}") == 0
    for name in "bc":
        written = json.loads((tmp_path / name / "tokenizer_config.json").read_text())
        assert written.items() >= {**said, "tokenize_chinese_chars": True, "cls_token": "[CLS]"}.items()
    assert normalization(tmp_path / "c") == Normalization(False, strip_accents=True)


@pytest.mark.parametrize("asked", [None, True, False])
def test_google_says_nothing(asked: bool | None, tmp_path: Path) -> None:
    """What was asked for, or BERT's default, is said in the new folder, and contradicted no more."""
    flags = [] if asked is None else [f"--do_lower_case={asked}"]
    source = google_folder(tmp_path / "a")
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}", *flags) == 0
    written = json.loads((tmp_path / "b/tokenizer_config.json").read_text())
    assert written["do_lower_case"] is (asked is not False)
    assert written["model_max_length"] == 9
    with pytest.raises(ValueError, match=r"b/tokenizer_config\.json says"):
        BertFolder.at(tmp_path / "b").tokenizer(asked is False)


def test_tokenizer_json_alone(tmp_path: Path) -> None:
    fast = fast_tokenizer(lowercase=False, handle_chinese_chars=False)
    source = folder(tmp_path / "a", tokenizer=fast, tokenizer_config={"model_max_length": 512})
    assert normalization(source) == Normalization(False, tokenize_chinese_chars=False)
    assert normalization(source, asked=False) == normalization(source)
    with pytest.raises(ValueError, match=r"do_lower_case=True was asked for.*a/tokenizer\.json says false"):
        normalization(source, asked=True)


def test_both_files_agree(tmp_path: Path) -> None:
    keys = {"do_lower_case": True, "strip_accents": None, "tokenizer_class": "BertTokenizerFast"}
    source = folder(tmp_path / "a", tokenizer=fast_tokenizer(), tokenizer_config=keys)
    assert normalization(source) == Normalization()


def test_a_flag_that_contradicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder(tmp_path / "a", tokenizer_config={"do_lower_case": False})
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}", "--do_lower_case") == 1
    assert f"{source}/tokenizer_config.json says false" in only_line(capsys)
    assert not (tmp_path / "b").exists()


FAST = fast_tokenizer()
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"tokenizer_config": {"do_lower_case": "no"}}, r"tokenizer_config\.json: do_lower_case is 'no'"),
    (
        {"tokenizer_config": {"do_lower_case": False}, "tokenizer": FAST},
        r"a/tokenizer_config\.json: do_lower_case is False, but .*a/tokenizer\.json says True",
    ),
    (
        {"tokenizer_config": {"tokenizer_class": "BertJapaneseTokenizer"}},
        "tokenizer_class is 'BertJapaneseTokenizer'",
    ),
    ({"tokenizer_config": {"do_basic_tokenize": False}}, "do_basic_tokenize is False, only True"),
    ({"tokenizer_config": {"never_split": ["<e1>"]}}, "never_split is .*<e1>"),
    ({"tokenizer_config": {"cls_token": "<s>"}}, r"cls_token is '<s>', only '\[CLS\]'"),
    ({"tokenizer_config": {"sep_token": {"content": "</s>"}}}, r"sep_token is '</s>', only '\[SEP\]'"),
    ({"tokenizer": {**FAST, "normalizer": None}}, "its normalizer is None, only BertNormalizer"),
    ({"tokenizer": {**FAST, "model": {"type": "BPE"}}}, "its model is 'BPE', only WordPiece"),
    (
        {"tokenizer": {**FAST, "pre_tokenizer": {"type": "WhitespaceSplit"}}},
        "its pre_tokenizer is 'WhitespaceSplit'",
    ),
    ({"tokenizer": fast_tokenizer(clean_text=False)}, "clean_text is false"),
    (
        {"tokenizer": {**FAST, "model": {"type": "WordPiece", "continuing_subword_prefix": "@@"}}},
        "continuing_subword_prefix is '@@'",
    ),
    (
        {"tokenizer": {**FAST, "model": {"type": "WordPiece", "vocab": {"a": 4, "c": 5}}}},
        r"'c' has id 5, but in .*vocab\.txt line 6 holds 'b'; is a line missing",
    ),
    (
        {"added_tokens": {"<e1>": 23, "[SPC]": 24}},
        r"added_tokens\.json: adds .*'<e1>' \(23\), '\[SPC\]' \(24\)",
    ),
    (
        {"tokenizer_config": {"added_tokens_decoder": {"23": {"content": "[SPC]"}}}},
        r"tokenizer_config\.json: added_tokens_decoder: adds the pieces '\[SPC\]' \(23\)",
    ),
    (
        {"tokenizer_config": {"added_tokens_decoder": {"102": {"content": "[SEP]"}}}},
        r"added_tokens_decoder: '\[SEP\]' has id 102, but in .*vocab\.txt line 103 holds nothing",
    ),
    (
        {"tokenizer": {**FAST, "added_tokens": [{"id": 4, "content": "a"}]}},
        r"tokenizer\.json: added_tokens: adds the pieces 'a' \(4\)",
    ),
    (
        {"special_tokens_map": {"additional_special_tokens": ["[unused1]", {"content": "<e1>"}]}},
        r"special_tokens_map\.json: additional_special_tokens: adds the pieces '\[unused1\]', '<e1>', which",
    ),
    (
        {"tokenizer_config": {"additional_special_tokens": ["[SEP]", "[unused1]"]}},
        r"a/tokenizer_config\.json: additional_special_tokens: adds the pieces '\[unused1\]', which",
    ),
    (
        {"tokenizer_config": {"extra_special_tokens": {"image_token": "<img>"}}},
        "extra_special_tokens: adds the pieces '<img>', which",
    ),
    ({"special_tokens_map": {"sep_token": "</s>"}}, r"a/special_tokens_map\.json: sep_token is '</s>', only"),
    ({"added_tokens": {f"<{i}>": 23 + i for i in range(7)}}, "'<4>' .27. and 2 more"),
]


@pytest.mark.parametrize(("files", "message"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_refused(files: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Source(str(folder(tmp_path / "a", **files))).read()


def test_special_tokens_that_are_told_twice(tmp_path: Path) -> None:
    special = {"sep_token": {"content": "[SEP]"}, "additional_special_tokens": ["[SEP]", "[MASK]"]}
    source = folder(tmp_path / "a", special_tokens_map=special, tokenizer_config={"extra_special_tokens": {}})
    assert normalization(source) == Normalization()


def test_padding_is_where_the_vocabulary_has_it(tmp_path: Path) -> None:
    source = huggingface_folder(tmp_path / "a", pad_token_id=1)
    with pytest.raises(ValueError, match=r"a/config\.json: pad_token_id is 1, .* \[PAD\] is piece 0"):
        Source(str(source)).read()
    lines = (source / "vocab.txt").read_text().split("\n")
    (source / "vocab.txt").write_text("\n".join([lines[1], lines[0], *lines[2:]]))
    assert Source(str(source)).read().tokenizer.padding_id == 1
    assert convert(f"--source={source}", "--to=huggingface", f"--output_dir={tmp_path / 'b'}") == 0
    assert json.loads((tmp_path / "b/config.json").read_text())["pad_token_id"] == 1


def test_the_log_says_what_was_understood(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = folder(tmp_path / "a", tokenizer_config={"do_lower_case": False})
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}") == 0
    assert "do_lower_case=False" in caplog.text
