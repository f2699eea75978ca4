"""Does a training of the tables: everything that is imported here is TensorFlow's weight."""

import datetime
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.paper.schedule import JOINT_RATE, MAX_ROWS, SAMPLED, WHOLE
from benchmarks.paper.training import ADAPTERS, JOINT, LORA, MT_DNN, MT_DNN_LOO, Result, Training
from benchmarks.paper.unlabelled_texts import Texts, unlabelled_lines
from centrabert.distill.layer_mapping import parse_initialization
from centrabert.distill.methods.registry import find_method
from centrabert.distill.teacher import Teacher
from centrabert.distill.text.text_distillation import TextDistillation, distil_texts
from centrabert.glue_data.task_data import Examples
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord, read_record
from centrabert.modeling.config import BertConfig
from centrabert.modeling.files import write_text
from centrabert.modeling.joint.joint_batches import JointTask
from centrabert.modeling.joint.joint_training import BERT, BRANCHES, JointJob, train_jointly
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.token_dataset import Encoded, encode
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

BATCH = 64
CACHE_BYTES = 12 * 10**9
MAX_UNLABELLED = 10_000
TEXT_RATE, TEXT_EPOCHS = 2e-4, 1.0
FLOPS_A_SECOND = 6e10  # of one core, for an estimate


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

    def train(self, training: Training) -> Result:
        """Trains it, or goes on training, with its teacher before it if that is not there yet."""
        for teacher in (*([training.teacher] if training.teacher else []), *training.other_teachers):
            if not self.finished(teacher):
                self.train(teacher)
        runner, folder, started = self.runner(training.task), self.folder(training), time.process_time()
        if training.texts:
            runner = replace(runner, bert=self.smaller(training.texts, training.student_layers))
        if training.row in JOINT:
            joint = self._joint(training)
            runner = replace(runner, bert=BertFolder.at(joint / BERT))
            folder = joint / BRANCHES / training.task if training.row == MT_DNN else folder
        record = read_record(folder) if training.row == MT_DNN else self._trained(training, runner, folder)
        metric = runner.spec.metric
        return Result(
            task=training.task,
            row=training.row,
            name=training.name,
            layers=training.layers,
            seed=training.seed,
            learning_rate=training.learning_rate,
            frozen=record.branch.frozen,
            tuned=record.branch.tuned,
            metric=metric,
            dev=record.metrics[metric],
            cpu_seconds=round(time.process_time() - started, 1),
            date=datetime.date.today().isoformat(),
            bfloat16=bool(record.hyperparameters.get("bfloat16")),
        )

    def folder(self, training: Training) -> Path:
        return self.output_dir / training.task / training.name

    def finished(self, training: Training) -> bool:
        return (self.folder(training) / "branch.json").exists()

    def runner(self, task: str) -> TaskRunner:
        return _runner(self, task)

    def smaller(self, objective: str, layers: int) -> BertFolder:
        """The BERT that is made of the training texts of all tasks, which several rows start from."""
        bert = BertFolder.at(self.bert_dir)
        tokenizer = bert.tokenizer()
        trains = [self.runner(task).train for task in (*WHOLE, *SAMPLED)]
        texts = [text for train in trains for text in _texts(train).lines(pair=False)]
        single = TaskSpec("texts", "regression", (), pair=False, metric="pearson")
        lines = sorted(set(texts))
        rows = encode(tokenizer, single, lines, [""] * len(lines))
        hyperparameters = Hyperparameters(
            learning_rate=TEXT_RATE, num_train_epochs=TEXT_EPOCHS, bfloat16=self.bfloat16
        )
        folder = self.output_dir / "smaller" / objective
        return distil_texts(
            TextDistillation(bert, tokenizer, layers, objective, rows, hyperparameters, folder)
        )

    def _joint(self, training: Training) -> Path:
        """The folder of the joint training of all tasks, or of all but the one that is left out."""
        rate = dict(training.settings).get(JOINT_RATE, training.learning_rate)
        what = f"without_{training.task}" if training.row == MT_DNN_LOO else "all"
        folder = self.output_dir / "joint" / f"{what}_lr{rate:g}_seed{training.seed}"
        hyperparameters = self._hyperparameters(replace(training, learning_rate=rate))
        runners = [self.runner(task) for task in _joint_tasks(training)]
        tasks = [JointTask(each.spec, each.train, each.dev, each.score, hyperparameters) for each in runners]
        bert = BertFolder.at(self.bert_dir)
        train_jointly(JointJob(bert, bert.tokenizer(), tuple(tasks), hyperparameters, folder))
        return folder

    def hours(self, training: Training) -> float:
        """CPU hours that a training should take, by its products alone."""
        config, tasks, own = BertFolder.at(self.bert_dir).config(), [training.task], training.student_layers
        if training.row == MT_DNN_LOO:
            tasks = _joint_tasks(training)
        if training.row in JOINT:
            own = config.num_hidden_layers  # of a joint training of all tasks every task has its share
        tokens = sum(int(np.sum(self.runner(each).train.lengths)) for each in tasks)
        of_layer = 2 * (4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size)
        products = 3 * (own or training.layers) * of_layer * tokens * training.num_train_epochs
        return products / FLOPS_A_SECOND / 3600

    def _trained(self, training: Training, runner: TaskRunner, folder: Path) -> BranchRecord:
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
        texts = self._unlabelled(runner) if training.unlabelled else None
        settings = (hyperparameters, folder, cache, method, start, states)
        return runner.distil(teacher, depth, *settings, other_teachers=others, unlabelled=texts)

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
            others = [self.runner(task) for task in (*WHOLE, *SAMPLED) if task != name]
            own, *foreign = (_texts(each.task.read("train")) for each in (runner, *others))
            lines = unlabelled_lines(_texts(runner.train), own, foreign, pair, MAX_UNLABELLED)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, "".join(f"{line}\n" for line in lines))
        return file


def _joint_tasks(training: Training) -> list[str]:
    left_out = {training.task} if training.row == MT_DNN_LOO else set()
    return [task for task in (*WHOLE, *SAMPLED) if task not in left_out]


def _branch(training: Training, task: TaskSpec, config: BertConfig) -> Branch:
    """What is fine-tuned; a smaller BERT has its own number of layers."""
    if training.row == ADAPTERS:
        return Branch.with_adapters(task, dict(training.settings)["adapter_size"], config)
    branch = Branch.teacher(task, training.layers, config.num_hidden_layers)
    return replace(branch, full_fine_tuning=not training.frozen)


def _texts(rows: Examples | Encoded) -> Texts:
    return Texts(rows.text_a, rows.text_b)


@cache
def _runner(workshop: Workshop, task: str) -> TaskRunner:
    return TaskRunner(
        find_task(task, data_root=workshop.data_root),
        BertFolder.at(workshop.bert_dir),
        pooling=workshop.pooling,
        max_train_rows=MAX_ROWS.get(task),
    )
