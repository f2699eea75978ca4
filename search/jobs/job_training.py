"""One job, done in this process: read, train or distil, and write down what it brought and cost."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from absl import logging

from centrabert.distill.distillation import Distillation
from centrabert.distill.teacher import Teacher
from centrabert.distill.teachers import Teachers
from centrabert.errors import UserError
from centrabert.glue_data.sampling_error import sampling_error
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import RECORD, BranchRecord
from centrabert.modeling.training.best_checkpoint import read_evaluations
from centrabert.modeling.training.estimator import Arrays
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.initialization import as_pretrained
from centrabert.modeling.training.token_dataset import Encoded, training_batches
from centrabert.modeling.training.train_branch import EVALUATIONS
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.search.jobs.content_digest import check_content
from centrabert.search.jobs.evaluation_errors import EvaluationErrors
from centrabert.search.jobs.job_folder import job_folder, job_lock, prepare, write_failure
from centrabert.search.jobs.job_result import BRANCH, FAILURE, JobResult, read_result
from centrabert.search.jobs.job_spec import FROM_PRETRAINED, FULL, STUDENT, JobSpec
from centrabert.search.jobs.resumable_timer import CPU, Moment, ResumableTimer
from centrabert.task_runner import TaskRunner

TEACHER_STATES = "teacher_states"  # beside the folder of the jobs, for all students of a teacher
SECONDS, SETUP, TRAINING = "seconds.json", "setup_seconds", "seconds"
EVALUATION_ERRORS = "evaluation_errors.json"


@dataclass(frozen=True)
class JobSettings:
    """What decides how fast a job is done, and, but for rounding, nothing else about it.

    Attributes:
      cache: Keeps the frozen layers' outputs; None computes them at every step.
      depths: Other depths at which the jobs of this task will want them: one pass computes all.
      threads: Cores that the job may use; recorded only.
      since: When the process began; None counts from now.
    """

    cache: TrunkCache | None = None
    depths: tuple[int, ...] = ()
    threads: int = 1
    since: Moment | None = None


def do_job(spec: JobSpec, jobs_dir: Path, settings: JobSettings) -> JobResult:
    """Does the job, or goes on with it, in jobs_dir/DIGEST; a finished one is only read.

    result.json is written last. What stops the job for good is written to failure.json, and raised.

    Raises:
      UserError, OSError, tf.errors.OpError: Bad data, no teacher, training diverged, the disk is full.
      KeyboardInterrupt: Stopped after a checkpoint; the same call goes on from it.
    """
    folder = prepare(jobs_dir, spec)
    with job_lock(folder):
        if (found := read_result(folder)) is not None:
            logging.info("%s: finished already", folder)
            return found
        try:
            result = _do(spec, jobs_dir, settings)
            result.write(folder)
        except (UserError, OSError, tf.errors.OpError) as error:
            write_failure(folder, str(getattr(error, "message", error)))
            raise
        (folder / FAILURE).unlink(missing_ok=True)
        return result


def _do(spec: JobSpec, jobs_dir: Path, settings: JobSettings) -> JobResult:
    folder = job_folder(jobs_dir, spec.digest)
    timer = ResumableTimer(folder / SECONDS)
    with timer.running(SETUP, settings.since):
        runner = _runner(spec, _Notes(timer, folder / EVALUATION_ERRORS))
        check_content(spec, runner.data_digests)
        train = runner.student_train if spec.kind == STUDENT else runner.train
        teacher = _teacher(spec, jobs_dir, runner.bert) if spec.kind == STUDENT else None
        _share(spec, runner, teacher, jobs_dir, settings)
    with timer.running(TRAINING):
        record = _train(spec, runner, teacher, jobs_dir, settings.cache)
    hyper = _hyperparameters(spec)
    metric = runner.spec.metric
    history = read_evaluations(folder / BRANCH / EVALUATIONS, metric)
    return JobResult(
        metric=metric,
        metrics=record.metrics,
        history=tuple((evaluation.step, evaluation.metrics[metric]) for evaluation in history),
        seconds=timer.seconds(TRAINING),
        setup_seconds=timer.seconds(SETUP),
        cpu_seconds=timer.seconds(CPU),
        threads=settings.threads,
        tokens=training_tokens(train, hyper),
        steps=hyper.num_train_steps(len(train)),
        dev_rows=len(runner.dev),
        metric_error=EvaluationErrors.read(folder / EVALUATION_ERRORS).of(record.metrics[metric]),
    )


def training_tokens(train: Encoded, hyperparameters: Hyperparameters) -> int:
    """Word pieces that pass through a training, padding included: its plan is known beforehand."""
    lengths, steps = train.lengths, hyperparameters.num_train_steps(len(train))
    plan = training_batches(lengths, hyperparameters.train_batch_size, hyperparameters.seed, 0)
    return sum(len(rows) * int(lengths[rows].max(initial=train.padded_to)) for rows in islice(plan, steps))


@dataclass(frozen=True)
class _Notes:
    """What a job notes at every evaluation, which follows a checkpoint: the time, and how exact it was."""

    timer: ResumableTimer
    errors_file: Path

    def add(self, value: float, error: float) -> None:
        self.timer.note()
        EvaluationErrors.read(self.errors_file).with_one(value, error).write(self.errors_file)


@dataclass(frozen=True)
class _NotingRunner(TaskRunner):
    """A TaskRunner that notes every evaluation."""

    notes: _Notes | None = None

    def score(
        self, labels: npt.NDArray[np.generic], decisions: npt.NDArray[np.generic], predictions: Arrays
    ) -> dict[str, float]:
        metrics = super().score(labels, decisions, predictions)
        if self.notes is not None:
            metric, names = self.task.metrics[0], self.task.labels
            error = sampling_error(metric, labels, decisions, names, predictions)
            self.notes.add(metrics[metric], error)
        return metrics


def _runner(spec: JobSpec, notes: _Notes | None = None) -> TaskRunner:
    return _NotingRunner(
        task=find_task(spec.task, data_root=Path(spec.data_root)),
        bert=BertFolder.at(Path(spec.bert_dir)),
        max_seq_length=spec.max_seq_length,
        pooling=spec.pooling,
        do_lower_case=spec.do_lower_case,
        max_train_rows=spec.max_train_rows or None,
        padded=spec.padded,
        unlabelled_file=Path(spec.unlabelled_file) if spec.unlabelled_file else None,
        notes=notes,
    )


def _hyperparameters(spec: JobSpec) -> Hyperparameters:
    return Hyperparameters(
        learning_rate=spec.learning_rate,
        train_batch_size=spec.train_batch_size,
        num_train_epochs=spec.num_train_epochs,
        seed=spec.seed,
        bias_correction=spec.bias_correction,
        bfloat16=spec.bfloat16,
    )


def _branch(spec: JobSpec, runner: TaskRunner) -> Branch:
    layers = runner.bert.config().num_hidden_layers
    if spec.kind == FULL:
        return Branch(runner.spec, 0, layers, full_fine_tuning=True)
    return Branch.teacher(runner.spec, spec.fine_tuning_layers, layers)


def _teacher(spec: JobSpec, jobs_dir: Path, bert: BertFolder) -> Teacher:
    folder = job_folder(jobs_dir, spec.teacher) / BRANCH
    if not (folder / RECORD).exists():
        raise UserError(f"{folder}: the teacher is not trained; run its job first")
    return Teacher(folder, bert)


def _share(
    spec: JobSpec, runner: TaskRunner, teacher: Teacher | None, jobs_dir: Path, settings: JobSettings
) -> None:
    """Computes what other jobs can use too, unless they have: the trunk's outputs, a teacher's states."""
    train, frozen = runner.train, _branch(spec, runner).frozen
    if spec.unlabelled_file:  # other rows than those of the teachers, and wanted at no other depth
        train, settings = runner.student_train, replace(settings, depths=())
    if settings.cache is not None and frozen:
        settings.cache.fill(runner.bert, sorted({frozen, *settings.depths}), train, runner.dev)
        train, _ = settings.cache.attach(runner.bert, frozen, train, runner.dev)
    if teacher is not None:
        student = teacher.record.branch.student(spec.student_layers)
        batch_size = _hyperparameters(spec).eval_batch_size
        states = jobs_dir.parent / TEACHER_STATES
        Distillation(spec.distillation_method, Teachers(teacher), student, batch_size, states).annotate(train)


def _train(
    spec: JobSpec, runner: TaskRunner, teacher: Teacher | None, jobs_dir: Path, cache: TrunkCache | None
) -> BranchRecord:
    folder = job_folder(jobs_dir, spec.digest) / BRANCH
    if teacher is None:
        return runner.fine_tune(_branch(spec, runner), _hyperparameters(spec), folder, cache)
    from_pretrained = spec.start == FROM_PRETRAINED
    return runner.distil(
        teacher,
        spec.student_layers,
        _hyperparameters(spec),
        folder,
        cache,
        spec.distillation_method,
        as_pretrained(teacher.record.branch.student(spec.student_layers)) if from_pretrained else None,
        jobs_dir.parent / TEACHER_STATES,
    )
