"""Real GLUE tasks with MiniLM: full fine-tuning, teacher, student and merged model, over seeds.

If it was interrupted, run the same command again to resume; trainings that differ in task or seed may run
side by side in one --output_dir. The script writes results.md into it: mean and spread of the dev metric, and
the median wall time of a training. SST-2 trains on a fixed sample of 20,000 rows.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import flags, logging

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "data_root", "../shared/data/glue", "Folder that holds a folder for each GLUE task.", flag_values=FLAGS
)
flags.DEFINE_list(
    "tasks", ["rte", "mrpc", "cola", "stsb", "sst2"], "GLUE tasks, separated by commas.", flag_values=FLAGS
)
flags.DEFINE_list("seeds", ["0", "1", "2"], "Random seeds, separated by commas.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir", "output/glue_small", "Folder to write branches and results into.", flag_values=FLAGS
)

KINDS = ("full", "teacher", "student", "merged")
FINE_TUNING_LAYERS, STUDENT_LAYERS = 3, 1  # of MiniLM's 6
MAX_SST2_ROWS = 20000
POOLING = "mean"  # MiniLM is a sentence encoder: its own pooler was never trained
CACHE_BYTES = 12 * 10**9


@dataclass(frozen=True)
class Schedule:
    """Learning rate and epochs of full fine-tuning, and epochs of teacher and student alike."""

    full_learning_rate: float
    full_epochs: float
    branch_epochs: float


# The more trains, the smaller the learning rate it wants, but RTE learns nothing at 5e-5. As many epochs as
# bring something, by the judgements on dev.
BRANCH_LEARNING_RATE = 1e-4
SCHEDULES: Mapping[str, Schedule] = {
    "rte": Schedule(1e-4, 5, 5),
    "mrpc": Schedule(5e-5, 5, 5),
    "cola": Schedule(5e-5, 8, 6),
    "stsb": Schedule(5e-5, 4, 5),
    "sst2": Schedule(5e-5, 2, 2),
}


def main() -> None:
    run(
        Path(FLAGS.data_root),
        tuple(FLAGS.tasks),
        tuple(int(seed) for seed in FLAGS.seeds),
        Path(FLAGS.output_dir),
    )


def run(data_root: Path, tasks: Sequence[str], seeds: Sequence[int], output_dir: Path) -> None:
    """Trains what is not there yet, and rewrites the results after every seed."""
    results: dict[str, list[Mapping[str, Figures]]] = {task: [] for task in tasks}
    for seed in seeds:
        for task, figures in _seed(data_root, tasks, seed, output_dir).items():
            results[task].append(figures)
        _report(results, output_dir / "results.md")


@dataclass(frozen=True)
class Figures:
    """Dev metric as a fraction; wall time of the training in seconds, None if it was not timed."""

    metric: float
    seconds: float | None = None


def _seed(
    data_root: Path, tasks: Sequence[str], seed: int, output_dir: Path
) -> dict[str, Mapping[str, Figures]]:
    """Every kind of model of every task, for one seed."""
    from benchmarks.harness.pipeline import Pipeline, minilm, served_metric
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.modeling.training.hyperparameters import Hyperparameters
    from centrabert.modeling.training.trunk_cache import TrunkCache
    from centrabert.task_runner import TaskRunner

    bert = minilm(output_dir / "bert")
    cache = TrunkCache(output_dir / "activations", CACHE_BYTES)
    pipeline = Pipeline(output_dir / f"seed{seed}", FINE_TUNING_LAYERS, STUDENT_LAYERS, cache)
    figures: dict[str, dict[str, Figures]] = {}
    runners, students = [], []
    for task in (find_task(name, data_root=data_root) for name in tasks):
        rows = MAX_SST2_ROWS if task.name == "sst2" else None
        runner = TaskRunner(task, bert, pooling=POOLING, max_train_rows=rows)
        schedule = SCHEDULES[task.name]
        full = Hyperparameters(schedule.full_learning_rate, num_train_epochs=schedule.full_epochs, seed=seed)
        branch = Hyperparameters(BRANCH_LEARNING_RATE, num_train_epochs=schedule.branch_epochs, seed=seed)
        trained = {
            "full": pipeline.full(runner, full),
            "teacher": pipeline.teacher(runner, branch),
            "student": pipeline.student(runner, branch),
        }
        figures[task.name] = {kind: Figures(each.metric, each.seconds) for kind, each in trained.items()}
        logging.info("seed %d, %s: %s", seed, task.name, figures[task.name])
        runners.append(runner)
        students.append(trained["student"])
    saved_model = pipeline.serve(output_dir / "bert", students)
    with Predictor(saved_model) as predictor:
        for runner in runners:
            figures[runner.task.name]["merged"] = Figures(served_metric(predictor, runner))
    return {task: dict(kinds) for task, kinds in figures.items()}


def _report(results: Mapping[str, Sequence[Mapping[str, Figures]]], file: Path) -> None:
    """A Markdown table: metric in percent as mean ± standard deviation, and median minutes."""
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.modeling.files import write_text

    lines = ["| task | metric | " + " | ".join(KINDS) + " |", "|---" * (2 + len(KINDS)) + "|"]
    for task, seeds in results.items():
        cells = [_cell([figures[kind] for figures in seeds]) for kind in KINDS]
        lines.append(f"| {task} | {find_task(task).metrics[0]} | {' | '.join(cells)} |")
    write_text(file, "\n".join(lines) + "\n")
    print(file.read_text())


def _cell(figures: Sequence[Figures]) -> str:
    metrics = [100 * figure.metric for figure in figures]
    spread = f" ± {statistics.stdev(metrics):.1f}" if len(metrics) > 1 else ""
    seconds = [figure.seconds for figure in figures if figure.seconds is not None]
    minutes = f" ({statistics.median(seconds) / 60:.1f} min)" if seconds else ""
    return f"{statistics.mean(metrics):.1f}{spread}{minutes}"


if __name__ == "__main__":
    command.run(main, FLAGS)
