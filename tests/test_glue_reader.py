"""The GLUE reader: every official layout, every malformed input, and the row counts of the real files."""

from pathlib import Path

import pytest
from absl import logging
from hypothesis import given, settings
from hypothesis import strategies as st

from centrabert.glue_data.defect import QUORA_HALVES, KnownDefect
from centrabert.glue_data.example import Example
from centrabert.glue_data.metrics import METRICS
from centrabert.glue_data.reader import read
from centrabert.glue_data.tasks import TASKS, GlueTask, glue_task
from centrabert.glue_data.tsv import read_rows

GLUE = Path(__file__).parents[1] / "../shared/data/glue"

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

FILES = {
    ("mnli", "dev"): "dev_matched.tsv",
    ("mnli", "dev_mismatched"): "dev_mismatched.tsv",
    ("mnli", "test"): "test_matched.tsv",
    ("mnli", "test_mismatched"): "test_mismatched.tsv",
}

RTE_HEADER = "index\tsentence1\tsentence2\tlabel\n"
STSB_HEADER = "sentence1\tsentence2\tscore\n"
QQP_HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
# Two pairs of the form that Quora's release breaks: in the first question, and in the second.
QQP_HALVES = ['7\t1\t2\t"How', '"\tWhy?\t0', '8\t3\t4\tWho?\t"Where', 'and when?"\t0']


def _write(folder: Path, task: str, split: str, content: str | bytes) -> Path:
    path = folder / FILES.get((task, split), f"{split}.tsv")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _error(folder: Path, task: str, split: str, content: str | bytes) -> tuple[Path, str]:
    """The file and the one line that reading it raises."""
    path = _write(folder, task, split, content)
    with pytest.raises(ValueError) as caught:
        read(glue_task(task), folder, split)
    assert "\n" not in str(caught.value)
    return path, str(caught.value)


@pytest.fixture
def warnings(monkeypatch):
    """What is logged as a warning."""
    seen: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: seen.append(text % values))
    return seen


@pytest.mark.parametrize(("task", "split"), ROWS)
def test_reads_every_row_of_the_real_files(task, split, warnings):
    folder = GLUE / glue_task(task).folder
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    examples = read(glue_task(task), folder, split)
    assert len(examples) == ROWS[task, split]
    assert not warnings
    assert all(example.text_a.strip() for example in examples)
    assert all(bool(example.text_b.strip()) == glue_task(task).pair for example in examples)
    labels = {example.label for example in examples}
    assert (labels == {None}) == split.startswith("test")
    if None not in labels and glue_task(task).labels:
        assert labels == set(glue_task(task).labels)


def test_real_labels_stand_beside_their_texts():
    """Counts of RTE and MRPC that a column or row mix-up would change, and one row of each end."""
    if not GLUE.is_dir():
        pytest.skip(f"{GLUE} is absent")
    rte = read(glue_task("rte"), GLUE / "RTE", "dev")
    assert sum(example.label == "entailment" for example in rte) == 146
    assert (rte[0].text_b, rte[0].label) == ("Christopher Reeve had an accident.", "not_entailment")
    mrpc = read(glue_task("mrpc"), GLUE / "MRPC", "dev")
    assert sum(example.label == "1" for example in mrpc) == 279
    stsb = read(glue_task("stsb"), GLUE / "STS-B", "dev")
    assert stsb[0] == Example(
        "A man with a hard hat is dancing.", "A man wearing a hard hat is dancing.", 5.0
    )


