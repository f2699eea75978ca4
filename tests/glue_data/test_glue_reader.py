"""The GLUE reader: every official layout, and the row counts of the real files."""

import pytest
from glue_files import read_rows, write
from hypothesis import given, settings
from hypothesis import strategies as st
from source_tree import ROOT

from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.readers.tsv import read_table
from centrabert.glue_data.task_lookup import find_task

GLUE = ROOT.parent / "shared/data/glue"

# Complete sets have GLUE's own counts; QNLI train, MNLI and QQP are samples (../shared/data/SOURCES.md).
ROWS = {
    ("cola", "train"): 8551,
    ("cola", "dev"): 1043,
    ("cola", "test"): 1063,
    ("sst2", "train"): 67349,
    ("sst2", "dev"): 872,
    ("sst2", "test"): 1821,
    ("mrpc", "train"): 3668,
    ("mrpc", "dev"): 408,
    ("mrpc", "test"): 1725,
    ("stsb", "train"): 5749,
    ("stsb", "dev"): 1500,
    ("qqp", "train"): 2000,
    ("qqp", "dev"): 7600,
    ("mnli", "train"): 12779,
    ("mnli", "dev"): 7416,
    ("qnli", "train"): 10475,
    ("qnli", "dev"): 5463,
    ("qnli", "test"): 5463,
    ("rte", "train"): 2490,
    ("rte", "dev"): 277,
    ("rte", "test"): 3000,
}

# The first lines of an official file in miniature, and what the reader makes of them. The parse columns of
# MNLI are empty, as they may be.
LAYOUTS = [
    (
        "cola",
        "train",
        "gj04\t0\t*\tMe ran.\ngj04\t1\t\tI ran.\n",
        [("Me ran.", "", "0"), ("I ran.", "", "1")],
    ),
    ("cola", "dev", "gj04\t1\t\tI ran.\n", [("I ran.", "", "1")]),
    ("cola", "test", "index\tsentence\n0\tI ran.\n", [("I ran.", "", None)]),
    ("sst2", "train", "sentence\tlabel\na dull film \t0\n", [("a dull film ", "", "0")]),
    ("sst2", "dev", "sentence\tlabel\nnice . \t1\n", [("nice . ", "", "1")]),
    ("sst2", "test", "index\tsentence\n0\tnice .\n", [("nice .", "", None)]),
    (
        "mrpc",
        "train",
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t9\t" A b\tB " a\n',
        [('" A b', 'B " a', "1")],
    ),
    ("mrpc", "dev", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t9\tA\tB\n", [("A", "B", "0")]),
    ("mrpc", "test", "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t9\tA\tB\n", [("A", "B", None)]),
    (
        "stsb",
        "train",
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tg\tf\t2012test\t0001\tnone\tnone\tA\tB\t5.000\n1\tg\tf\t2012test\t0002\tnone\tnone\tC\tD\t0\n",
        [("A", "B", 5.0), ("C", "D", 0.0)],
    ),
    (
        "stsb",
        "test",
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n"
        "0\tg\tf\t2012test\t0001\tnone\tnone\tA\tB\n",
        [("A", "B", None)],
    ),
    (
        "qqp",
        "train",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tA\tB\t1\n",
        [("A", "B", "1")],
    ),
    # An empty question occurs in Quora's release.
    ("qqp", "dev", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tA\t\t0\n", [("A", "", "0")]),
    ("qqp", "test", "id\tquestion1\tquestion2\n0\tA\tB\n", [("A", "B", None)]),
    (
        "mnli",
        "train",
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
        "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
        "0\t0n\t0n\tfiction\t\t\t\t\tA\tB\tentailment\tneutral\n",
        [("A", "B", "neutral")],
    ),
    (
        "mnli",
        "dev",
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
        "sentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
        "0\t0n\t0n\tfiction\t( A )\t( B )\t(ROOT A)\t(ROOT B)\tA\tB\tneutral\tneutral\tentailment\tneutral\t"
        "neutral\tcontradiction\n",
        [("A", "B", "contradiction")],
    ),
    (
        "mnli",
        "dev_mismatched",
        "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tA\tB\tneutral\tentailment\n",
        [("A", "B", "entailment")],
    ),
    ("mnli", "test", "index\tsentence1\tsentence2\n0\tA\tB\n", [("A", "B", None)]),
    ("mnli", "test_mismatched", "index\tsentence1\tsentence2\n0\tC\tD\n", [("C", "D", None)]),
    (
        "qnli",
        "train",
        "index\tquestion\tsentence\tlabel\n0\tA?\tB\tentailment\n",
        [("A?", "B", "entailment")],
    ),
    ("qnli", "test", "index\tquestion\tsentence\n0\tA?\tB\n", [("A?", "B", None)]),
    (
        "rte",
        "dev",
        "index\tsentence1\tsentence2\tlabel\n0\tA\tB\tnot_entailment\n",
        [("A", "B", "not_entailment")],
    ),
    ("rte", "test", "index\tsentence1\tsentence2\n0\tA\tB\n", [("A", "B", None)]),
]


@pytest.mark.parametrize(("task", "split"), ROWS)
def test_reads_every_row_of_the_real_files(task, split, warnings):
    data = find_task(task, data_root=GLUE)
    if not data.splits[split].parent.is_dir():
        pytest.skip(f"{data.splits[split].parent} is absent")
    examples = data.read(split)
    assert len(examples) == ROWS[task, split]
    assert not warnings
    assert all(text.strip() for text in examples.text_a)
    assert all(bool(text.strip()) == data.pair for text in examples.text_b)
    assert (examples.labels is None) == split.startswith("test")
    if examples.labels is None:
        assert examples.ids == tuple(map(str, range(len(examples))))  # official files count from 0
    elif data.labels:
        assert set(examples.labels) == set(data.labels)


def test_real_labels_stand_beside_their_texts():
    """Counts of RTE and MRPC that a column or row mix-up would change, and one row of each end."""
    if not GLUE.is_dir():
        pytest.skip(f"{GLUE} is absent")
    rte = read_rows(GLUE / "RTE", "rte", "dev")
    assert sum(label == "entailment" for _, _, label in rte) == 146
    assert rte[0][1:] == ("Christopher Reeve had an accident.", "not_entailment")
    mrpc = read_rows(GLUE / "MRPC", "mrpc", "dev")
    assert sum(label == "1" for _, _, label in mrpc) == 279
    stsb = read_rows(GLUE / "STS-B", "stsb", "dev")
    assert stsb[0] == ("A man with a hard hat is dancing.", "A man wearing a hard hat is dancing.", 5.0)


@pytest.mark.parametrize(("task", "split", "content", "rows"), LAYOUTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_line_end", [True, False])
def test_reads_official_layout(tmp_path, task, split, content, rows, line_end, last_line_end):
    content = content if last_line_end else content.removesuffix("\n")
    write(tmp_path, task, split, content.replace("\n", line_end))
    assert read_rows(tmp_path, task, split) == rows


def test_every_task_has_a_layout_under_test():
    assert {layout[0] for layout in LAYOUTS} == {task.name for task in GLUE_TASKS}


def test_columns_are_found_by_name(tmp_path):
    write(tmp_path, "rte", "dev", "label\tnote\tsentence2\tsentence1\nentailment\tx\tB\tA\n")
    assert read_rows(tmp_path, "rte", "dev") == [("A", "B", "entailment")]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=("Cs",))),
        min_size=1,
        max_size=7,
    )
)
def test_text_comes_back_as_it_was_written(tmp_path_factory, texts):
    """Quotes, U+2028, U+0085, form feeds and the like separate nothing."""
    folder = tmp_path_factory.mktemp("text")
    rows = "".join(f"{index}\t{text}\n" for index, text in enumerate(texts))
    write(folder, "sst2", "test", "index\tsentence\n" + rows)
    assert [text for text, _, _ in read_rows(folder, "sst2", "test")] == texts


