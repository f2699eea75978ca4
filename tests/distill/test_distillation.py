"""Distillation from a teacher's folder to a student's: what is written where, and which runs differ."""

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_glue
from all_states import AllStates
from plain_sessions import plain_sessions

from centrabert.distill.distillation import distil
from centrabert.distill.methods.bert_pkd import BertPKD
from centrabert.distill.methods.theseus import Theseus
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.teacher import Teacher
from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.file_lock import LOCK
from centrabert.modeling.training.initialization import TEACHER, Initialization, as_pretrained
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

SOON = dataclasses.replace(tiny_glue.HYPERPARAMETERS, num_train_epochs=1)


@pytest.fixture(scope="module")
def teacher(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    folder = tmp_path_factory.mktemp("teacher") / "rte"
    base = runner.bert.checkpoint.parent
    return Teacher(tiny.branch(folder, base, Branch(runner.spec, 1, 2), golden=False), runner.bert)


def student(teacher: Teacher, runner: TaskRunner, folder: Path, layers: int = 1, **keys: Any) -> BranchRecord:
    arguments = {
        "tokenizer": runner.tokenizer,
        "train": runner.train,
        "dev": runner.dev,
        "score": runner.score,
        "hyperparameters": SOON,
        "method": VanillaKD(),
    }
    return distil(teacher, layers, output_dir=folder, **{**arguments, **keys})


@pytest.fixture(scope="module")
def before(teacher: Teacher) -> dict[str, tuple[int, bytes]]:
    """The teacher's files, before it has a student."""
    return files(teacher.folder)


@pytest.fixture(scope="module")
def plain(
    teacher: Teacher,
    before: dict[str, tuple[int, bytes]],
    runner: TaskRunner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a student as the paper has it."""
    folder = tmp_path_factory.mktemp("plain") / "student"
    teacher.folder.chmod(0o555)  # root could write nevertheless
    try:
        student(teacher, runner, folder)
    finally:
        teacher.folder.chmod(0o755)
    return folder


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All but the lock, into which whoever takes it writes who he is."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_a_student_is_a_branch_like_any_other(teacher: Teacher, runner: TaskRunner, plain: Path) -> None:
    record = branch_folder.read_record(plain)
    assert record.branch == Branch(runner.spec, frozen=1, tuned=1)
    assert record.teacher_digest == teacher.record.digest
    assert record.trunk == teacher.record.trunk
    expected = {
        **SOON.to_json(),
        "method": "vanilla_kd",
        "temperature": 2.0,
        "soft_weight": 1.0,
        "hard_weight": 1.0,
        "initialization": {"origin": "teacher", "layers": [1]},
    }
    assert record.hyperparameters == expected
    start = checkpoint.read(teacher.checkpoint)
    for name, tensor in checkpoint.read(plain / branch_folder.CHECKPOINT).items():
        assert not np.array_equal(tensor, start[name]), name


def test_nothing_is_written_into_the_teachers_folder(
    teacher: Teacher, before: dict[str, tuple[int, bytes]], plain: Path
) -> None:
    """It may be read-only, and a student that is told nothing else leaves no cache behind."""
    assert files(teacher.folder) == before
    assert not list(plain.rglob("*.npy"))


def test_the_same_seed_gives_the_same_bits_from_any_cache(
    teacher: Teacher, runner: TaskRunner, plain: Path, tmp_path: Path
) -> None:
    """Of the trunk's outputs, and of the teacher's states, which the second student finds computed."""
    expected = branch_folder.read_record(plain)
    keys = {"cache": TrunkCache(tmp_path / "trunk", 10**9), "teacher_cache_dir": tmp_path / "states"}
    other = dataclasses.replace(SOON, seed=14)
    differs = student(teacher, runner, tmp_path / "other", hyperparameters=other, **keys)
    assert not differs.variables.items() & expected.variables.items()
    kept = files(tmp_path / "states")
    assert [Path(name).name for name in kept] == ["logits.npy"]
    assert student(teacher, runner, tmp_path / "same", **keys) == expected
    assert files(tmp_path / "states") == kept


def test_a_method_that_compares_all_states_trains(
    teacher: Teacher, runner: TaskRunner, plain: Path, tmp_path: Path
) -> None:
    """Its student is another, but none for having been stopped and resumed, or trained from caches."""
    twice = dataclasses.replace(SOON, save_checkpoints_steps=3)
    keys: dict[str, Any] = {"method": AllStates(), "hyperparameters": twice}
    score = tiny_glue.ScriptedScore(0.1, 0.9)
    undisturbed = student(teacher, runner, tmp_path / "undisturbed", **keys, score=score)
    assert not undisturbed.variables.items() & branch_folder.read_record(plain).variables.items()

    def stop_first(evaluation: int) -> None:
        if evaluation == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    keys["cache"] = TrunkCache(tmp_path / "trunk", 10**9)
    score = tiny_glue.ScriptedScore(0.1, 0.9, before=stop_first)
    with pytest.raises(KeyboardInterrupt):
        student(teacher, runner, tmp_path / "stopped", **keys, score=score)
    assert student(teacher, runner, tmp_path / "stopped", **keys, score=score) == undisturbed
    assert score.calls == 2


@plain_sessions()
def test_a_student_of_all_layers_starts_as_its_teacher(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path
) -> None:
    still = dataclasses.replace(SOON, learning_rate=1e-30)  # too small to move a bit
    record = student(teacher, runner, tmp_path / "student", layers=2, hyperparameters=still)
    assert record.variables == teacher.record.variables


@plain_sessions()
def test_a_student_may_be_an_update_of_its_teachers_layers(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path
) -> None:
    """By LoRA: nothing of them moves but the matrices that have an update."""
    updated = dataclasses.replace(SOON, lora_rank=2, lora_matrices=("intermediate",))
    student(teacher, runner, tmp_path / "student", hyperparameters=updated)
    start = checkpoint.read(teacher.checkpoint)
    tensors = checkpoint.read(tmp_path / "student" / branch_folder.CHECKPOINT)
    moved = {name for name in tensors if not np.array_equal(tensors[name], start[name])}
    assert moved == {
        "bert/encoder/layer_1/intermediate/dense/kernel",
        *("bert/pooler/dense/kernel", "bert/pooler/dense/bias", "output_weights", "output_bias"),
    }


def test_theseus_with_probability_1_is_fine_tuning_from_that_start(
    runner: TaskRunner, tmp_path: Path
) -> None:
    """Of a whole model, whose embeddings are its own."""
    full = Branch(runner.spec, 0, 2, full_fine_tuning=True)
    base = runner.bert.checkpoint.parent
    teacher = Teacher(tiny.branch(tmp_path / "full", base, full, golden=False), runner.bert)
    student(teacher, runner, tmp_path / "theseus", method=Theseus(replacing_rate=1.0))
    student(teacher, runner, tmp_path / "tuned", method=VanillaKD(soft_weight=0.0))
    found, expected = (
        checkpoint.read(tmp_path / name / branch_folder.CHECKPOINT) for name in ("theseus", "tuned")
    )
    assert found.keys() == expected.keys() == full.student(1).owned_shapes(tiny_glue.CONFIG).keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, atol=1e-6, err_msg=name)


def test_theseus_replaces_the_same_modules_after_a_stop(
    teacher: Teacher, runner: TaskRunner, plain: Path, tmp_path: Path
) -> None:
    """Also where the student is an update of its layers; nothing of the teacher is kept."""
    twice = dataclasses.replace(SOON, save_checkpoints_steps=3, lora_rank=2)
    keys: dict[str, Any] = {"method": Theseus(0.4, 0.9), "hyperparameters": twice}
    score = tiny_glue.ScriptedScore(0.1, 0.9)
    undisturbed = student(teacher, runner, tmp_path / "undisturbed", **keys, score=score)

    def stop_first(evaluation: int) -> None:
        if evaluation == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    keys |= {"cache": TrunkCache(tmp_path / "trunk", 10**9), "teacher_cache_dir": tmp_path / "states"}
    score = tiny_glue.ScriptedScore(0.1, 0.9, before=stop_first)
    with pytest.raises(KeyboardInterrupt):
        student(teacher, runner, tmp_path / "stopped", **keys, score=score)
    assert not (tmp_path / "states").exists()  # nothing that the teacher says is needed
    (index,) = (tmp_path / "stopped" / "training").glob("model.ckpt-*.index")
    assert not [name for name in checkpoint.shapes(index.with_suffix("")) if name.startswith("teacher")]
    assert student(teacher, runner, tmp_path / "stopped", **keys, score=score) == undisturbed


def test_two_methods_are_two_runs(teacher: Teacher, runner: TaskRunner, plain: Path) -> None:
    """So are two settings, starts, or lengths of padding: none is taken for the other's finished run."""
    student(teacher, runner, plain)
    padded = {"train": runner.train.padded(13), "dev": runner.dev.padded(13)}
    for keys, message in (
        ({"method": AllStates()}, "objective.method: 'vanilla_kd', now 'all_states'"),
        ({"method": VanillaKD(3.0)}, "objective.temperature: 2.0, now 3.0"),
        ({"initialization": Initialization(TEACHER, (2,))}, r"initialization.layers: \[1\], now \[2\]"),
        (
            {"initialization": as_pretrained(Branch(runner.spec, 1, 1))},
            "initialization.origin: 'teacher', now",
        ),
        (padded, "padded_to.dev: 0, now 13; padded_to.train: 0, now 13"),
    ):
        with pytest.raises(ValueError, match=message):
            student(teacher, runner, plain, **keys)  # type: ignore[arg-type]


def test_a_run_of_the_first_format_is_recognised(teacher: Teacher, runner: TaskRunner, plain: Path) -> None:
    """As run.json was before methods had names: their settings stood among the hyper-parameters."""
    keys = json.loads((plain / "run.json").read_text())
    new = (keys.pop("format_version"), keys.pop("initialization"), keys.pop("padded_to"))
    assert new == (2, {"origin": "teacher", "layers": [1]}, {"train": 0, "dev": 0})
    assert keys.pop("config") == runner.bert.config().to_json()
    objective = keys.pop("objective")
    assert objective.pop("method") == "vanilla_kd"
    keys["hyperparameters"].update(objective)
    current = (plain / "run.json").read_text()
    try:
        (plain / "run.json").write_text(json.dumps(keys))
        assert student(teacher, runner, plain) == branch_folder.read_record(plain)
        with pytest.raises(ValueError, match=r"objective.temperature: 2.0, now 3.0"):
            student(teacher, runner, plain, method=VanillaKD(3.0))
        with pytest.raises(ValueError, match=r"initialization.origin: 'teacher', now 'pretrained'"):
            student(teacher, runner, plain, initialization=as_pretrained(Branch(runner.spec, 1, 1)))
    finally:
        (plain / "run.json").write_text(current)


@pytest.mark.parametrize("layers", [0, 3])
def test_layers_outside_the_teachers_are_refused(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path, layers: int
) -> None:
    with pytest.raises(ValueError, match=rf"--student_layers={layers} is outside 1..2"):
        student(teacher, runner, tmp_path / "student", layers)
    assert not (tmp_path / "student").exists()


def test_a_method_that_does_not_suit_the_student_is_refused(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"--method=bert_pkd compares .* --student_layers=1 leaves none"):
        student(teacher, runner, tmp_path / "student", method=BertPKD())
    assert not (tmp_path / "student").exists()


def test_a_teacher_of_another_task_is_refused(teacher: Teacher, runner: TaskRunner, tmp_path: Path) -> None:
    other = dataclasses.replace(runner, max_seq_length=12)
    with pytest.raises(ValueError, match=r"^branch rte was trained with max_seq_length=13, not 12; give"):
        other.distil(teacher, 1, SOON, tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_another_base_or_vocabulary_is_refused(teacher: Teacher, runner: TaskRunner, tmp_path: Path) -> None:
    other = BertFolder.at(tiny_glue.bert_folder(tmp_path / "other", seed=5))
    with pytest.raises(
        ValueError, match=r"^.*rte: branch rte was trained on another BERT than .*; give the BERT"
    ):
        Teacher(teacher.folder, other)
    cased = dataclasses.replace(runner, do_lower_case=False)
    with pytest.raises(
        ValueError, match=r"another vocabulary than .*vocab.txt, or with another --do_lower_case; give"
    ):
        student(teacher, cased, tmp_path / "student")
