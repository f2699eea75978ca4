"""Same seed, same bits as commit 78db6b1: trained branches by digest, exported answers by their floats."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from kept import KEPT, SERVED, need_the_same_machine, read

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.export import run_export
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.modeling.branch_folder import GOLDEN, read_record
from centrabert.modeling.golden_file import read_golden

RUN = (
    *(f"--bert_dir={KEPT / 'bert'}", "--learning_rate=3e-3", "--train_batch_size=7", "--eval_batch_size=5"),
    *("--num_train_epochs=2", "--seed=13"),
)
RTE, STSB = f"--data_dir={KEPT / 'glue/RTE'}", f"--data_dir={KEPT / 'glue/STS-B'}"
TRAININGS: dict[str, tuple[ModuleType, tuple[str, ...]]] = {
    "rte": (
        run_classifier,
        (*RUN, RTE, "--task_name=RTE", "--max_seq_length=13", "--fine_tuning_layers=2", "--do_train"),
    ),
    "stsb": (
        run_classifier,
        (
            *(*RUN, STSB, "--task_name=STS-B", "--max_seq_length=13", "--fine_tuning_layers=1"),
            *("--pooling=mean", "--do_train"),
        ),
    ),
    "rte_student": (run_distill, (*RUN, RTE, f"--teacher={KEPT / 'rte'}", "--student_layers=1")),
}


def call(script: ModuleType, *flags: str) -> None:
    assert command.status(script.main, script.FLAGS, [script.__name__, *flags]) == 0


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_ends_with_the_kept_bits(name: str, tmp_path: Path) -> None:
    need_the_same_machine()
    script, flags = TRAININGS[name]
    call(script, *flags, f"--output_dir={tmp_path / name}")
    before, now = read_record(KEPT / name), read_record(tmp_path / name)
    assert now.variables == before.variables
    assert now.metrics == before.metrics
    task = now.branch.task
    golden, kept = (read_golden(folder / name / GOLDEN, task).outputs for folder in (tmp_path, KEPT))
    for output in kept:
        np.testing.assert_array_equal(golden[output], kept[output])


@pytest.mark.parametrize("version", ["exported now", "kept"])
def test_an_exported_version_gives_the_kept_answers(version: str, tmp_path: Path) -> None:
    """By every task's own signature and by serving_default; whatever machine it is, within 1e-5."""
    folder = KEPT / "serving/1"
    if version == "exported now":
        call(run_export, f"--merged={KEPT / 'merged'}", f"--export_dir={tmp_path}", "--version=1")
        folder = tmp_path / "1"
    with Predictor(folder) as predictor:
        found = {
            f"{signature} of {task}": predictor.predict(signature, texts(task))
            for task in SERVED
            for signature in (task, "serving_default")
        }
    for signature, outputs in read("answers.json").items():
        for name, values in outputs.items():
            close(found[signature][name], values)
    need_the_same_machine()
    for signature, outputs in read("answers.json").items():
        for name, values in outputs.items():
            assert plain(found[signature][name]) == values, (signature, name)


def texts(task: str) -> dict[str, Any]:
    rows = read(f"merged/golden/{task}.json")["rows"]
    return {name: np.array([row[name] for row in rows], object) for name in ("text_a", "text_b")}


def plain(outputs: Any) -> list[Any]:
    return [value.decode() if isinstance(value, bytes) else value for value in outputs.tolist()]


def close(outputs: Any, values: list[Any]) -> None:
    if outputs.dtype == object:
        assert plain(outputs) == values
    else:
        np.testing.assert_allclose(outputs, values, atol=1e-5)
