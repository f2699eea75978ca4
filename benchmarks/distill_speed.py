"""Distillation that reads the frozen layers' outputs, against one that computes them at every step.

Trains one teacher, then students with several seeds, each with the cache and without in turn, every job a
process on one core. What all students share (activations, the teacher's logits) is computed before and not
counted. Prints the ratios of wall seconds of training and judging, and of CPU seconds of whole jobs, start-up
included.
"""

import dataclasses
import json
import shutil
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from centrabert import command
from centrabert.errors import UserError

if TYPE_CHECKING:
    from centrabert.search.jobs.job_spec import JobSpec

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "data_root", "../shared/data/glue", "Folder that holds a folder for each GLUE task.", flag_values=FLAGS
)
flags.DEFINE_list("tasks", ["mrpc"], "GLUE tasks, separated by commas.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir",
    "output/distill_speed",
    "Folder to write into; what an earlier run left there is removed.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "rounds", 3, "Number of students trained with the cache, and as many without.", flag_values=FLAGS
)

FINE_TUNING_LAYERS, STUDENT_LAYERS = 3, 1  # of MiniLM's 6
CACHED, COMPUTED = SIDES = ("cached", "computed")
BUDGET = {CACHED: 8, COMPUTED: 0}


def main() -> None:
    output_dir = Path(FLAGS.output_dir).resolve()
    shutil.rmtree(output_dir, ignore_errors=True)
    for task in FLAGS.tasks:
        run(Path(FLAGS.data_root).resolve(), task, output_dir, FLAGS.rounds)


def run(data_root: Path, task: str, output_dir: Path, rounds: int) -> None:
    """Trains, and prints the ratios of a task."""
    from benchmarks.harness.pipeline import minilm
    from centrabert.search.jobs.job_folder import job_folder
    from centrabert.search.jobs.job_spec import JobSpec

    bert = minilm(output_dir / "bert")
    common = {"bert_dir": str(bert.vocab_file.parent), "data_root": str(data_root), "task": task}
    teacher = JobSpec(
        **common,
        kind="teacher",
        fine_tuning_layers=FINE_TUNING_LAYERS,
        learning_rate=1e-4,
        num_train_epochs=1.0,
    )
    student = dataclasses.replace(
        teacher, kind="student", student_layers=STUDENT_LAYERS, teacher=teacher.digest, num_train_epochs=3.0
    )
    _do(teacher, output_dir, CACHED)
    source, copy = (job_folder(output_dir / side, teacher.digest) for side in SIDES)
    shutil.copytree(source, copy)
    for side in SIDES:  # computes what all students share
        _do(dataclasses.replace(student, seed=99, num_train_epochs=0.01), output_dir, side)
    ratios = []
    for seed in range(rounds):
        own = dataclasses.replace(student, seed=seed)
        cached, computed = (_do(own, output_dir, side) for side in SIDES)
        ratios.append((computed[0] / cached[0], computed[1] / cached[1]))
        told = [f"{training:.1f} ({whole:.1f})" for training, whole in (cached, computed)]
        print(f"{own.title}: {' against '.join(told)} s", flush=True)
    training, whole = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"{task}: training and judging {training:.2f} times as fast, whole jobs {whole:.2f} times")


def _do(spec: "JobSpec", output_dir: Path, side: str) -> tuple[float, float]:
    """Does the job on one core; returns its wall seconds of training and its CPU seconds in all."""
    from benchmarks.harness.one_job import start_job
    from centrabert.search.jobs.job_folder import job_folder
    from centrabert.search.jobs.job_result import RESULT
    from centrabert.search.workers.cores import available

    jobs_dir = output_dir / side
    if start_job(
        spec, jobs_dir, output_dir / "activations", BUDGET[side], f"--cores={min(available())}"
    ).wait():
        raise UserError(f"{spec.title} failed, for the reason told above")
    folder = job_folder(jobs_dir, spec.digest)
    result = json.loads((folder / RESULT).read_text())
    return result["seconds"], result["cpu_seconds"]


if __name__ == "__main__":
    command.run(main, FLAGS)
