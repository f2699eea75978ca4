"""What the GLUE reader says of missing, malformed and officially broken files."""

import pytest
from glue_files import QQP_HALVES, QQP_HEADER, RTE_HEADER, STSB_HEADER, error_of, read_rows, write

from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.readers.known_bad_rows import QUORA_HALVES


def test_missing_file_names_folder_and_files(tmp_path):
    write(tmp_path, "mnli", "train", "x\n")
    with pytest.raises(ValueError) as caught:
        read_rows(tmp_path, "mnli", "dev")
    assert str(caught.value) == (
        f"{tmp_path}: there is no dev_matched.tsv; a MNLI folder holds train.tsv, dev_matched.tsv, "
        "dev_mismatched.tsv, test_matched.tsv, test_mismatched.tsv"
    )


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(
        ValueError, match=r"nowhere: there is no such folder; a RTE folder holds train\.tsv, dev"
    ):
        read_rows(tmp_path / "nowhere", "rte", "train")


def test_folder_of_all_tasks_is_recognised(tmp_path):
    (tmp_path / "SST-2").mkdir()
    with pytest.raises(ValueError) as caught:
        read_rows(tmp_path, "sst2", "dev")
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
            ":3: label 'neutral' is none of those that the task declares: 'entailment', 'not_entailment'",
        ),
        ("rte", RTE_HEADER + "0\tA\tB\t\n", ":2: label is empty; give every row a label"),
        ("cola", "gj04\t2\t\tA\n", ":1: label '2' is none of those that the task declares: '0', '1'"),
        ("stsb", STSB_HEADER + "A\tB\thigh\n", ":2: score 'high' is not a number"),
        ("stsb", STSB_HEADER + "A\tB\t\n", ":2: score is '', not a number"),
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
    path, error = error_of(tmp_path, task, "train", content)
    assert error == f"{path}{message}"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["7\ta", "3\tb", "3\tc"], ":4: index 3 stands on line 3 already; give every row one of its own"),
        (["7\ta", "\tb"], ":3: column 'index' is empty; give the row its index"),
    ],
)
def test_rows_of_a_test_file_that_cannot_be_told_apart_are_an_error(tmp_path, rows, message):
    path, error = error_of(tmp_path, "sst2", "test", "\n".join(["index\tsentence", *rows]))
    assert error == f"{path}{message}"


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("task", "split", "above", "line"),
    [("rte", "dev", "", 1), ("cola", "train", "", 1), ("sst2", "test", "index\tsentence\n0\ta\n", 3)],
)
def test_a_pointer_of_git_lfs_is_told_from_the_file(tmp_path, task, split, above, line):
    path, error = error_of(tmp_path, task, split, above + POINTER)
    assert error == (
        f"{path}:{line}: is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`"
    )


def test_long_header_stays_one_short_line(tmp_path):
    _, error = error_of(tmp_path, "rte", "dev", "word " * 500 + "\nA\n")
    assert len(error) < 400


def test_missing_official_mnli_label_is_anerror_of(tmp_path):
    """MultiNLI marks pairs without a majority by "-"; GLUE's files have none."""
    content = "sentence1\tsentence2\tgold_label\nA\tB\t-\n"
    _, error = error_of(tmp_path, "mnli", "dev", content)
    assert ":2: label '-' is none of those that the task declares: 'contradiction', 'entail" in error


@pytest.mark.parametrize("split", ["train", "dev"])
def test_halves_of_quora_pairs_are_skipped_and_counted(tmp_path, split, warnings):
    good = '9\t5\t6\tA "b" c\tB\t1'
    path = write(
        tmp_path, "qqp", split, QQP_HEADER + "\n".join([QQP_HALVES[0], good, *QQP_HALVES[1:]]) + "\n"
    )
    assert read_rows(tmp_path, "qqp", split) == [('A "b" c', "B", "1")]
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
    _, error = error_of(tmp_path, "qqp", "train", QQP_HEADER + "9\t5\t6\tA\tB\t1\n" + row + "\n")
    assert f":3: the row has {columns}, expected 6" in error


def test_more_halves_than_the_official_file_has_are_anerror_of(tmp_path, warnings):
    good = "9\t5\t6\tA\tB\t1\n"
    at_limit = QQP_HEADER + good + '"\tWhy?\t0\n' * 22
    write(tmp_path, "qqp", "train", at_limit)
    assert len(read_rows(tmp_path, "qqp", "train")) == 1
    assert len(warnings) == 1
    _, error = error_of(tmp_path, "qqp", "train", at_limit + '"\tWhy?\t0\n')
    assert ":3: this and 22 more rows are halves of a pair" in error
    assert "at most 22; write every row on one line, without quoting" in error


def test_file_of_halves_alone_is_anerror_of(tmp_path, warnings):
    path, error = error_of(tmp_path, "qqp", "train", QQP_HEADER + "\n".join(QQP_HALVES))
    assert error == f"{path}: every row is broken"


def test_no_other_file_may_be_skipped_in(tmp_path):
    _, error = error_of(tmp_path, "qqp", "test", 'id\tquestion1\tquestion2\n0\tA\tB\n"\tWhy?\n')
    assert ":3: the row has 2 columns, expected 3" in error
    defects = [
        (task.name, split.name) for task in GLUE_TASKS for split in task.official.files if split.defect
    ]
    assert defects == [("qqp", "train"), ("qqp", "dev")]


def test_unknown_split_names_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="task rte: there is no dev_mismatched file"):
        read_rows(tmp_path, "rte", "dev_mismatched")
