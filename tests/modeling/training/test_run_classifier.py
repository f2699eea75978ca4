"""run_classifier and run_distill as a user starts them: what they write, and how they refuse bad input."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_glue
from full_disk import largest_file

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import CHECKPOINT, read_record

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run_classifier")
    tiny_glue.bert_folder(root / "bert", layers=2)
    tiny_glue.rte(root / "RTE")
    return root


def status(root: Path, output_dir: Path, *extra: str) -> int:
    """Runs the script with the usual flags and those given."""
    flags = {
        "--task_name": "RTE",
        "--data_dir": str(root / "RTE"),
        "--bert_dir": str(root / "bert"),
        "--output_dir": str(output_dir),
        "--max_seq_length": "13",
        "--fine_tuning_layers": "1",
        "--train_batch_size": "7",
        "--num_train_epochs": "1",
        "--do_train": "true",
        **dict(flag.split("=", 1) for flag in extra),
    }
    argv = ["run_classifier.py", *(f"{name}={value}" for name, value in flags.items() if value != "-")]
    return command.status(run_classifier.main, run_classifier.FLAGS, argv)


@pytest.fixture
def classify(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the script into tmp_path/branch; returns exit code and the last line of stderr."""

    def run(*extra: str) -> tuple[int, str]:
        code = status(root, tmp_path / "branch", *extra)
        return code, (capsys.readouterr().err.strip().splitlines() or [""])[-1]

    return run


@pytest.fixture(scope="module")
def trained_once(root: Path) -> Path:
    flags = ("--do_eval=true", "--do_predict=true", f"--activation_cache_dir={root / 'activations'}")
    assert status(root, root / "trained", *flags) == 0
    return root / "trained"


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A branch to spoil, where `classify` writes."""
    return shutil.copytree(trained_once, tmp_path / "branch")


def test_trains_evaluates_predicts_and_distils(trained_once: Path, root: Path, tmp_path: Path) -> None:
    kept, branch = root / "activations", trained_once
    assert len(list(kept.glob("*.npy"))) == 2  # train and dev, for the student too
    results = json.loads((branch / "eval_results.json").read_text())
    assert results == read_record(branch).metrics
    rows = (branch / "RTE.tsv").read_text().splitlines()
    assert rows[0] == "index\tprediction" and len(rows) == 5
    assert {row.split("\t")[1] for row in rows[1:]} <= {"entailment", "not_entailment"}
    student = [
        "run_distill.py",
        f"--teacher={branch}",
        "--student_layers=1",
        f"--data_dir={root / 'RTE'}",
        f"--bert_config_file={root / 'bert/bert_config.json'}",
        f"--vocab_file={root / 'bert/vocab.txt'}",
        f"--init_checkpoint={root / 'bert/bert_model.ckpt'}",
        f"--output_dir={tmp_path / 'student'}",
        f"--activation_cache_dir={kept}",
        "--num_train_epochs=1",
    ]
    assert command.status(run_distill.main, run_distill.FLAGS, student) == 0
    assert len(list(kept.glob("*.npy"))) == 2
    assert read_record(tmp_path / "student").teacher_digest == read_record(branch).digest
    assert (tmp_path / "student/eval_results.json").exists()


def test_adapters_train_evaluate_and_predict(root: Path, tmp_path: Path) -> None:
    flags = ("--fine_tuning_layers=-", "--adapter_size=4", "--do_eval=true", "--do_predict=true")
    branch = tmp_path / "branch"
    assert status(root, branch, *flags) == 0
    record = read_record(branch)
    assert (record.branch.tuned, record.branch.adapter_size) == (2, 4)
    assert json.loads((branch / "eval_results.json").read_text()) == record.metrics
    assert len((branch / "RTE.tsv").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--adapter_size=33",), "--adapter_size=33 is outside 1..32, the width of this BERT"),
        (("--adapter_size=4", "--full_fine_tuning=true"), "either --adapter_size or --full_fine_tuning, not"),
        (("--adapter_size=4", "--lora_rank=2"), "either --adapter_size or --lora_rank, not both"),
    ],
)
def test_bad_adapters_are_one_line(classify: Run, tmp_path: Path, flags: list[str], message: str) -> None:
    status, line = classify("--fine_tuning_layers=-", *flags)
    assert status == 1 and line.startswith("run_classifier.py: error: ") and message in line, line
    assert not (tmp_path / "branch").exists()


def _broken(root: Path, tmp_path: Path, name: str, text: bytes) -> str:
    """A copy of the RTE folder whose train.tsv is `text`."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "dev.tsv").write_bytes((root / "RTE/dev.tsv").read_bytes())
    (folder / "train.tsv").write_bytes(text)
    return str(folder)


