"""Tasks of one's own, declared by flags, by a folder or in a YAML file: trained, distilled and predicted."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_glue
from search_workshop import ThisProcess
from seqeval.metrics import accuracy_score, f1_score

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.errors import UserError
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.branch_folder import read_record
from centrabert.search import run_search
from centrabert.search.jobs.job_folder import read_specs
from centrabert.search.jobs.job_spec import read_plan
from centrabert.search.selection.selection import read_selection
from centrabert.task_flags import TaskFlags

MOODS = ("dull", "fine", "good/very good")
SIZES = {"fine_tuning_layers": 1, "max_seq_length": tiny.MAX_SEQ_LENGTH, "train_batch_size": 7}
TRAINING = {"learning_rate": 3e-3, "num_train_epochs": 4, "do_train": True, "do_eval": True}
Start = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT, and CSV files of which the first word tells the mood."""
    root = tmp_path_factory.mktemp("moods")
    tiny_glue.bert_folder(root / "bert", layers=2)
    random = np.random.default_rng(5)
    for split, rows in {"train": 60, "test": 7}.items():
        with (root / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["mood", "review, in words"])
            for row in range(rows):
                mood = MOODS[row % 3]
                word = mood.split("/")[0]
                writer.writerow([mood, f'{word} {word}, {random.choice(tiny.WORDS)}\n"today"'])
    (root / "tasks.yaml").write_text(
        "tasks:\n"
        "  mood:\n"
        "    kind: classification\n"
        "    train: train.csv\n"
        "    test: test.csv\n"
        "    dev_fraction: 0.2\n"
        "    text: review, in words\n"
        "    label: mood\n"
        f"    max_seq_length: {tiny.MAX_SEQ_LENGTH}\n"
    )
    return root


@pytest.fixture
def start(root: Path, capsys: pytest.CaptureFixture[str]) -> Start:
    """Runs a script; returns its exit code and the last line of stderr."""

    def run(script: Any, **given: object) -> tuple[int, str]:
        argv = [f"--{name}={value}" for name, value in {"bert_dir": root / "bert", **given}.items()]
        code = command.status(script.main, script.FLAGS, [script.__name__, *argv])
        return code, (capsys.readouterr().err.strip().splitlines() or [""])[-1]

    return run


@pytest.fixture(scope="module")
def trained(root: Path) -> Path:
    """A branch that flags alone declare the task of."""
    flags = {
        "bert_dir": root / "bert",
        "task_name": "mood",
        "output_dir": root / "teacher",
        **SIZES,
        **TRAINING,
    }
    files = {"train_file": root / "train.csv", "test_file": root / "test.csv", "dev_fraction": 0.2}
    columns = {"text_column": "review, in words", "label_column": "mood", "do_predict": True}
    argv = [f"--{name}={value}" for name, value in {**flags, **files, **columns}.items()]
    assert command.status(run_classifier.main, run_classifier.FLAGS, ["run_classifier", *argv]) == 0
    return root / "teacher"


def test_flags_declare_a_task(trained: Path) -> None:
    record = read_record(trained)
    assert record.branch.task.labels == MOODS
    assert record.metrics["accuracy"] > 0.6  # of three moods: it read labels and texts together
    header, *rows = [line.split("\t") for line in (trained / "predictions.tsv").read_text().splitlines()]
    assert header == ["text", "prediction", "probability"]
    assert len(rows) == 7 and all("\n" not in text and text.endswith(' "today"') for text, _, _ in rows)
    right = [mood == MOODS[row % 3] for row, (_, mood, _) in enumerate(rows)]
    assert json.loads((trained / "test_results.json").read_text())["accuracy"] == sum(right) / 7
    assert all(1 / 3 < float(probability) <= 1 for _, _, probability in rows)


def test_a_yaml_file_declares_the_same_task(root: Path, trained: Path, tmp_path: Path, start: Start) -> None:
    """The run in the folder goes on, or rather has ended: what decides it is the same."""
    given = {
        "task_name": "mood",
        "task_config": root / "tasks.yaml",
        "output_dir": trained,
        **SIZES,
        **TRAINING,
    }
    del given["max_seq_length"]
    assert start(run_classifier, **given)[0] == 0
    student = {"teacher": trained, "student_layers": 1, "task_config": root / "tasks.yaml"}
    assert start(run_distill, output_dir=tmp_path / "student", num_train_epochs=1, **student)[0] == 0
    assert read_record(tmp_path / "student").branch.task == read_record(trained).branch.task


