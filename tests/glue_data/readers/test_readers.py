"""Every format gives the rows it holds, and one line with file and line for what it cannot."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from centrabert.errors import UserError
from centrabert.glue_data.readers.conll import read_conll
from centrabert.glue_data.readers.csv_table import read_csv
from centrabert.glue_data.readers.formats import format_of
from centrabert.glue_data.readers.jsonl import read_jsonl
from centrabert.glue_data.readers.seq_files import read_seq
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.tsv import read_table
from centrabert.glue_data.readers.unlabelled_texts import read_unlabelled

LONG = " ".join(["word"] * 10_000)
CONLL = partial(read_conll, word=0, tag=1)
Read = Callable[[Path], Table]


def written(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("read", "content", "names", "rows", "lines"),
    [
        (read_table, 'text\tlabel\r\n"a\tx\r\n\ty\r\n', ["text", "label"], [['"a', "x"], ["", "y"]], [2, 3]),
        (partial(read_table, header=False), "a\tx\nb\ty\n", ["0", "1"], [["a", "x"], ["b", "y"]], [1, 2]),
        (
            read_csv,
            '\ufefftext,label\r\n"a ""quoted"", and\r\nbroken",x\r\nb,"y"\r\n',
            ["text", "label"],
            [['a "quoted", and\r\nbroken', "x"], ["b", "y"]],
            [2, 4],
        ),
        (partial(read_csv, header=False), "a,x\n,\n", ["0", "1"], [["a", "x"], ["", ""]], [1, 2]),
        (read_csv, "text,label\na\x0bb\x01\u2028c,x", ["text", "label"], [["a\x0bb\x01\u2028c", "x"]], [2]),
        (
            read_jsonl,
            '{"text": "a", "label": 1}\n{"label": ["x"], "more": {"deep": true}}\n',
            ["text", "label", "more"],
            [["a", 1, None], [None, ["x"], {"deep": True}]],
            [1, 2],
        ),
        (
            partial(read_conll, word=0, tag=3),
            "-DOCSTART- -X- -X- O\n\nEU NNP B-NP I-ORG\nrejects VBZ  B-VP O\n\n\n. . O O\n",
            ["words", "tags"],
            [(("EU", "rejects"), ("I-ORG", "O")), ((".",), ("O",))],
            [3, 7],
        ),
        (
            partial(CONLL, must_have_tags=False),
            "a B-x\nb O\n",
            ["words", "tags"],
            [(("a", "b"), ("B-x", "O"))],
            [1],
        ),
        (
            partial(CONLL, must_have_tags=False),
            "-DOCSTART- O\n\na\nb\n\nc\n",
            ["words"],
            [(("a", "b"),), (("c",),)],
            [3, 6],
        ),
        (partial(CONLL, must_have_tags=False), "a\t\nb\t\n", ["words"], [(("a", "b"),)], [1]),
        (CONLL, " \tO\na b\tB-x\n", ["words", "tags"], [((" ", "a b"), ("O", "B-x"))], [1]),
        (read_table, f"text\tlabel\n{LONG}\tx\n", ["text", "label"], [[LONG, "x"]], [2]),
    ],
)
def test_rows(
    tmp_path: Path, read: Read, content: str, names: list[str], rows: list[object], lines: list[int]
) -> None:
    expected = (tuple(names), tuple(rows), tuple(lines))
    for path in (
        written(tmp_path, content),
        written(tmp_path, gzip.compress(content.encode()), "file.gz"),
    ):
        table = read(path)
        assert (table.names, table.rows, table.lines) == expected


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_csv, 'text,label\nok,x\na "quote",x\n', ":3: a quote stands in a field that is not quoted"),
        (read_csv, 'text,label\n"a" b,x\n', ":2: text stands behind a closing quote"),
        (read_csv, 'text,label\nok,x\n"a,x\nb,x\n', ":3: a quote is never closed"),
        (read_csv, 'text,label\n"' + "a" * 200_000 + '",x\n', "more than 131,072 characters"),
        (read_csv, "text,label\na,x,y\n", ":2: the row has 3 columns, expected 2: 'text', 'label'"),
        (read_csv, "text,label\na,x\n\nb,x\n", ":3: the line is empty; remove it"),
        (read_csv, "", ": the file is empty"),
        (read_csv, "text,label\n", ": there is a header but no row"),
        (read_jsonl, '{"text": "a"}\n["a"]\n', ":2: holds a JSON list, not an object"),
        (read_jsonl, '{"text": "a"}\n \n', ":2: the line is empty; remove it"),
        (read_jsonl, '{"text": "a", "text": "b"}\n', ":1: key 'text' is given twice"),
        (read_jsonl, "{}\n", ": no row has a key"),
        (CONLL, "a\tO\nb\n", ":2: the line has 1 column, but column 1 is wanted"),
        (partial(CONLL, must_have_tags=False), "a\n\nb\tO\n", ":1: the line has 1 column, but column 1 is"),
        (read_jsonl, '{"text": "a"}\nnull\n', ":2: holds a JSON null, not an object"),
        (CONLL, "-DOCSTART- O\n\n", ": there is no sentence"),
        (read_table, b"text\tlabel\n\xff\tx\n", ":2: byte 0xff is not UTF-8"),
    ],
)
def test_refusals(tmp_path: Path, read: Read, content: str | bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 12), slice(3, None)])
def test_a_damaged_gzip_file(tmp_path: Path, cut: slice) -> None:
    path = written(tmp_path, gzip.compress(b"text\tlabel\na\tx\n" * 100)[cut], "file.tsv.gz")
    with pytest.raises(UserError, match="is no whole gzip file"):
        read_table(path)


def test_three_files_side_by_side(tmp_path: Path) -> None:
    written(tmp_path, "to new york\n\n", "seq.in")
    written(tmp_path, gzip.compress(b"O B-city I-city\n\n"), "seq.out.gz")
    table = read_seq(tmp_path)
    assert table.names == ("text", "tags")
    assert table.rows == (("to new york", "O B-city I-city"), ("", ""))
    written(tmp_path, "flight\n", "label")
    with pytest.raises(UserError, match=r"label:2: has 1 lines, but .*seq.in has 2; line by line"):
        read_seq(tmp_path)


def test_a_folder_without_texts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no seq.in; such a folder holds seq.in, seq.out, label"):
        read_seq(tmp_path)


def test_the_format_is_told_by_the_ending() -> None:
    names = {"a.tsv": "tsv", "a.b.csv.gz": "csv", "a.jsonl": "jsonl", "eng.conll.gz": "conll"}
    assert {name: format_of(Path(name)) for name in names} == names
    with pytest.raises(UserError, match=r"eng.train: its ending tells no format; name it \*.tsv, "):
        format_of(Path("eng.train"))


def test_texts_without_labels(tmp_path: Path) -> None:
    single = written(tmp_path, '\ufeffa text\r\n\r\n \nanother, "quoted"')
    assert read_unlabelled(single, pair=False) == (["a text", 'another, "quoted"'], ["", ""])
    pairs = written(tmp_path, gzip.compress(b"a\tb\nc\t\n"), "pairs.gz")
    assert read_unlabelled(pairs, pair=True) == (["a", "c"], ["b", ""])
    for file, pair, wrong in (
        (single, True, ":1: has 1 columns; the task reads two texts with a tab between them"),
        (pairs, False, ":1: has 2 columns; the task reads one text"),
        (written(tmp_path, "\n \n", "blank"), False, ": there is no text in it"),
    ):
        with pytest.raises(UserError, match=f"^{file}{wrong}$"):
            read_unlabelled(file, pair)