def test_lone_carriage_return_is_text(tmp_path):
    write(tmp_path, "sst2", "test", "index\tsentence\r\n0\ta\rb\r\n")
    assert read_rows(tmp_path, "sst2", "test") == [("a\rb", "", None)]


def test_columns_keep_their_line_numbers(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n1\t2\n3\t4\n")
    table = read_table(path)
    assert (table.column("b"), table.lines) == (("2", "4"), (2, 3))
    table = read_table(path, columns=["x", "y"])
    assert (table.column("y"), table.lines) == (("b", "2", "4"), (1, 2, 3))


def test_blank_rows_where_they_are_rows(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"1\t2\n\r\n\n3\t4\n")
    assert read_table(path, ["x", "y"], blank_rows=True).column("y") == ("2", "", "", "4")
    with pytest.raises(ValueError, match=r"a\.tsv:2: the row has 1 column, expected 2"):
        read_table(path, ["x", "y"])


def test_equal_rows_have_equal_digests_and_others_do_not(tmp_path):
    def digest(content):
        write(tmp_path, "sst2", "dev", content)
        return find_task("sst2", data_dir=tmp_path).read("dev").digest

    first = digest("sentence\tlabel\na\t1\nb\t0\n")
    assert digest("note\tlabel\tsentence\r\nx\t1\ta\r\ny\t0\tb\r\n") == first
    others = ("a\t1\nb\t1\n", "b\t0\na\t1\n", "a\t1\n", "a\t1\nB\t0\n")
    assert len({first, *(digest("sentence\tlabel\n" + rows) for rows in others)}) == 5


@pytest.mark.parametrize(
    ("header", "rows", "ids"),
    [
        ("index\tsentence", ["7\ta", "3\tb", "12\tc"], ("7", "3", "12")),
        ("sentence\tindex", ["a\t7", "b\t3"], ("7", "3")),
        ("note\tidx\tsentence", ["1\tx-1\ta", "1\tx-0\tb"], ("x-1", "x-0")),
        ("ID\tsentence", ["2\ta"], ("2",)),
        ("id\tsentence\tindex", ["2\ta\t9"], ("9",)),
        ("sentence", ["a", "b"], ()),
    ],
)
def test_a_test_file_names_its_rows_itself(tmp_path, header, rows, ids):
    write(tmp_path, "sst2", "test", "\n".join([header, *rows]) + "\n")
    examples = find_task("sst2", data_dir=tmp_path).read("test")
    assert examples.ids == ids
    assert examples.row_ids == (ids or ("0", "1"))