@pytest.mark.parametrize(("task", "split", "content", "rows"), LAYOUTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_line_end", [True, False])
def test_reads_official_layout(tmp_path, task, split, content, rows, line_end, last_line_end):
    content = content if last_line_end else content.removesuffix("\n")
    _write(tmp_path, task, split, content.replace("\n", line_end))
    assert read(glue_task(task), str(tmp_path), split) == [Example(*row) for row in rows]


def test_every_task_has_a_layout_under_test():
    assert {layout[0] for layout in LAYOUTS} == {task.name for task in TASKS}


def test_columns_are_found_by_name(tmp_path):
    _write(tmp_path, "rte", "dev", "label\tnote\tsentence2\tsentence1\nentailment\tx\tB\tA\n")
    assert read(glue_task("rte"), tmp_path, "dev") == [Example("A", "B", "entailment")]


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
    _write(folder, "sst2", "test", "index\tsentence\n" + rows)
    assert [example.text_a for example in read(glue_task("sst2"), folder, "test")] == texts


def test_lone_carriage_return_is_text(tmp_path):
    _write(tmp_path, "sst2", "test", "index\tsentence\r\n0\ta\rb\r\n")
    assert read(glue_task("sst2"), tmp_path, "test") == [Example("a\rb")]


def test_missing_file_names_folder_and_files(tmp_path):
    _write(tmp_path, "mnli", "train", "x\n")
    with pytest.raises(ValueError) as caught:
        read(glue_task("mnli"), tmp_path, "dev")
    assert str(caught.value) == (
        f"{tmp_path}: there is no dev_matched.tsv; a MNLI folder holds train.tsv, dev_matched.tsv, "
        "dev_mismatched.tsv, test_matched.tsv, test_mismatched.tsv"
    )


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(
        ValueError, match=r"nowhere: there is no such folder; a RTE folder holds train\.tsv, dev"
    ):
        read(glue_task("rte"), tmp_path / "nowhere", "train")


def test_folder_of_all_tasks_is_recognised(tmp_path):
    (tmp_path / "SST-2").mkdir()
    with pytest.raises(ValueError) as caught:
        read(glue_task("sst2"), tmp_path, "dev")
    assert str(caught.value) == f"{tmp_path}: there is no dev.tsv; did you mean {tmp_path / 'SST-2'}?"


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("rte", "", ": the file is empty"),
        ("cola", "", ": the file is empty"),
        ("rte", "\ufeff", ": the file is empty"),
        ("rte", RTE_HEADER, ": there is a header but no row"),
        (
            "rte",
            "index\tsentence1\tsentence2\n0\tA\tB\n",
            ":1: there is no column 'label', only 'index', 'sentence1', 'sentence2'",
        ),
        (
            "rte",
            "sentence1\tsentence1\tsentence2\tlabel\nA\tA\tB\tentailment\n",
            ":1: column 'sentence1' occurs twice in 'sentence1', 'sentence1', 'sentence2', 'label'",
        ),
        (
            "rte",
            RTE_HEADER + "0\tA\tB\tentailment\n1\tA\tB\n",
            ":3: the row has 3 columns, expected 4: 'index', 'sentence1', 'sentence2', 'label'",
        ),
        (
            "rte",
            RTE_HEADER + "0\tA\tB\tentailment\textra\n",
            ":2: the row has 5 columns, expected 4: 'index', 'sentence1', 'sentence2', 'label'",
        ),
        (
            "rte",
            RTE_HEADER + "0\tA\tB\tentailment\n\n",
            ":3: the row has 1 column, expected 4: 'index', 'sentence1', 'sentence2', 'label'",
        ),
        (
            "cola",
            "gj04\t1\t\tA\ngj04\t1\tA\n",
            ":2: the row has 3 columns, expected 4: 'source', 'label', 'star', 'sentence'",
        ),
        (
            "cola",  # a copy with a header, as some sites have it
            "sentence\tlabel\nA\t1\n",
            ":1: the row has 2 columns, expected 4: 'source', 'label', 'star', 'sentence'",
        ),
        (
            "rte",
            RTE_HEADER + "0\tA\tB\tentailment\n1\tA\tB\tneutral\n",
            ":3: label 'neutral' is none of entailment, not_entailment",
        ),
        ("rte", RTE_HEADER + "0\tA\tB\t\n", ":2: label '' is none of entailment, not_entailment"),
        ("cola", "gj04\t2\t\tA\n", ":1: label '2' is none of 0, 1"),
        ("stsb", STSB_HEADER + "A\tB\thigh\n", ":2: score 'high' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\t\n", ":2: score '' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\tnan\n", ":2: score 'nan' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\tinf\n", ":2: score 'inf' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\t0_1\n", ":2: score '0_1' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\t5\nA\tB\t5.001\n", ":3: score 5.001 is not between 0 and 5"),
        ("stsb", STSB_HEADER + "A\tB\t-0.5\n", ":2: score -0.5 is not between 0 and 5"),
        (
            "rte",
            (RTE_HEADER + "0\tA\tB\tentailment\n1\tcafé\tB\tentailment\n").encode("latin-1"),
            ":3: byte 0xe9 is not UTF-8; save the file as UTF-8",
        ),
        (
            "rte",
            (RTE_HEADER + "0\tA\tB\tentailment\n").encode("utf-16"),
            ":1: byte 0xff is not UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_malformed_file_is_named_with_its_line(tmp_path, task, content, message):
    path, error = _error(tmp_path, task, "train", content)
    assert error == f"{path}{message}"


def test_long_header_stays_one_short_line(tmp_path):
    _, error = _error(tmp_path, "rte", "dev", "word " * 500 + "\nA\n")
    assert len(error) < 400


def test_missing_official_mnli_label_is_an_error(tmp_path):
    """MultiNLI marks pairs without a majority by "-"; GLUE's files have none."""
    content = "sentence1\tsentence2\tgold_label\nA\tB\t-\n"
    _, error = _error(tmp_path, "mnli", "dev", content)
    assert error.endswith(":2: label '-' is none of contradiction, entailment, neutral")


@pytest.mark.parametrize("split", ["train", "dev"])
def test_halves_of_quora_pairs_are_skipped_and_counted(tmp_path, split, warnings):
    good = '9\t5\t6\tA "b" c\tB\t1'
    path = _write(
        tmp_path, "qqp", split, QQP_HEADER + "\n".join([QQP_HALVES[0], good, *QQP_HALVES[1:]]) + "\n"
    )
    assert read(glue_task("qqp"), tmp_path, split) == [Example('A "b" c', "B", "1")]
    assert warnings == [f"{path}: skipped 4 rows that are {QUORA_HALVES.what}: lines 2, 4, 5, 6"]


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ("7\t1\t2\tHow?\tWhy?", "5 columns"),  # no open quote: cut off, not broken by a line break
        ('7\t1\t2\t"How?"\tWhy?', "5 columns"),
        ("", "1 column"),
        ('7\t1\t2\t"How?\tWhy?\t0\textra', "7 columns"),
    ],
)
def test_other_short_rows_of_qqp_are_errors(tmp_path, row, columns):
    _, error = _error(tmp_path, "qqp", "train", QQP_HEADER + "9\t5\t6\tA\tB\t1\n" + row + "\n")
    assert f":3: the row has {columns}, expected 6" in error