def test_labels_of_a_branch_are_never_scanned_again(
    root: Path, trained: Path, tmp_path: Path, start: Start
) -> None:
    dev = tmp_path / "dev.csv"
    dev.write_text('mood,"review, in words"\nfine,fine film\nawful,dull film\n')
    flags = {"task_name": "mood", "output_dir": trained, "text_column": "review, in words", "dev_file": dev}
    given = {**flags, "label_column": "mood", "do_eval": True}  # the length, too, is the branch's
    code, line = start(run_classifier, **given)
    assert code == 1 and f"{dev}:3: label 'awful' is none of those that train has: 'dull', 'fine'" in line
    dev.write_text('mood,"review, in words"\nfine,fine film\n')  # no train file anywhere
    assert start(run_classifier, **given)[0] == 0


def test_the_length_of_a_branch_wherever_it_is(trained: Path, tmp_path: Path) -> None:
    """In --output_dir or beside --init_checkpoint; a flag comes first, and training goes by the task."""
    task = find_task("rte", data_dir=tmp_path)
    for given, do_train, length in ((None, False, tiny.MAX_SEQ_LENGTH), (7, False, 7), (None, True, 128)):
        run = SimpleNamespace(max_seq_length=given, do_train=do_train)
        assert run_classifier._length(run, task, [tmp_path, trained]) == length


def test_a_folder_with_text_and_label_needs_flags_only_for_more(
    root: Path, tmp_path: Path, start: Start
) -> None:
    for split, rows in {"train": 14, "dev": 7}.items():
        lines = [f"{MOODS[row % 2]} film\t{MOODS[row % 2]}" for row in range(rows)]
        (tmp_path / f"{split}.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n")
    flags = {"class_weights": "balanced", "label_smoothing": 0.1, "do_train": True, "num_train_epochs": 1}
    flags |= {"metric": "auc"}
    given = {
        "task_name": "film_moods",
        "data_dir": tmp_path,
        "output_dir": tmp_path / "out",
        **SIZES,
        **flags,
    }
    assert start(run_classifier, **given)[0] == 0
    record = read_record(tmp_path / "out")
    assert record.branch.task.labels == MOODS[:2]
    assert record.hyperparameters["class_weights"] == ["balanced"]
    assert list(record.metrics) == ["auc", "accuracy", "macro_f1"] and 0 <= record.metrics["auc"] <= 1
    code, line = start(run_classifier, **{**given, "class_weights": "dull:2,fine:1"})
    assert code == 1 and "hyperparameters.class_weights: ['balanced'], now ['dull:2', 'fine:1']" in line
    code, line = start(run_classifier, **{**given, "class_weights": "dull:2"})
    assert code == 1 and "--class_weights: 'fine' has no weight; give one for each label" in line


def test_slots_in_the_files_of_atis(root: Path, tmp_path: Path, start: Start) -> None:
    random = np.random.default_rng(7)
    for split, rows in {"train": 28, "valid": 7, "test": 5}.items():
        (tmp_path / split).mkdir()
        texts = [[*random.choice(["the", "small", "old"], row % 3), "red", "dog"] for row in range(rows)]
        tags = [["O"] * (len(words) - 2) + ["B-animal", "I-animal"] for words in texts]
        for name, lines in {"seq.in": texts, "seq.out": tags}.items():
            (tmp_path / split / name).write_text("".join(f"{' '.join(line)}\n" for line in lines))
    (tmp_path / "test/seq.out").write_text(
        "B-bird I-bird\n" + (tmp_path / "test/seq.out").read_text().split("\n", 1)[1]
    )
    flags = {"task_name": "slots", "data_dir": tmp_path, "kind": "tagging", "data_format": "seq"}
    given = {**flags, **SIZES, **TRAINING, "do_predict": True, "output_dir": tmp_path / "out"}
    assert start(run_classifier, **given)[0] == 0
    assert read_record(tmp_path / "out").branch.task.split == "whitespace"
    header, *rows = [line.split("\t") for line in (tmp_path / "out/predictions.tsv").read_text().splitlines()]
    assert header == ["text", "prediction", "probability"]
    assert [text for text, _, _ in rows] == (tmp_path / "test/seq.in").read_text().splitlines()
    predicted = [tags.split() for _, tags, _ in rows]
    wanted = [line.split() for line in (tmp_path / "test/seq.out").read_text().splitlines()]
    results = json.loads((tmp_path / "out/test_results.json").read_text())
    assert results["entity_f1"] == pytest.approx(f1_score(wanted, predicted))
    assert results["entity_f1"] > 0.5
    assert results["tag_accuracy"] == accuracy_score(wanted, predicted)


