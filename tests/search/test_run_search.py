"""run_search: from flags to a selection, the mistakes that it tells at once, and those that stop no other."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from search_workshop import ThisProcess, Workshop

from centrabert import command
from centrabert.modeling.branch_folder import read_record
from centrabert.search import finish, run_search
from centrabert.search.jobs import job_training
from centrabert.search.jobs.job_folder import read_specs, state
from centrabert.search.selection.selection import read_selection

Search = Callable[..., int]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("search"))


@pytest.fixture
def search(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Runs run_search on the miniature task into tmp_path; returns its exit code."""
    monkeypatch.setattr(run_search, "LocalPool", ThisProcess)
    flags = {
        "bert_dir": workshop.bert,
        "data_root": workshop.data_root,
        "tasks": "RTE",
        "fine_tuning_layers": "1,2",
        "student_layers": "1",
        "learning_rates": "3e-3",
        "num_train_epochs": "1",
        "seeds": "3",
        "max_seq_length": tiny.MAX_SEQ_LENGTH,
        "train_batch_size": 7,
        "output_dir": tmp_path / "out",
    }

    def run(**others: object) -> int:
        given = [f"--{name}={value}" for name, value in {**flags, **others}.items()]
        return command.status(run_search.main, run_search.FLAGS, ["run_search.py", *given])

    return run


