"""`centrabert import`: from a checkpoint and the data of the original code to a branch that merges."""

from pathlib import Path

import numpy as np
import numpy_bert
import pytest
import tiny
from original_files import branch_tensors, logits, write_checkpoint, write_rows

from centrabert import command
from centrabert.merge import run_import
from centrabert.merge.merge_branches import merge
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN, BranchRecord, read_record
from centrabert.modeling.golden_file import read_golden

TEACHER, STUDENT = branch_tensors("rte", [2, 3, 4], 2), branch_tensors("student/rte", [2], 2)
TAGGING = branch_tensors("qq-tagging", [1, 2], 5, softmax=True)
QUERIES = ("dog", "a fine", "xyz", "the red", "on", "ab", "one two", "q", "good book", "in")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base, model.ckpt-382 and the data files of both tasks."""
    root = tmp_path_factory.mktemp("import")
    base = tiny.bert_folder(root / "base")
    write_checkpoint(root / "model.ckpt-382", base, TEACHER, STUDENT, TAGGING)
    rows = [
        {"query": a, "another_query": b, "intent": ("yes", "no")[number % 2]}
        for number, (a, b) in enumerate(zip(QUERIES, reversed(QUERIES), strict=True))
    ]
    write_rows(root / "rte.txt", rows)
    letters = [query.replace(" ", "") for query in QUERIES]
    tags = [["B-x", *["I-x"] * (len(query) - 1)] for query in letters]
    rows = [{"query": a, "tags": b} for a, b in zip(letters, tags, strict=True)]
    write_rows(root / "tagging.txt", rows)
    return root


def run(root: Path, output_dir: Path, *flags: str) -> int:
    shared = [
        f"--checkpoint={root / 'model.ckpt-382'}",
        f"--bert_dir={root / 'base'}",
        f"--max_seq_length={tiny.MAX_SEQ_LENGTH}",
        "--data_format=centrabert",
        f"--output_dir={output_dir}",
    ]
    return command.status(run_import.main, run_import.FLAGS, ["import", *shared, *flags])


def rte(root: Path, output_dir: Path, *flags: str) -> int:
    file = root / "rte.txt"
    data = (f"--train_file={file}", f"--dev_file={file}", "--text_b_column=another_query")
    return run(root, output_dir, "--task_name=rte", *data, *flags)


@pytest.fixture(scope="module")
def student(root: Path) -> BranchRecord:
    assert rte(root, root / "student", "--scope=student/rte", "--labels=yes,no") == 0
    return read_record(root / "student")


def test_a_student_answers_as_the_original(root: Path, student: BranchRecord) -> None:
    """Its golden answers and its metrics are those of the original's graph, computed in NumPy."""
    spec, tokenizer = student.branch.task, BertFolder.at(root / "base").tokenizer()
    assert (student.branch.frozen, student.branch.tuned, spec.labels) == (2, 1, ("yes", "no"))
    golden = read_golden(root / "student" / GOLDEN, spec)
    assert len(golden.text_a) == 8
    ids, segments = tokenizer.encode(golden.text_a, golden.text_b, spec.max_seq_length)
    theirs = numpy_bert.softmax(logits(root / "base", STUDENT, ids.numpy(), segments.numpy()))
    assert np.abs(golden.outputs["probabilities"] - theirs[:, ::-1]).max() < 1e-5  # there: no, yes
    ids, segments = tokenizer.encode(QUERIES, QUERIES[::-1], spec.max_seq_length)
    decided = logits(root / "base", STUDENT, ids.numpy(), segments.numpy()).argmax(1)
    right = float(
        np.mean([("no", "yes")[each] == ("yes", "no")[row % 2] for row, each in enumerate(decided)])
    )
    assert student.metrics["accuracy"] == pytest.approx(right)
    assert len(set(decided.tolist())) == 2, "texts get different labels"


def test_a_student_knows_its_teacher_and_merges(root: Path, student: BranchRecord, tmp_path: Path) -> None:
    assert rte(root, tmp_path / "teacher", "--labels=yes,no") == 0
    teacher = read_record(tmp_path / "teacher")
    assert (teacher.branch.frozen, teacher.branch.tuned, teacher.teacher_digest) == (2, 3, None)
    assert student.teacher_digest == teacher.digest
    assert student.hyperparameters == {"imported_from": "model.ckpt-382: student/rte"}
    merge(root / "base", [root / "student"], tmp_path / "merged")
    stored = checkpoint.read(tmp_path / "merged" / "merged_model.ckpt")
    layer = "bert/encoder/layer_2/output/dense/kernel"
    assert np.array_equal(stored[f"rte/{layer}"], STUDENT[f"student/rte/{layer}"])


def test_a_tagging_without_data_to_train(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A test file and declared types are enough; then there are no metrics."""
    flags = ("--task_name=slots", "--scope=qq-tagging", f"--test_file={root / 'tagging.txt'}")
    assert run(root, tmp_path / "a", *flags, "--kind=tagging", "--labels=x") == 0
    assert "the tags [CLS] and [SEP] are left out" in caplog.text
    record = read_record(tmp_path / "a")
    assert (record.branch.task.labels, record.metrics) == (("O", "B-x", "I-x"), {})
    golden = read_golden(tmp_path / "a" / GOLDEN, record.branch.task)
    tokenizer = BertFolder.at(root / "base").tokenizer()
    pieces = [" ".join(text) for text in golden.text_a]  # one piece a letter
    ids, segments = tokenizer.encode(pieces, [""] * len(pieces), tiny.MAX_SEQ_LENGTH)
    theirs = logits(root / "base", TAGGING, ids.numpy(), segments.numpy())[:, 1:, :3]  # O, B-x, I-x first
    for row, text in enumerate(golden.text_a):
        scores = numpy_bert.softmax(theirs[row, : len(text)])
        assert golden.outputs["tags"][row, : len(text)].tolist() == [
            record.branch.task.labels[place] for place in scores.argmax(1)
        ]
        assert np.abs(golden.outputs["tag_scores"][row, : len(text)] - scores.max(1)).max() < 1e-5


def test_another_base_is_refused_and_nothing_is_left(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny.bert_folder(tmp_path / "other", seed=5)
    assert rte(root, tmp_path / "a", f"--bert_dir={other}") == 1
    assert "did not grow on" in (told := capsys.readouterr().err)
    assert "bert/embeddings/LayerNorm/beta differs by up to" in told
    assert not (tmp_path / "a").exists()
    assert rte(root, tmp_path / "a", f"--dev_file={tmp_path / 'none'}") == 1
    assert f"{tmp_path / 'none'}: no such file, dev of task rte" in capsys.readouterr().err


def test_checkpoint_of_a_branch_is_whole(root: Path, student: BranchRecord) -> None:
    owned = checkpoint.read(root / "student" / CHECKPOINT)
    assert owned.keys() == student.variables.keys()
    assert np.array_equal(owned["output_bias"], STUDENT["student/rte/output_bias"][::-1])
