"""Shows the whole job in a few minutes: MiniLM, four tasks, one merged model, answers to sentences.

For each task: a teacher of the top layers, a student of one layer, and full fine-tuning if it is asked for. A
model store gets the students, but of the first task its teacher; an update then puts the student in its
place. The version is promoted, exported, and asked. Prints one table. A small search over the first task
writes a report. Ends with the proof that the update moved one task only.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from centrabert import command
from centrabert.errors import UserError

if TYPE_CHECKING:
    from benchmarks.harness.pipeline import Trained
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.glue_data.task_data import TaskData
    from centrabert.modeling.kinds.task_kind import Arrays
    from centrabert.modeling.task import TaskSpec
    from centrabert.task_runner import TaskRunner

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "data_root",
    "glue_data/samples/tasks.yaml",
    "YAML file that declares tasks, or folder that holds a folder for each GLUE task.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "tasks", ["sst2", "rte", "stsb", "slots"], "Names of the tasks, separated by commas.", flag_values=FLAGS
)
flags.DEFINE_string(
    "output_dir",
    "output/demo",
    "Folder to write into; what an earlier run left there is removed.",
    flag_values=FLAGS,
)
flags.DEFINE_float("learning_rate", 1e-4, "Peak learning rate.", flag_values=FLAGS)
flags.DEFINE_float("num_train_epochs", 3.0, "Number of passes over the training rows.", flag_values=FLAGS)
flags.DEFINE_enum(
    "pooling",
    "mean",
    ["cls", "mean"],
    "What the heads read. MiniLM is a sentence encoder, which suits mean.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "full_fine_tuning",
    False,
    "Also fine-tune every variable of each task, to compare the merged model with. It takes about as long as "
    "all the rest.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("seed", 0, "Random seed of every training.", flag_values=FLAGS)

FINE_TUNING_LAYERS, STUDENT_LAYERS = 3, 1  # of MiniLM's 6
SEARCHED = (
    "--fine_tuning_layers=1,3",
    "--student_layers=1",
    "--num_train_epochs=1",
    "--seeds=0",
    "--max_train_rows=400",
)
MADE = ("bert", "activations", "full", "teacher", "student", "store", "serving", "search")
CACHE_BYTES = 4 * 10**9
EXAMPLES = 2
HEADER = ("task", "metric", "teacher", "student", "merged")
FULL = "full fine-tuning"


@dataclass(frozen=True)
class Demo:
    """What the flags ask for."""

    data_root: Path
    tasks: tuple[str, ...]
    output_dir: Path
    learning_rate: float
    num_train_epochs: float
    pooling: str
    seed: int
    full_fine_tuning: bool


def main() -> None:
    names = ("learning_rate", "num_train_epochs", "pooling", "seed", "full_fine_tuning")
    plain = {name: FLAGS[name].value for name in names}
    run(
        Demo(
            data_root=Path(FLAGS.data_root),
            tasks=tuple(FLAGS.tasks),
            output_dir=Path(FLAGS.output_dir),
            **plain,
        )
    )


def run(demo: Demo) -> None:
    """Converts, trains, merges, exports, asks, and prints."""
    from benchmarks.harness.pipeline import Pipeline, served_metric
    from centrabert.export.contract.version_folder import EXTRA
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.export.lifecycle.store_text import version_list
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.merge.merged_folder import read_manifest
    from centrabert.merge.summary_table import columns, table
    from centrabert.modeling.training.hyperparameters import Hyperparameters
    from centrabert.modeling.training.trunk_cache import TrunkCache

    tasks = [find_task(name, data_root=demo.data_root) for name in demo.tasks]
    for made in MADE:
        shutil.rmtree(demo.output_dir / made, ignore_errors=True)
    runners = _runners(demo, tasks)
    hyperparameters = Hyperparameters(
        learning_rate=demo.learning_rate, num_train_epochs=demo.num_train_epochs, seed=demo.seed
    )
    # The more trains, the smaller the rate it wants.
    slower = replace(hyperparameters, learning_rate=demo.learning_rate / 2)
    cache = TrunkCache(demo.output_dir / "activations", CACHE_BYTES)
    pipeline = Pipeline(demo.output_dir, FINE_TUNING_LAYERS, STUDENT_LAYERS, cache)
    full = [pipeline.full(runner, slower) for runner in runners if demo.full_fine_tuning]
    teachers = [pipeline.teacher(runner, hyperparameters) for runner in runners]
    students = [pipeline.student(runner, hyperparameters) for runner in runners]
    store, saved_model = _stored(demo, teachers[0], students)
    with Predictor(saved_model) as predictor:
        served = [served_metric(predictor, runner) for runner in runners]
        answers = [line for runner in runners for line in _answers(predictor, runner)]
    qualities = [*([full] if full else []), teachers, students]
    rows = [
        (runner.spec.name, runner.spec.metric, *(f"{100 * value:.1f}" for value in values))
        for runner, *values in zip(
            runners, *([each.metric for each in trained] for trained in qualities), served, strict=True
        )
    ]
    header = (*HEADER[:2], *([FULL] if full else []), *HEADER[2:])
    print(f"\nAnswers of {saved_model}:", *answers, sep="\n")
    print("\nOn dev, in percent:", *columns([header, *rows]), sep="\n")
    print(f"\n{table(read_manifest(saved_model / EXTRA))}")
    _search(demo)
    print(f"\nThe versions of {demo.output_dir / 'store'}:\n{version_list(store)}")
    update = store.version("stable")
    print(f"Proof of version {update.number}, {update.change}:\n{store.proof(update.number).text()}")
    server = f"{sys.executable} -m centrabert.export.run_server --model_base_path={saved_model.parent}"
    print(f"\nTo try the model on a page, start its server, then open http://localhost:8501/\n  {server}")


def _runners(demo: Demo, tasks: "Sequence[TaskData]") -> "list[TaskRunner]":
    from benchmarks.harness.pipeline import minilm
    from centrabert.task_runner import TaskRunner

    bert = minilm(demo.output_dir / "bert")
    return [TaskRunner(task, bert, pooling=demo.pooling) for task in tasks]


def _stored(demo: Demo, teacher: "Trained", students: "Sequence[Trained]") -> "tuple[ModelStore, Path]":
    """Create, add, add, update, promote, export; returns the exported version's folder."""
    from centrabert.export.deploy.tf_serving import TfServing
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.export.lifecycle.store_export import export_labelled

    first, *others = (student.folder for student in students)
    store = ModelStore.create(demo.output_dir / "store", demo.output_dir / "bert")
    if others:
        store.add(*others)
    store.add(teacher.folder)
    store.promote("stable", store.update(first).version.number)
    return store, export_labelled(store, demo.output_dir / "serving", TfServing("centrabert", 2))["stable"]