def test_a_search_from_its_flags_to_its_selection(
    search: Search,
    workshop: Workshop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert search(dry_run=True) == 0
    plan = capsys.readouterr().out
    assert "rte: 3 jobs" in plan and "sure" in plan and "perhaps" in plan
    assert len((out / "plan.jsonl").read_text().splitlines()) == 2
    assert plan.endswith(f"{out}/plan.jsonl: 2 jobs\n  --index=0-1: these need no other job of the plan\n")
    assert search() == 0
    printed = capsys.readouterr().out
    assert f"report: {out}/report.html" in printed.splitlines()
    page = (out / "report.html").read_text()
    assert "What the search cost" in page and all(job.name in page for job in (out / "jobs").iterdir())
    (candidate,) = read_selection(out).chosen
    assert printed.splitlines()[-1].endswith(f"--output_dir={out}/merged")
    assert candidate.task == "rte" and Path(candidate.folder).parent.parent == out / "jobs"
    assert read_record(Path(candidate.folder)).metrics["accuracy"] == candidate.quality / 100
    assert json.loads((out / "space.json").read_text())["bert_dir"] == str(workshop.bert)
    ledger = [line.split("\t")[0] for line in (out / "ledger.tsv").read_text().splitlines()[1:]]
    assert ledger == ["done"] * 3
    merged: list[list[str]] = []

    def merge(command: list[str]) -> object:
        merged.append(command)
        Path(command[-1].removeprefix("--output_dir=")).mkdir()
        return type("Ended", (), {"returncode": 0})

    monkeypatch.setattr(finish.subprocess, "run", merge)
    monkeypatch.setattr(job_training, "_do", None)  # nothing is trained again
    moved = tmp_path / "moved"
    shutil.copytree(workshop.bert, moved / "bert")
    shutil.copytree(workshop.data_root, moved / "glue")
    (moved / "glue" / "RTE" / "NOTES.md").write_text("mine")
    assert search(bert_dir=moved / "bert", data_root=moved / "glue") == 0
    assert "left out" not in capsys.readouterr().err
    assert search(merge=True, budget_layers=3) == 0
    assert merged[0][0] == sys.executable and (out / "merged").is_dir()
    assert read_selection(out).rule == "optimum"


def test_a_task_with_bad_data_and_a_job_that_diverges_stop_no_other(
    search: Search, workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = search(tasks="cola,rte", fine_tuning_layers="1", learning_rates="3e-3,1e30", student_layers="1")
    errors = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith(("failed", "run_search"))
    ]
    assert code == 1
    assert errors == [
        f"failed: {workshop.data_root}/CoLA: there is no such folder; "
        "a CoLA folder holds train.tsv, dev.tsv, test.tsv",
        "failed: rte L=1 lr=1e+30 epochs=1 seed=3: training diverged: the loss is NaN; "
        "try a smaller learning rate",
        "run_search.py: error: 2 failed, see above; fix what failed and run the same command again to resume",
    ]
    (candidate,) = read_selection(tmp_path / "out").chosen
    assert (candidate.frozen, candidate.tuned) == (2, 1)


def test_students_of_a_search_learn_from_texts_without_labels(
    search: Search, workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text that is no pair, no file for any task and a method that has no use for it are told at once."""
    folder = tmp_path / "texts"
    folder.mkdir()
    assert search(unlabelled_dir=folder) == 1
    assert f"--unlabelled_dir={folder}: there is none of rte.tsv; centrabert" in capsys.readouterr().err
    (folder / "rte.tsv").write_text("a tree\n")
    assert search(unlabelled_dir=folder) == 1
    assert f"{folder}/rte.tsv:1: has 1 columns; the task reads two texts" in capsys.readouterr().err
    (folder / "rte.tsv").write_text("a tree\tthe old house\n")
    assert search(unlabelled_dir=folder, method="theseus") == 1
    assert "leave --unlabelled_dir out" in capsys.readouterr().err
    assert search(unlabelled_dir=folder, fine_tuning_layers="1") == 0
    (student,) = [spec for spec in read_specs(tmp_path / "out" / "jobs") if spec.kind == "student"]
    assert (student.unlabelled_file, state(tmp_path / "out" / "jobs" / student.digest)) == (
        str(folder / "rte.tsv"),
        "done",
    )


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        ({"fine_tuning_layers": "1,4"}, "--fine_tuning_layers=4 is outside 1..3, the layers of "),
        ({"fine_tuning_layers": "one"}, "--fine_tuning_layers=one is not a list of numbers, as in 1,2,3"),
        ({"bert_dir": "/nowhere"}, "/nowhere/bert_config.json: no such file; --bert_dir wants "),
        ({"data_root": "/nowhere"}, "/nowhere/RTE: there is no such folder"),
        ({"max_seq_length": 24}, "--max_seq_length=24 is above 23, the max_position_embeddings of "),
        ({"tasks": "wnli"}, "there is no task 'wnli'"),
        (
            {"activation_cache_gb": 0, "activation_dtype": "float16"},
            "--activation_dtype=float16 needs a cache; --activation_cache_gb=0 has none",
        ),
        ({"method": "minilm", "hidden_weight": 1}, "--hidden_weight is no setting of --method=minilm"),
        ({"threshold": 0}, "--threshold=0.0 is not above 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    search: Search, flags: dict[str, object], wrong: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert search(**flags) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("run_search.py: ")]
    assert wrong in line
    assert not (tmp_path / "out" / "jobs").exists()


def test_two_searches_at_once_are_refused(
    search: Search, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    with run_search.exclusive(tmp_path / "out"):
        assert search() == 1
    assert "out: another process is at work here" in capsys.readouterr().err


def test_the_case_of_texts_is_the_berts(
    search: Search, workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every job of the plan as its folder says; a flag that says otherwise is told at once."""
    base = tmp_path / "bert"
    shutil.copytree(workshop.bert, base)
    (base / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    for flags in ({}, {"do_lower_case": False}):
        assert search(dry_run=True, bert_dir=base, **flags) == 0
        plan = (tmp_path / "out/plan.jsonl").read_text().splitlines()
        assert [json.loads(line)["do_lower_case"] for line in plan] == [False] * len(plan)
    capsys.readouterr()
    assert search(dry_run=True, bert_dir=base, do_lower_case=True) == 1
    assert f"{base}/tokenizer_config.json says false" in capsys.readouterr().err
