"""JSON objects in files: what is no clean JSON object is refused in one line, without harm."""

import json
import os
import re
from pathlib import Path

import pytest

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import MAX_DEPTH, dump, parse_json, read_json


def refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'a.json{message}')}$"):
        parse_json(text, "a.json")


def test_reads_what_is_dumped(tmp_path: Path) -> None:
    """Texts as they are, floats to the last bit, whole numbers whole."""
    value = {"text": "schön 日本 \U0001f600\n", "third": 1 / 3, "n": 2**62, "list": [None, True, {"a": -0.0}]}
    (tmp_path / "a.json").write_text(dump(value), encoding="utf-8")
    assert repr(read_json(tmp_path / "a.json")) == repr(value)
    assert "日本" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", ":1: not JSON: Expecting value"),
        (b'{\n"a": 1,\n\n"b" 2}', ":4: not JSON: Expecting ':' delimiter"),
        (b"[1, 2]", ": holds a JSON list, not an object"),
        (b"null", ": holds a JSON null, not an object"),
        (b'{\n"a": "\xff"}', ":2: not UTF-8 at byte 8"),
        (b'{"a": 1, "b": {"a": 2, "c": 3, "a": 4}}', ": key 'a' is given twice"),
        (b'{"metrics": {"accuracy": NaN}}', ": key 'accuracy' is nan, which is no number in JSON"),
        (b'{"a": [0, [-Infinity]]}', ": key 'a' is -inf, which is no number in JSON"),
        (b'{"a": 1e999}', ": key 'a' is inf, which is no number in JSON"),
        (rb'{"a": "\ud800"}', ": key 'a' holds half of a surrogate pair, which is no Unicode text"),
        (rb'{"\udfff": 1}', r": key '\udfff' holds half of a surrogate pair, which is no Unicode text"),
    ],
)
def test_no_clean_json_object(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(UserError, match=f"^{re.escape(f'{path}{message}')}"):
        read_json(path)


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_json(r'{"a": "\ud83d\ude00"}', "a.json") == {"a": "\U0001f600"}


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nested_too_deep(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(UserError, match=rf"^a\.json: .*is nested more than {MAX_DEPTH} levels deep$"):
        parse_json('{"a": ' + opening * depth + "0" + closing * depth + "}", "a.json")


def test_nested_as_deep_as_may_be() -> None:
    text = '{"a":' * (MAX_DEPTH - 1) + "0" + "}" * (MAX_DEPTH - 1)
    assert parse_json(text, "a.json") == json.loads(text)


def test_an_endless_number() -> None:
    with pytest.raises(UserError, match=r"^a\.json: an integer has more than 4,300 digits$"):
        parse_json('{"frozen": ' + "9" * 10_000 + "}", "a.json")


def test_a_line_of_a_longer_file() -> None:
    for text, message in (("{", "not JSON: "), ("[]", "holds a JSON list"), ('{"a": NaN}', "key 'a' is nan")):
        with pytest.raises(UserError, match=rf"^plan\.jsonl:17: {message}"):
            parse_json(text, "plan.jsonl", line=17)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'{tmp_path}/a.json: no such file')}$"):
        read_json(tmp_path / "a.json")
    with pytest.raises(UserError, match=f"^{re.escape(str(tmp_path))}: is not a file$"):
        read_json(tmp_path)


def test_a_file_without_an_end(tmp_path: Path) -> None:
    """Neither waited for nor read into memory."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"pipe: is not a file$"):
        read_json(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(2**40)  # a hole: no byte of it is on the disk
    with pytest.raises(UserError, match=r"huge: has 1,099,511,627,776 bytes, more than the 268,435,456"):
        read_json(tmp_path / "huge")


def test_nothing_is_written_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dump({"a": float("nan")})