def test_more_halves_than_the_official_file_has_are_an_error(tmp_path, warnings):
    good = "9\t5\t6\tA\tB\t1\n"
    at_limit = QQP_HEADER + good + '"\tWhy?\t0\n' * 22
    _write(tmp_path, "qqp", "train", at_limit)
    assert len(read(glue_task("qqp"), tmp_path, "train")) == 1
    assert len(warnings) == 1
    _, error = _error(tmp_path, "qqp", "train", at_limit + '"\tWhy?\t0\n')
    assert ":3: this and 22 more rows are halves of a pair" in error
    assert "at most 22; write every row on one line, without quoting" in error


def test_file_of_halves_alone_is_an_error(tmp_path, warnings):
    path, error = _error(tmp_path, "qqp", "train", QQP_HEADER + "\n".join(QQP_HALVES))
    assert error == f"{path}: every row is broken"


def test_no_other_file_may_be_skipped_in(tmp_path):
    _, error = _error(tmp_path, "qqp", "test", 'id\tquestion1\tquestion2\n0\tA\tB\n"\tWhy?\n')
    assert ":3: the row has 2 columns, expected 3" in error
    defects = [(task.name, split.name) for task in TASKS for split in task.splits if split.defect]
    assert defects == [("qqp", "train"), ("qqp", "dev")]


