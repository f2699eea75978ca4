"""Declared tasks on real data: full fine-tuning, teacher and students of several depths, on dev and test.

    python -m benchmarks.real_tasks --bert_dir=output/e5 --tasks=intent --pooling=mean --learning_rate=1e-4

If it was interrupted, run the same command again to resume; runs that differ in task or seed may run side by
side in one --output_dir. After every training it rewrites results.md there, with the metric by which each
task's checkpoints are chosen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centrabert import command
from centrabert.flag_fields import define, flag, read

if TYPE_CHECKING:
    from centrabert.task_runner import TaskRunner

BATCH = 64
CACHE_BYTES = 12 * 10**9


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    bert_dir: Path = flag("Folder of the pretrained BERT.")
    task_config: Path = flag("YAML file that declares the tasks.", Path("benchmarks/tasks/real_tasks.yaml"))
    tasks: tuple[str, ...] = flag("Names of the tasks, separated by commas.", ("intent", "slots"))
    seeds: tuple[int, ...] = flag("Random seeds, separated by commas.", (0,))
    pooling: str = flag("What the head of a whole text reads.", "cls", choices=("cls", "mean"))
    fine_tuning_layers: int = flag("L: number of layers of a teacher.", 6)
    student_layers: tuple[int, ...] = flag(
        "l: numbers of layers of students, separated by commas.", (1, 2, 3)
    )
    max_train_rows: int | None = flag(
        "Train on a fixed random sample of so many rows; by default on all.", None
    )
    full: bool = flag("Whether full fine-tuning is measured too.", True)
    full_learning_rate: float = flag("Peak learning rate of full fine-tuning.", 1e-4)
    learning_rate: float = flag("Peak learning rate of teachers and students.", 2e-4)
    num_train_epochs: float = flag("Number of passes over the training rows.", 5.0)
    bias_correction: bool = flag("As --bias_correction of fine-tune, for all trainings.", False)
    bfloat16: bool = flag("As --bfloat16 of fine-tune, for all trainings.", False)
    output_dir: Path = flag("Folder to write branches and results into.", Path("output/real_tasks"))


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    for task in run.tasks:
        for seed in run.seeds:
            for name, metrics in _trained(run, task, seed):
                print(f"{task}, seed {seed}, {name}: {json.dumps(metrics)}", flush=True)
                (run.output_dir / "results.md").write_text(_table(run.output_dir))


def _trained(run: Run, task_name: str, seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every training by its name, with the task's metric on dev and test."""
    from centrabert.distill.teacher import Teacher
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.modeling.branch import Branch
    from centrabert.modeling.training.hyperparameters import Hyperparameters
    from centrabert.modeling.training.trunk_cache import TrunkCache
    from centrabert.task_flags import declared_length
    from centrabert.task_runner import TaskRunner

    task = find_task(task_name, data_dir=run.task_config)
    bert = BertFolder.at(run.bert_dir)
    runner = TaskRunner(task, bert, declared_length(task), run.pooling, max_train_rows=run.max_train_rows)
    layers = bert.config().num_hidden_layers
    chosen = Hyperparameters(
        learning_rate=run.learning_rate,
        train_batch_size=32,
        eval_batch_size=BATCH,
        num_train_epochs=run.num_train_epochs,
        seed=seed,
        bias_correction=run.bias_correction,
        bfloat16=run.bfloat16,
    )
    folder = run.output_dir / task_name / f"seed{seed}"
    cache = TrunkCache(folder / "activations", CACHE_BYTES)
    if run.full:
        branch = Branch(runner.spec, 0, layers, full_fine_tuning=True)
        runner.fine_tune(branch, replace(chosen, learning_rate=run.full_learning_rate), folder / "full")
        yield "full", _measured(runner, folder / "full")
    branch = Branch.teacher(runner.spec, run.fine_tuning_layers, layers)
    runner.fine_tune(branch, chosen, folder / "teacher", cache)
    yield "teacher", _measured(runner, folder / "teacher")
    teacher = Teacher(folder / "teacher", bert)
    for depth in run.student_layers:
        output_dir = folder / f"student{depth}"
        runner.distil(teacher, depth, chosen, output_dir, cache, teacher_cache_dir=folder / "teacher_states")
        yield f"student{depth}", _measured(runner, output_dir)


def _measured(runner: "TaskRunner", folder: Path) -> Mapping[str, Any]:
    """The task's metric, and its value on dev and, where test has labels, on test; kept beside the branch."""
    file, metric = folder / "measured.json", runner.spec.metric
    if not file.exists():
        measured = {"metric": metric, "dev": runner.evaluate(folder, BATCH)[metric]}
        if any(split.startswith("test") and path.exists() for split, path in runner.task.splits.items()):
            runner.predict(folder, BATCH)
            measured["test"] = json.loads((folder / "test_results.json").read_text())[metric]
        file.write_text(json.dumps(measured))
    return dict(json.loads(file.read_text()))


def _table(output_dir: Path) -> str:
    """A line for every training that has ended, in percent."""
    lines = ["| task | seed | model | metric | dev | test |", "|---|---|---|---|---|---|"]
    for file in sorted(output_dir.glob("*/seed*/*/measured.json")):
        measured = json.loads(file.read_text())
        task, seed, name = file.parts[-4:-1]
        dev, test = (f"{100 * measured[key]:.2f}" if key in measured else "" for key in ("dev", "test"))
        lines.append(
            f"| {task} | {seed.removeprefix('seed')} | {name} | {measured['metric']} | {dev} | {test} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command.run(main, FLAGS)