def _search(demo: Demo) -> None:
    """Which L suits the first task; run_search prints what it finds, and where its report is."""
    from centrabert.glue_data.task_lookup import is_config

    print(f"A small search for {demo.tasks[0]}:", flush=True)
    search = [
        *(sys.executable, "-m", "centrabert.search.run_search"),
        f"--bert_dir={demo.output_dir / 'bert'}",
        f"--{'task_config' if is_config(demo.data_root) else 'data_root'}={demo.data_root}",
        *(f"--tasks={demo.tasks[0]}", f"--learning_rates={demo.learning_rate}", f"--pooling={demo.pooling}"),
        *(*SEARCHED, f"--output_dir={demo.output_dir / 'search'}"),
    ]
    if subprocess.run(search).returncode:
        raise UserError(f"{demo.output_dir / 'search'}: the search failed, for the reason told above")


def _answers(predictor: "Predictor", runner: "TaskRunner") -> list[str]:
    """What the SavedModel says to the first rows of dev."""
    lines = []
    for text_a, text_b in zip(runner.dev.text_a[:EXAMPLES], runner.dev.text_b, strict=False):
        texts = {"text_a": [text_a], **({"text_b": [text_b]} if runner.spec.pair else {})}
        shown = _shown(runner.spec, predictor.predict(runner.spec.name, texts))
        lines.append(f"  {runner.spec.name}: {' | '.join(text[0] for text in texts.values())} -> {shown}")
    return lines


def _shown(spec: "TaskSpec", outputs: "Arrays") -> str:
    """One answer, as a table of predictions has it."""
    from centrabert.modeling.kinds.python_values import strings_as_text
    from centrabert.modeling.kinds.registry import KINDS

    kind = KINDS[spec.kind]
    columns = {name: strings_as_text(values) for name, values in outputs.items()}
    (answer,) = kind.answers(columns, spec.labels)
    return ", ".join(kind.table_cells(answer, spec.labels).values())


if __name__ == "__main__":
    command.run(main, FLAGS)
