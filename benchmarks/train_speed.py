"""Training speed against PyTorch, or in bfloat16: the same encoder, rows and batches; medians, ratios.

Each side is a process of its own (Transformers and TensorFlow do not live in one), trains --steps steps when
it is its turn, and reports the seconds. Against PyTorch it wants the extra `torch`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from absl import flags

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "data_root", "../shared/data/glue", "Folder that holds a folder for each GLUE task.", flag_values=FLAGS
)
flags.DEFINE_list("tasks", ["mrpc", "cola"], "GLUE tasks, separated by commas.", flag_values=FLAGS)
flags.DEFINE_list(
    "layers",
    ["full", "3", "3-cached"],
    "Numbers of tuned layers, or full; with -cached, the frozen layers were computed before.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "rounds", 7, "Number of turns of each side; the first one does not count.", flag_values=FLAGS
)
flags.DEFINE_integer("steps", 10, "Number of training steps in a turn.", flag_values=FLAGS)
flags.DEFINE_integer("train_batch_size", 32, "Number of rows in a training batch.", flag_values=FLAGS)
flags.DEFINE_string(
    "peer_python",
    None,
    "Path of the Python interpreter that has torch. By default it is this one.",
    flag_values=FLAGS,
)

flags.DEFINE_enum(
    "against",
    "torch",
    ["torch", "bfloat16"],
    "What our training in float32 is measured against: PyTorch, or our training with --bfloat16.",
    flag_values=FLAGS,
)

CACHED = "-cached"
OURS, PEER = "benchmarks.harness.train_speed_ours", "benchmarks.harness.train_speed_torch"
FLOAT32, BFLOAT16 = "float32", "bfloat16"


class Side:
    """A process that trains when told."""

    def __init__(self, *command_line: str) -> None:
        self._process = subprocess.Popen(
            command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()  # ready

    def turn(self) -> float:
        """Trains a turn; returns its seconds."""
        if self._process.stdin is None:
            raise OSError("the side has no standard input")
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answer(self) -> str:
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise OSError(f"{self._process.args!r} ended; its error stands above")
        return line


def main() -> None:
    sides = " | ".join(f"{name} rows/s" for name in _sides(Path()))
    print(f"| task | trains | {sides} | ratio |", "|---|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as scratch:
        for task in FLAGS.tasks:
            for layers in FLAGS.layers:
                seconds = _measure(_write_job(Path(scratch), task, layers))
                print(_row(task, layers, seconds), flush=True)


def _write_job(scratch: Path, task_name: str, layers: str) -> Path:
    """Writes what both sides train on: the encoder in both formats, and the batches."""
    import numpy as np

    from benchmarks.harness.pipeline import minilm
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.modeling.convert import conversion
    from centrabert.modeling.training.token_dataset import training_plan
    from centrabert.modeling.training.trunk_cache import TrunkCache
    from centrabert.task_runner import TaskRunner

    task = find_task(task_name, data_root=Path(FLAGS.data_root))
    bert = minilm(scratch / "bert")
    if not (scratch / "huggingface").exists():
        conversion.write(
            conversion.Source(str(scratch / "bert")).read(), "huggingface", scratch / "huggingface"
        )
    runner = TaskRunner(task, bert)
    train, tuned = runner.train, layers.removesuffix(CACHED)
    plan = training_plan(train.lengths, FLAGS.train_batch_size, seed=0, epoch=0)[: FLAGS.rounds * FLAGS.steps]
    if layers.endswith(CACHED):
        frozen = bert.config().num_hidden_layers - int(tuned)
        (train,) = TrunkCache(scratch / "activations", 10**10).attach(bert, frozen, train)
    arrays = {
        f"{number}/{name}": array
        for number, rows in enumerate(plan)
        for name, array in train.batch(rows).items()
    }
    np.savez(scratch / "batches.npz", **arrays)
    job = {
        "scratch": str(scratch),
        "batches": len(plan),
        "steps": FLAGS.steps,
        "layers": tuned,
        "task": runner.spec.to_json(),
    }
    file = scratch / "job.json"
    file.write_text(json.dumps(job))
    return file


def _sides(job: Path) -> dict[str, list[str]]:
    """The two command lines by what they are called; first the one that should be the faster."""
    ours, file = [sys.executable, "-m", OURS], str(job)
    if FLAGS.against == "torch":
        peer = [FLAGS.peer_python or sys.executable, "-m", PEER, file]
        return {"centrabert": [*ours, file, FLOAT32], "torch": peer}
    return {BFLOAT16: [*ours, file, BFLOAT16], FLOAT32: [*ours, file, FLOAT32]}


def _measure(job: Path) -> Mapping[str, list[float]]:
    """Seconds of every turn but the first, by side; the order of the sides alternates."""
    with ExitStack() as stack:
        sides = {}
        for name, command_line in _sides(job).items():
            sides[name] = Side(*command_line)
            stack.callback(sides[name].close)
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for turn in range(FLAGS.rounds):
            for name in list(sides) if turn % 2 else reversed(sides):
                seconds[name].append(sides[name].turn())
    return {name: turns[1:] for name, turns in seconds.items()}


def _row(task: str, layers: str, seconds: Mapping[str, list[float]]) -> str:
    rows = FLAGS.steps * FLAGS.train_batch_size
    speeds = " | ".join(f"{rows / statistics.median(turns):.0f}" for turns in seconds.values())
    ratio = statistics.median(slow / fast for fast, slow in zip(*seconds.values(), strict=True))
    cached = ", cached" if layers.endswith(CACHED) else ""
    trains = "everything" if layers == "full" else f"top {layers.removesuffix(CACHED)} layers{cached}"
    return f"| {task} | {trains} | {speeds} | {ratio:.2f} |"


if __name__ == "__main__":
    command.run(main, FLAGS)