def test_a_search_takes_all_tasks_of_a_file(
    root: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_search, "LocalPool", ThisProcess)
    lists = {"fine_tuning_layers": 1, "student_layers": 1, "seeds": 3, "learning_rates": 3e-3}
    given = {**lists, "num_train_epochs": 1, "train_batch_size": 7, "output_dir": tmp_path / "out"}
    assert start(run_search, task_config=root / "tasks.yaml", **given)[0] == 0
    (chosen,) = read_selection(tmp_path / "out").chosen
    task = read_record(Path(chosen.folder)).branch.task
    assert (task.name, task.labels, task.max_seq_length) == ("mood", MOODS, tiny.MAX_SEQ_LENGTH)
    first = {spec.data_digest for spec in read_specs(tmp_path / "out/jobs")}
    other = tmp_path / "other.yaml"  # the same rows, but another metric
    other.write_text(
        (root / "tasks.yaml").read_text().replace(": t", f": {root}/t") + "    metric: macro_f1\n"
    )
    assert start(run_search, task_config=other, dry_run=True, **given)[0] == 0
    planned = read_plan(tmp_path / "out/plan.jsonl")
    assert planned and first.isdisjoint(spec.data_digest for spec in planned)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "give either --data_root, for tasks of GLUE, or --task_config"),
        ({"data_root": "glue"}, "missing --tasks"),
        ({"data_root": "glue", "tasks": ""}, "missing --tasks"),
        ({"task_config": "tasks.txt"}, "--task_config=tasks.txt is not named as a YAML file is: *.yaml"),
        ({"task_config": "{root}/none.yaml"}, "none.yaml: no such file"),
        ({"task_config": "{root}/tasks.yaml", "tasks": "rte"}, "there is no task 'rte'; the tasks are mood"),
    ],
)
def test_a_search_tells_what_is_missing(
    root: Path, tmp_path: Path, start: Start, flags: dict[str, str], message: str
) -> None:
    given = {name: value.format(root=root) for name, value in flags.items()}
    code, line = start(run_search, fine_tuning_layers=1, output_dir=tmp_path / "out", **given)
    assert code == 1 and message in line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "give one of --data_dir, --task_config, and --train_file with --dev_file: none was given"),
        ({"data_dir": "x", "task_config": "y"}, "more than one was given"),
        ({"task_config": "tasks.yaml", "kind": "regression"}, "--kind: tasks.yaml declares the task"),
        ({"task_config": "tasks"}, "--task_config=tasks is not named as a YAML file is: *.yaml"),
        ({"task_config": "{root}/tasks.yaml", "task_name": "x"}, "there is no task 'x'; the tasks are mood"),
        ({"train_file": "x.csv"}, "x.csv: no such file, train of task mood"),
        (
            {"train_file": "{root}/train.csv", "text_column": "review"},
            "train.csv:1: there is no column 'review'",
        ),
        ({"train_file": "{root}/train.csv", "metric": "f3"}, "--metric: 'f3' is not for a classification"),
        (
            {"train_file": "a.tsv", "dev_file": "b.tsv", "dev_fraction": 0.1},
            "--dev_fraction: there is a dev file",
        ),
        ({"train_file": "a.tsv", "task_name": "Mood"}, "--task_name: task name 'Mood' is not of the form"),
        ({"data_dir": "{root}/none"}, "none: there is no such folder, for the files of task 'mood'"),
        ({"data_dir": "{root}", "task_name": "ret"}, "there is no task 'ret'; the tasks are cola, "),
    ],
)
def test_a_mistake_is_one_line(
    root: Path, tmp_path: Path, start: Start, flags: dict[str, Any], message: str
) -> None:
    given = {"task_name": "mood", "output_dir": tmp_path / "out", **SIZES, "do_train": True, **flags}
    given = {name: str(value).format(root=root) for name, value in given.items()}
    code, line = start(run_classifier, **given)
    assert code == 1 and message in line
    assert not (tmp_path / "out").exists()


def test_a_bad_name_of_a_folder_is_told_by_its_flag(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("text\tlabel\nfine\tgood\n")
    with pytest.raises(UserError, match=r"^--task_name: task name 'Mood' is not of the form"):
        TaskFlags(data_dir=tmp_path).find("Mood")
