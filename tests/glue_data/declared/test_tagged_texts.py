"""Texts with tags, whatever the file: words, the model's scheme, and one line for what does not fit."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration, DeclarationError
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.task_data import Examples, label_array

Rows = list[tuple[str, list[str] | None]]


def read(folder: Path, name: str, content: str, **keys: Any) -> Examples:
    (folder / name).write_text(content, encoding="utf-8")
    return DeclaredTask(Declaration(name="slots", kind="tagging", train=folder / name, **keys)).read("train")


def jsonl(text: Any, tags: Any) -> str:
    return json.dumps({"text": text, "tags": tags}, ensure_ascii=False) + "\n"


CONLL = "EU NNP I-NP I-ORG\nand CC O O\nBBC NNP B-NP I-ORG\nITV NNP I-NP B-ORG\n\n"


@pytest.mark.parametrize(
    "keys",
    [
        {"columns": {"word": 0, "tag": 3}},
        {"text": "0", "label": "3"},
        {"text": "words", "columns": {"tag": 3}},
    ],
)
def test_iob1_becomes_bio(tmp_path: Path, keys: dict[str, Any], warnings: list[str]) -> None:
    examples = read(tmp_path, "eng.train", CONLL, format="conll", scheme="iob1", **keys)
    assert examples.text_a == ("EU and BBC ITV",)
    assert examples.labels == (("B-ORG", "O", "B-ORG", "B-ORG"),)
    assert warnings == []


@pytest.mark.parametrize(
    ("content", "scheme", "message"),
    [
        ("a O\nb B-x\n", "iob1", "a.conll:2: word 2 is tagged B-x behind O, which the scheme iob1 does not"),
        ("a O\n\nb O\nc I-x\n", "bio", "a.conll:4: word 2 is tagged I-x behind O, which the scheme bio does"),
        ("a O\nb B-x\n", "iobes", "a.conll:2: the text ends behind B-x, which the scheme iobes does not"),
        ("a O\nb S-x\n", "", "a.conll:2: the tag 'S-x' is one of IOBES; declare the scheme iobes"),
        ("a O\nb U-q\n", "", "a.conll:2: word 2: 'U-q' is no tag; the tags are O"),
    ],
)
def test_a_mistake_in_conll_names_the_line_of_the_word(
    tmp_path: Path, content: str, scheme: str, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read(tmp_path, "a.conll", content, scheme=scheme)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {},
            "word 1: 'NNP' is no tag; the tags are O, B-TYPE, I-TYPE, E-TYPE, S-TYPE; tags are read from",
        ),
        ({"label": "tag"}, "task slots: label 'tag': the columns of CoNLL files have numbers, from 0"),
        (
            {"text": "0", "columns": {"tag": 3}},
            "columns: is another way to say text and label; leave it or them out",
        ),
    ],
)
def test_the_wrong_column_of_conll(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read(tmp_path, "a.conll", CONLL, **keys)


def test_without_a_scheme_what_breaks_bio_is_repaired_counted_and_told(
    tmp_path: Path, warnings: list[str]
) -> None:
    content = "a\tO\n\n" + "b\tI-x\nc\tI-y\nd\tI-y\n\n" + "e\tB-x\nf\tI-y\n"
    examples = read(tmp_path, "a.conll", content)
    assert examples.labels == (("O",), ("B-x", "B-y", "I-y"), ("B-x", "B-y"))
    (warning,) = warnings
    assert warning.startswith(
        f"{tmp_path}/a.conll: repaired 3 tags that break the rules of BIO in 2 texts, the first on line 3; "
    )


def test_iobes_stays(tmp_path: Path, warnings: list[str]) -> None:
    content = "a\tS-x\nb\tB-y\nc\tI-y\nd\tE-y\ne\tO\n"
    own = Declaration(name="slots", kind="tagging", train=tmp_path / "a.conll", scheme="iobes")
    (tmp_path / "a.conll").write_text(content)
    assert DeclaredTask(own).read("train").labels == (("S-x", "B-y", "I-y", "E-y", "O"),)
    assert DeclaredTask(own).labels == (*("O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "E-y", "S-y"),)
    assert warnings == []


@pytest.mark.parametrize("value", ["我 去 北京", ["我", " ", "去", " ", "北", "京"]])
def test_characters_that_are_white_space_are_no_words(tmp_path: Path, value: Any) -> None:
    """Whether they have tags of their own or not."""
    text = value if isinstance(value, str) else "".join(value)
    whole = read(tmp_path, "a.jsonl", jsonl(value, ["O", "O", "O", "B-x", "B-c", "I-c"]), split="characters")
    assert whole.text_a == (text,)
    assert whole.labels == (("O", "O", "B-c", "I-c"),)
    if isinstance(value, str):
        bare = read(tmp_path, "a.jsonl", jsonl(value, ["O", "O", "B-c", "I-c"]), split="characters")
        assert bare.labels == whole.labels


def test_a_span_over_white_space_stays_one(tmp_path: Path) -> None:
    examples = read(tmp_path, "a.jsonl", jsonl("a b", ["B-x", "I-x", "I-x"]), split="characters")
    assert examples.labels == (("B-x", "I-x"),)


def test_the_files_of_the_original_code(tmp_path: Path) -> None:
    row = {"query": "去京", "another_query": "b", "domain": "map", "intent": "GO", "tags": ["O", "B-city"]}
    (tmp_path / "train.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'intent': 'X'})}\n")
    common: dict[str, Any] = {"name": "go", "data": tmp_path, "format": "centrabert"}
    tagging = DeclaredTask(Declaration(kind="tagging", **common))
    assert (tagging.split, tagging.read("train").labels) == ("characters", (("O", "B-city"),) * 2)
    intent = DeclaredTask(Declaration(text_b="another_query", **common)).read("train")
    assert (intent.text_a, intent.text_b, intent.labels) == (("去京",) * 2, ("b",) * 2, ("GO", "X"))
    domain = DeclaredTask(Declaration(label="domain", labels=("map", "x"), **common))
    with pytest.raises(UserError, match="every row has the label 'map'; there is nothing to learn"):
        domain.read("train")


def test_sentences_without_words_and_very_long_ones(tmp_path: Path) -> None:
    words = ["w\x01\u200bx"] * 10_000
    content = jsonl("", []) + jsonl(" ", "") + jsonl(words, ["B-x"] * 10_000)
    examples = read(tmp_path, "a.jsonl", content)
    assert examples.text_a == ("", " ", " ".join(words))
    assert examples.labels == ((), (), ("B-x",) * 10_000)


@pytest.mark.parametrize(
    ("content", "keys", "message"),
    [
        (jsonl("a b", ["O"]), {}, "a.jsonl:1: the text has 2 words, but there are 1 tags"),
        (
            jsonl("a", ["O"]) + jsonl(["a"], ["O", "O"]),
            {},
            "a.jsonl:2: the text has 1 words, but there are 2 tags",
        ),
        (
            jsonl("a b", ["O", "I-x"]),
            {"scheme": "bio"},
            "a.jsonl:1: word 2 is tagged I-x behind O, which the sch",
        ),
        (jsonl("a b", ["B-x", "O"]), {"scheme": "iobes"}, "a.jsonl:1: word 2 is tagged O behind B-x"),
        (jsonl("a", ["S-x"]), {}, "a.jsonl:1: the tag 'S-x' is one of IOBES; declare the scheme iobes"),
        (jsonl("a", ["x"]), {}, "a.jsonl:1: word 1: 'x' is no tag; the tags are O, B-TYPE"),
        (jsonl("a", [""]), {}, "a.jsonl:1: word 1: '' is no tag; the tags are O, B-TYPE"),
        (
            jsonl("a b", ["O", "B- x"]),
            {},
            "a.jsonl:1: word 2: tag 'B- x': its type ' x' has white space",
        ),
        (jsonl("a", ["I- "]), {}, "a.jsonl:1: word 1: tag 'I- ': its type is empty"),
        (jsonl("a", ["B-x\n"]), {}, "a.jsonl:1: word 1: tag 'B-x\\n': its type 'x\\n' has white space"),
        (
            jsonl("a", ["B-x\x01"]),
            {},
            "a.jsonl:1: word 1: label 'x\\x01' holds the control character",
        ),
        (jsonl("a", ["B-"]), {"scheme": "bio"}, "a.jsonl:1: word 1: 'B-' is no tag of the scheme bio"),
        (jsonl(["a b"], ["O"]), {}, "a.jsonl:1: the word 'a b' is empty or holds white space"),
        (jsonl(["", "a"], ["O", "O"]), {}, "a.jsonl:1: the word '' is empty"),
        (jsonl(["ab"], ["O"]), {"split": "characters"}, "a.jsonl:1: the word 'ab' is no single character"),
        (
            jsonl("a.b", ["O"] * 3) + jsonl("a-b", ["O"]),
            {"split": "bert"},
            "a.jsonl:2: the text has 3 words, but there are 1 tags; words are split by bert",
        ),
        (jsonl("a", [1]), {}, "a.jsonl:1: tags is [1], not a list of texts"),
        (jsonl("a", None), {}, "a.jsonl:1: tags is missing, not a list of texts"),
        (jsonl(7, ["O"]), {}, "a.jsonl:1: text is 7, not a list of texts"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, content: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        read(tmp_path, "a.jsonl", content, **keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"text_b": "b"}, "text_b: a tagging reads single texts"),
        ({"format": "conll", "split": "bert"}, "split: the files have their words"),
        ({"scheme": "bilou"}, "scheme: 'bilou' is none of bio, iobes, iob1"),
        ({"output": "sigmoid"}, "output: 'sigmoid' is none of softmax, crf"),
        ({"columns": {"word": 0, "pos": 1}}, "columns: write the numbers of two columns"),
        ({"columns": {"word": 0, "tag": -1}}, "columns: write the numbers of two columns"),
        ({"metric": "accuracy"}, "metric: 'accuracy' is not for a tagging"),
    ],
)
def test_a_declaration_that_cannot_be(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=re.escape(message)):
        Declaration(name="slots", kind="tagging", train=Path("a.conll"), **keys)


def test_types_with_spaces_and_slashes(tmp_path: Path) -> None:
    examples = read(tmp_path, "a.jsonl", jsonl("a b", ["B-x y/z", "I-x y/z"]))
    assert examples.labels == (("B-x y/z", "I-x y/z"),)


def test_texts_and_tags_in_two_files_are_of_one_length(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/seq.in").write_text("a b\n\nc d\n")
    (tmp_path / "train/seq.out").write_text("O O\n\nO\n")
    own = DeclaredTask(Declaration(name="slots", kind="tagging", format="seq", data=tmp_path))
    with pytest.raises(UserError, match=r"train/seq.in:3: the text has 2 words, but there are 1 tags"):
        own.read("train")


def test_a_conll_file_to_predict_needs_no_tags(tmp_path: Path) -> None:
    """Its texts are those of the same file with tags; to train on or to evaluate on it has them."""
    files = {name: tmp_path / f"{name}.conll" for name in ("train", "dev", "test")}
    files["train"].write_text("EU B-x\nrejects O\n\nall I-x\n")
    for split in ("dev", "test"):
        files[split].write_text("EU\nrejects\n\nall\n")
    own = DeclaredTask(Declaration(name="slots", kind="tagging", **files))
    train, test = own.read("train"), own.read("test")
    assert test.labels is None and test.text_a == train.text_a == ("EU rejects", "all")
    assert label_array(own, test) is None
    with pytest.raises(UserError, match=r"dev.conll:1: the line has 1 column, but column 1 is wanted"):
        own.read("dev")


def test_every_tag_is_outside(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("a\tO\n")
    own = DeclaredTask(Declaration(name="slots", kind="tagging", train=tmp_path / "a.conll"))
    with pytest.raises(UserError, match=r"a.conll: no row has a label; there is nothing to learn"):
        _ = own.labels
