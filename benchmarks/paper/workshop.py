"""Does a training of the tables: everything that is imported here is TensorFlow's weight."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.paper.counted_time import counted
from benchmarks.paper.estimate import Tokens, smaller_bert_hours, training_hours
from benchmarks.paper.results import Result, Setup
from benchmarks.paper.schedule import JOINT_EPOCHS, JOINT_RATE, MAX_ROWS, SAMPLED, TASKS
from benchmarks.paper.training import ADAPTERS, JOINT, LORA, MT_DNN, MT_DNN_LOO, Training
from centrabert.distill.layer_mapping import parse_initialization
from centrabert.distill.methods.registry import find_method
from centrabert.distill.teacher import Teacher
from centrabert.distill.text.text_distillation import TextDistillation, distil_texts
from centrabert.glue_data.collected_texts import collected_texts
from centrabert.glue_data.task_data import Examples
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord, read_record
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.files import write_text
from centrabert.modeling.joint.joint_batches import JointTask
from centrabert.modeling.joint.joint_training import BERT, BRANCHES, JointJob, train_jointly
from centrabert.modeling.scopes import embedding_shapes, layer_shapes
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.token_dataset import encode
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.search.jobs.resumable_timer import CPU, ResumableTimer
from centrabert.task_runner import TaskRunner

BATCH = 64
CACHE_BYTES = 12 * 10**9
MAX_UNLABELLED = 10_000
NO_ROWS = Examples((), ())
TEXT_RATE, TEXT_EPOCHS = 2e-4, 1.0


@dataclass(frozen=True)
class Workshop:
    """Where trainings are done and kept.

    Attributes:
      data_root: Folder that holds a folder for each GLUE task.
      pooling: What the heads read: "cls" or "mean".
      bfloat16: Of all trainings, as of `Hyperparameters`.
    """

    bert_dir: Path
    data_root: Path
    output_dir: Path
    pooling: str
    bfloat16: bool = False

    def setup(self, tasks: Sequence[str]) -> Setup:
        """What the trainings of these tasks have in common."""
        bert = BertFolder.at(self.bert_dir)
        embeddings, layer = (
            sum(math.prod(shape) for shape in shapes.values())
            for shapes in (embedding_shapes(bert.config()), layer_shapes(bert.config(), 0))
        )
        runners = {task: self.runner(task) for task in tasks}
        data = {
            task: joint_digest({"train": each.train.digest, "dev": each.dev.digest})
            for task, each in runners.items()
        }
        encoder = joint_digest(bert.digests)
        return Setup(encoder, bert.config().num_hidden_layers, embeddings, layer, self.pooling, data)

    def train(self, training: Training) -> Result:
        """Trains it, or goes on training, with its teacher before it if that is not there yet."""
        for teacher in (*([training.teacher] if training.teacher else []), *training.other_teachers):
            if not self.finished(teacher):
                self.train(teacher)
        runner, folder = self.runner(training.task), self.folder(training)
        shared = 0.0
        if training.texts:
            bert, seconds = self._smaller(training.texts, training.student_layers)
            runner, shared = replace(runner, bert=bert), seconds / len(TASKS)
        if training.row in JOINT:
            joint, seconds = self._joint(training)
            shared = seconds / (len(TASKS) if training.row == MT_DNN else 1)
            runner = replace(runner, bert=BertFolder.at(joint / BERT))
            folder = joint / BRANCHES / training.task if training.row == MT_DNN else folder
        if training.row == MT_DNN:
            record, own = read_record(folder), 0.0
        else:
            timer = self._timer(training.key)
            if not self.finished(training):
                with counted(timer):
                    self._train(training, runner, folder)
            record, own = read_record(folder), timer.seconds(CPU)
        metric = runner.spec.metric
        owned = record.branch.owned_shapes(runner.bert.config()).values()
        return Result.of(
            training,
            frozen=record.branch.frozen,
            tuned=record.branch.tuned,
            parameters=sum(map(math.prod, owned)),
            metric=metric,
            dev=record.metrics[metric],
            cpu_seconds=round(own + shared, 1) or None,
            date=datetime.date.today().isoformat(),
            bfloat16=bool(record.hyperparameters.get("bfloat16")),
        )

    def folder(self, training: Training) -> Path:
        return self.output_dir / training.task / training.name

    def finished(self, training: Training) -> bool:
        return (self.folder(training) / "branch.json").exists()

    def runner(self, task: str) -> TaskRunner:
        return _runner(self, task)

    def _smaller(self, objective: str, layers: int) -> tuple[BertFolder, float]:
        """The BERT that is made of the training texts of all tasks, which several rows start from, and what
        it took, in CPU seconds."""
        bert, timer = BertFolder.at(self.bert_dir), self._timer(f"smaller/{objective}")
        tokenizer = bert.tokenizer()
        folder = self.output_dir / "smaller" / objective
        if not (folder / BERT).exists():
            first, *others = (self.runner(task).train for task in TASKS)
            lines = collected_texts(first, NO_ROWS, [], others, pair=False, most=None)
            single = TaskSpec("texts", "regression", (), pair=False, metric="pearson")
            rows = encode(tokenizer, single, lines, [""] * len(lines))
            hyperparameters = Hyperparameters(
                learning_rate=TEXT_RATE, num_train_epochs=TEXT_EPOCHS, bfloat16=self.bfloat16
            )
            job = TextDistillation(bert, tokenizer, layers, objective, rows, hyperparameters, folder)
            with counted(timer):
                distil_texts(job)
        return BertFolder.at(folder / BERT), timer.seconds(CPU)

    def _joint(self, training: Training) -> tuple[Path, float]:
        """The folder of the joint training of all tasks, or of all but the one that is left out, and what it
        took, in CPU seconds."""
        rate = dict(training.settings).get(JOINT_RATE, training.learning_rate)
        what = f"without_{training.task}" if training.row == MT_DNN_LOO else "all"
        folder = self.output_dir / "joint" / f"{what}_lr{rate:g}_seed{training.seed}"
        timer = self._timer(f"joint/{folder.name}")
        of_joint = replace(training, learning_rate=rate, num_train_epochs=JOINT_EPOCHS)
        hyperparameters = self._hyperparameters(of_joint)
        runners = [self.runner(task) for task in _joint_tasks(training)]
        tasks = [JointTask(each.spec, each.train, each.dev, each.score, hyperparameters) for each in runners]
        bert = BertFolder.at(self.bert_dir)
        if not all((folder / BRANCHES / each.spec.name).exists() for each in runners):
            with counted(timer):
                train_jointly(JointJob(bert, bert.tokenizer(), tuple(tasks), hyperparameters, folder))
        return folder, timer.seconds(CPU)

    def _timer(self, key: str) -> ResumableTimer:
        file = self.output_dir / "seconds" / f"{key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        return ResumableTimer(file)

    def hours(self, training: Training) -> float:
        """CPU hours that a training should take; of a joint training of all tasks, the task's share."""
        tasks = _joint_tasks(training) if training.row == MT_DNN_LOO else [training.task]
        rows = [(each.train.lengths, each.dev.lengths) for each in map(self.runner, tasks)]
        train, dev = (int(sum(map(np.sum, each))) for each in zip(*rows, strict=True))
        if training.unlabelled:
            lengths = self.runner(training.task).train.lengths
            train += int(np.mean(lengths) * MAX_UNLABELLED)
        return training_hours(training, Tokens(train, dev), BertFolder.at(self.bert_dir).config())

    def smaller_hours(self) -> float:
        """CPU hours that making a smaller BERT from the texts of all tasks should take."""
        tokens = int(sum(np.sum(self.runner(task).train.lengths) for task in TASKS))
        return smaller_bert_hours(tokens, BertFolder.at(self.bert_dir).config())

    def _train(self, training: Training, runner: TaskRunner, folder: Path) -> BranchRecord:
        hyperparameters = self._hyperparameters(training)
        if training.task in SAMPLED:  # their dev sets are larger than what they train on: judged once
            rows = len(runner.train) + (MAX_UNLABELLED if training.unlabelled else 0)
            steps = hyperparameters.num_train_steps(rows)
            hyperparameters = replace(hyperparameters, save_checkpoints_steps=steps)
        cache = TrunkCache(self.output_dir / "activations", CACHE_BYTES)
        if training.teacher is None:
            branch = _branch(training, runner.spec, runner.bert.config())
            return runner.fine_tune(branch, hyperparameters, folder, cache)
        teacher = Teacher(self.folder(training.teacher), BertFolder.at(self.bert_dir))
        of, depth, start = teacher.record.branch, training.student_layers, None
        if training.start:
            start = parse_initialization(training.start, of, of.student(depth))
        method = find_method(training.method, dict(training.settings))
        states = self.output_dir / "teacher_states" / training.task
        others = [Teacher(self.folder(each), teacher.bert) for each in training.other_teachers]
        if training.unlabelled:
            runner = replace(runner, unlabelled_file=self._unlabelled(runner))
        settings = (hyperparameters, folder, cache, method, start, states)
        return runner.distil(teacher, depth, *settings, other_teachers=others)

    def _hyperparameters(self, training: Training) -> Hyperparameters:
        return Hyperparameters(
            learning_rate=training.learning_rate,
            num_train_epochs=training.num_train_epochs,
            eval_batch_size=BATCH,
            seed=training.seed,
            bias_correction=True,  # without it some trainings collapse to one answer at these rates
            bfloat16=self.bfloat16,
            **(dict(training.settings) if training.row == LORA else {}),
        )

    def _unlabelled(self, runner: TaskRunner) -> Path:
        """The file of the texts without a label that a task's students train on."""
        name, pair = runner.spec.name, runner.spec.pair
        file = self.output_dir / "unlabelled" / f"{name}.tsv"
        if not file.exists():
            others = [self.runner(task) for task in TASKS if task != name]
            own, *foreign = (each.task.read("train") for each in (runner, *others))
            lines = collected_texts(own, runner.train, [runner.dev], foreign, pair, MAX_UNLABELLED)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, "".join(f"{line}\n" for line in lines))
        return file


def _joint_tasks(training: Training) -> list[str]:
    left_out = {training.task} if training.row == MT_DNN_LOO else set()
    return [task for task in TASKS if task not in left_out]


def _branch(training: Training, task: TaskSpec, config: BertConfig) -> Branch:
    """What is fine-tuned; a smaller BERT has its own number of layers."""
    if training.row == ADAPTERS:
        return Branch.with_adapters(task, dict(training.settings)["adapter_size"], config)
    branch = Branch.teacher(task, training.layers, config.num_hidden_layers)
    return replace(branch, full_fine_tuning=not training.frozen)


@cache
def _runner(workshop: Workshop, task: str) -> TaskRunner:
    return TaskRunner(
        find_task(task, data_root=workshop.data_root),
        BertFolder.at(workshop.bert_dir),
        pooling=workshop.pooling,
        max_train_rows=MAX_ROWS.get(task),
    )