def test_unknown_split_names_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="task rte has no split 'dev_mismatched'; it has train, dev, test"):
        read(glue_task("rte"), tmp_path, "dev_mismatched")


def test_rows_keep_their_line_numbers(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n1\t2\n3\t4\n")
    assert read_rows(path, ["b"]) == [(2, ("2",)), (3, ("4",))]
    assert read_rows(path, ["y", "x"], columns=["x", "y"])[0] == (1, ("b", "a"))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("MRPC", "mrpc"),
        ("SST-2", "sst2"),
        ("sst_2", "sst2"),
        ("STS-B", "stsb"),
        ("sts-b", "stsb"),
        ("CoLA", "cola"),
        ("MNLI", "mnli"),
        ("QNLI", "qnli"),
        ("RTE", "rte"),
        ("QQP", "qqp"),
    ],
)
def test_task_is_found_by_glue_spelling(spelling, name):
    assert glue_task(spelling).name == name
    assert glue_task(glue_task(name).folder) is glue_task(name)


def test_unknown_task_names_those_there_are():
    with pytest.raises(ValueError) as caught:
        glue_task("WNLI")
    assert str(caught.value) == (
        "unknown GLUE task 'WNLI'; known are cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte"
    )


def test_specs_are_as_in_bert_and_the_paper():
    """Kind, labels in order, pair and the metric of Table 1."""
    seen = {
        task.name: (task.spec().kind, task.spec().labels, task.spec().pair, task.spec().metric)
        for task in TASKS
    }
    binary, entailment = ("0", "1"), ("entailment", "not_entailment")
    assert seen == {
        "cola": ("classification", binary, False, "matthews"),
        "sst2": ("classification", binary, False, "accuracy"),
        "mrpc": ("classification", binary, True, "accuracy"),
        "stsb": ("regression", (), True, "pearson"),
        "qqp": ("classification", binary, True, "accuracy"),
        "mnli": ("classification", ("contradiction", "entailment", "neutral"), True, "accuracy"),
        "qnli": ("classification", entailment, True, "accuracy"),
        "rte": ("classification", entailment, True, "accuracy"),
    }


def test_spec_takes_length_and_pooling():
    spec = glue_task("rte").spec(max_seq_length=37, pooling="mean")
    assert (spec.max_seq_length, spec.pooling) == (37, "mean")
    assert (glue_task("rte").spec().max_seq_length, glue_task("rte").spec().pooling) == (128, "cls")


def test_every_metric_of_a_task_exists():
    assert {metric for task in TASKS for metric in task.metrics} == set(METRICS)


@pytest.mark.parametrize(
    "wrong",
    [{"texts": ()}, {"texts": ("a", "b", "c")}, {"metrics": ()}, {"labels": ()}, {"score_range": (0.0, 1.0)}],
)
def test_task_that_contradicts_itself_is_refused(wrong):
    right = {
        "name": "toy",
        "folder": "Toy",
        "splits": (),
        "texts": ("a",),
        "label": "y",
        "labels": ("0", "1"),
        "metrics": ("f1",),
    }
    GlueTask(**right)
    with pytest.raises(ValueError, match="task toy"):
        GlueTask(**{**right, **wrong})


def test_label_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="nan"):
        Example("A", "B", float("nan"))


def test_defect_of_no_rows_is_refused():
    with pytest.raises(ValueError, match="0 rows"):
        KnownDefect("nothing", lambda fields: False, 0)