HEADER = b"index\tsentence1\tsentence2\tlabel\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "train.tsv: "),
        (HEADER + b"0\tone\ttwo\tentailment\n1\tone\n", "train.tsv:3: "),
        (HEADER + b"0\tone\ttwo\tmaybe\n", "train.tsv:2: label 'maybe' is none of those that the task"),
        (HEADER + b"0\tone\t\xff\tentailment\n", "train.tsv:2: "),
    ],
)
def test_a_bad_file_is_one_line(classify: Run, root: Path, tmp_path: Path, text: bytes, message: str) -> None:
    status, line = classify(f"--data_dir={_broken(root, tmp_path, 'broken', text)}")
    assert status == 1 and line.startswith("run_classifier.py: error: ") and message in line
    assert not (tmp_path / "branch").exists()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--data_dir=/nowhere/RTE", "/nowhere/RTE"),
        ("--task_name=WNLI", "there is no task 'WNLI'"),
        ("--bert_dir=/nowhere", "/nowhere/"),
        ("--bert_dir=-", "give --bert_dir, or all three files"),
        ("--fine_tuning_layers=-1", "--fine_tuning_layers=-1 is outside 0..2"),
        ("--fine_tuning_layers=3", "--fine_tuning_layers=3 is outside 0..2"),
        ("--full_fine_tuning=true", "give either --fine_tuning_layers=L or --full_fine_tuning"),
        ("--adapter_size=4", "give either --adapter_size or --fine_tuning_layers, not both"),
        ("--adapter_size=-1", "--adapter_size"),
        ("--learning_rate=-1", "--learning_rate=-1"),
        ("--max_seq_length=128", "--max_seq_length=128 is above 23"),
        ("--do_train=false", "nothing to do"),
        ("--activation_cache_gb=-1", "activation_cache_gb"),
    ],
)
def test_a_bad_flag_is_one_line(classify: Run, tmp_path: Path, flag: str, message: str) -> None:
    status, line = classify(flag)
    assert status == 1 and line.startswith("run_classifier.py: error: ") and message in line, line
    assert not (tmp_path / "branch").exists()


def test_a_precision_of_nothing_kept_is_one_line(classify: Run) -> None:
    status, line = classify("--activation_dtype=float16", "--activation_cache_gb=0")
    assert status == 1 and "--activation_cache_gb=0 has none" in line


def test_files_that_do_not_fit_each_other_are_one_line(classify: Run, root: Path, tmp_path: Path) -> None:
    config = json.loads((root / "bert/bert_config.json").read_text())
    (tmp_path / "wide.json").write_text(json.dumps({**config, "intermediate_size": 38}))
    status, line = classify(f"--bert_config_file={tmp_path / 'wide.json'}")
    assert (
        status == 1
        and "other shape: bert/encoder/layer_0/intermediate/dense/bias is [37], wanted [38]" in line
    )
    (tmp_path / "long.txt").write_text((root / "bert/vocab.txt").read_text() + "another\nword\n" * 60)
    status, line = classify(f"--vocab_file={tmp_path / 'long.txt'}")
    assert status == 1 and "long.txt" in line
    (tmp_path / "more.txt").write_text((root / "bert/vocab.txt").read_text() + "another\n" * 1)
    status, line = classify(f"--vocab_file={tmp_path / 'more.txt'}")
    assert status == 1 and "100" in line and "99" in line
    assert not (tmp_path / "branch").exists()


def test_predicting_without_a_branch_is_one_line(classify: Run, tmp_path: Path) -> None:
    status, line = classify("--do_train=false", "--do_predict=true")
    assert status == 1 and "branch.json: no such file" in line


def test_another_run_in_the_folder_is_one_line(classify: Run, trained: Path) -> None:
    status, line = classify("--learning_rate=0.001")
    assert status == 1 and "learning_rate: 5e-05, now 0.001; choose another --output_dir" in line


def test_evaluation_without_dev_is_one_line(classify: Run, trained: Path, tmp_path: Path) -> None:
    before = (trained / "eval_results.json").read_bytes()
    (tmp_path / "RTE").mkdir()
    status, line = classify(f"--data_dir={tmp_path / 'RTE'}", "--do_train=false", "--do_eval=true")
    assert status == 1 and "there is no dev.tsv" in line
    assert (trained / "eval_results.json").read_bytes() == before


def test_a_branch_whose_checkpoint_was_swapped_is_one_line(classify: Run, trained: Path) -> None:
    prefix = trained / CHECKPOINT
    tensors = checkpoint.read(prefix)
    checkpoint.write(prefix, {**tensors, "output_bias": tensors["output_bias"] + 1})
    status, line = classify("--do_train=false", "--do_eval=true")
    assert status == 1 and "not the one of its branch.json: output_bias differs" in line


def test_a_student_of_more_layers_is_one_line(
    root: Path, trained_once: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "run_distill.py",
        f"--teacher={trained_once}",
        "--student_layers=2",
        f"--data_dir={root / 'RTE'}",
        f"--bert_dir={root / 'bert'}",
        f"--output_dir={tmp_path / 'student'}",
    ]
    assert command.status(run_distill.main, run_distill.FLAGS, argv) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line == "run_distill.py: error: --student_layers=2 is outside 1..1, the teacher's tuned layers"
    assert not (tmp_path / "student").exists()


@pytest.mark.parametrize("size", [1000, 60000])
def test_a_full_disk_is_one_line_and_no_branch(classify: Run, tmp_path: Path, size: int) -> None:
    """The first size stops run.json or the first summary, the second a checkpoint."""
    with largest_file(size):
        status, line = classify()
    assert status == 1 and line.startswith("run_classifier.py: error: "), line
    assert not (tmp_path / "branch/branch.json").exists()
    assert not (tmp_path / "branch/model.ckpt.index").exists()
