"""Training one branch, from pretrained weights and encoded data to a finished branch folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from absl import logging

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import in_label_units, label_scale, teacher_sources
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN, RECORD, BranchRecord, read_record
from centrabert.modeling.digest import joint_digest, tensor_digests
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.best_checkpoint import BestCheckpoint, Metrics
from centrabert.modeling.training.branch_model import FINE_TUNING, Optimization, model_fn_builder
from centrabert.modeling.training.estimator import Arrays, Estimator, RunConfig
from centrabert.modeling.training.hooks import FrozenCheck, ProgressBar, interruptible
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.initialization import PRETRAINED, TEACHER, Initialization
from centrabert.modeling.training.label_targets import label_targets
from centrabert.modeling.training.objective import Objective
from centrabert.modeling.training.prediction import (
    NOTHING_TUNED,
    Tuned,
    decide,
    golden_answers,
    predict,
    training_input_fn,
)
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.training_identity import claim
from centrabert.modeling.training.trunk_cache import TrunkCache

Score = Callable[[npt.NDArray[np.generic], npt.NDArray[np.generic], Arrays], Metrics]
EVALUATIONS, TRAINING = "judgements.json", "training"
MERGED = "merged.ckpt"  # a checkpoint of a training with LoRA, as the branch will be


@dataclass(frozen=True)
class TeacherCheckpoint:
    """What a student's training must know of its teacher.

    Attributes:
      digest: That of its branch.json.
      checkpoint: The prefix of its checkpoint.
    """

    digest: str
    checkpoint: Path


@dataclass(frozen=True)
class TrainingJob:
    """All that decides a branch.

    Attributes:
      score: (labels, decisions, predictions) of dev -> metrics, `task.metric` among them.
      initialization: Where the branch's own layers start from.
      objective: What training minimises.
      teacher: For a student.
      cache: Where the frozen layers' outputs are read from and kept; None computes them at every step.
    """

    bert: BertFolder
    tokenizer: Tokenizer
    branch: Branch
    hyperparameters: Hyperparameters
    train: Encoded
    dev: Encoded
    score: Score
    output_dir: Path
    initialization: Initialization
    objective: Objective = FINE_TUNING
    teacher: TeacherCheckpoint | None = None
    cache: TrunkCache | None = None

    def __post_init__(self) -> None:
        if self.initialization.origin == TEACHER and self.teacher is None:
            raise ValueError("a branch without a teacher cannot start from one")
        config = self.bert.config()
        self.initialization.sources(self.branch, config)  # raises where it does not fit the branch
        label_targets(self.hyperparameters, self.branch.task, self.train)  # raises where they do not fit
        if self.hyperparameters.lora is not None:
            self.hyperparameters.lora.check(self.branch, config)
        check_reads(self.bert, self.tokenizer, self.branch.task)


def check_reads(bert: BertFolder, tokenizer: Tokenizer, task: TaskSpec) -> None:
    """Raises UserError unless the BERT can read the task's texts: so long, and two if it has pairs."""
    config, source = bert.config(), str(bert.config_file)
    if task.pair:
        tokenizer.check_reads_pairs(task.name, config.type_vocab_size, source)
    if task.max_seq_length > config.max_position_embeddings:
        raise UserError(
            f"--max_seq_length={task.max_seq_length} is above {config.max_position_embeddings}, "
            f"the max_position_embeddings of {source}"
        )


def train_branch(job: TrainingJob) -> BranchRecord:
    """Trains, or goes on training, and writes the branch folder; a finished one is only read.

    Raises:
      UserError: output_dir holds another run, another process trains there, or training diverged.
      OSError: The disk is full.
      KeyboardInterrupt: Stopped after a checkpoint; the same call goes on from it.
    """
    digests = job.bert.digests
    job.output_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(job.output_dir):
        claim(job.output_dir, _identity(job, joint_digest(digests)))
        return _train_claimed(job, digests)


def _train_claimed(job: TrainingJob, digests: Mapping[str, str]) -> BranchRecord:
    if (job.output_dir / RECORD).exists():
        logging.info("%s: finished already", job.output_dir)
        return read_record(job.output_dir)
    trunk = {name: digests[name] for name in job.branch.shared_names(job.bert.config())}
    job = _prepared(job)
    estimator = _estimator(job)
    best = _fit(job, estimator, trunk)
    return _finish(job, estimator, trunk, best)


def _prepared(job: TrainingJob) -> TrainingJob:
    """The job with the frozen layers' outputs attached, if they are cached, and its rows annotated."""
    train, dev = job.train, job.dev
    if job.cache is not None and job.branch.frozen:
        train, dev = job.cache.attach(job.bert, job.branch.frozen, train, dev)
    return replace(job, train=job.objective.annotate(train), dev=dev)


def _identity(job: TrainingJob, base_digest: str) -> dict[str, Any]:
    """What two runs must have in common for one to go on where the other stopped."""
    return {
        "branch": job.branch.to_json(),
        "objective": job.objective.to_json(),
        "initialization": job.initialization.to_json(),
        "hyperparameters": job.hyperparameters.to_json(),
        "base_digest": base_digest,
        "config": job.bert.config().to_json(),
        "vocabulary_digest": job.tokenizer.digest,
        "train_digest": job.train.digest,
        "dev_digest": job.dev.digest,
        "padded_to": {"train": job.train.padded_to, "dev": job.dev.padded_to},
        "teacher_digest": job.teacher.digest if job.teacher else None,
        "activation_dtype": job.cache.dtype if job.cache else "float32",
    }


def _fit(job: TrainingJob, estimator: Estimator, trunk: Mapping[str, str]) -> BestCheckpoint:
    """Runs the training session to its end, or to convergence."""
    hyper, rows = job.hyperparameters, len(job.train)
    num_steps, every = hyper.num_train_steps(rows), hyper.evaluation_interval(rows)
    best = BestCheckpoint(
        job.output_dir / TRAINING,
        job.output_dir / EVALUATIONS,
        job.branch.task.metric,
        hyper.early_stopping_patience,
        list(job.branch.owned_shapes(job.bert.config())),
        evaluate=lambda prefix: _evaluate(job, estimator, prefix),
        is_evaluation_step=lambda step: step > 0 and (step % every == 0 or step == num_steps),
    )
    finished = best.converged or any(evaluation.step == num_steps for evaluation in best.history)
    if not finished:
        bar = ProgressBar(f"{job.branch.task.name} {job.branch.frozen}+{job.branch.tuned}", num_steps)
        with interruptible() as interruption:
            in_session = {} if job.train.trunk_output else trunk
            watching = [FrozenCheck(in_session), best]
            estimator.train(
                training_input_fn(job.train, hyper), num_steps, [best, bar, interruption], watching
            )
    return best


def _estimator(job: TrainingJob) -> Estimator:
    config, hyper, rows = job.bert.config(), job.hyperparameters, len(job.train)
    sources = job.initialization.sources(job.branch, config)
    shared = {name: name for name in job.branch.shared_names(config)}
    names: dict[Path, Mapping[str, str]] = {job.bert.checkpoint: {**shared, **sources[PRETRAINED]}}
    task, folder = job.branch.task, job.output_dir / TRAINING
    scale = label_scale(task, job.train.labels)
    if job.teacher:
        names |= teacher_sources(task, job.teacher.checkpoint, sources[TEACHER], scale, folder)
    optimization = Optimization(
        hyper.learning_rate,
        hyper.num_train_steps(rows),
        hyper.num_warmup_steps(rows),
        hyper.seed,
        label_targets(hyper, job.branch.task, job.train),
        hyper.lora,
        hyper.bias_correction,
        hyper.bfloat16,
    )
    padding_id = job.train.padding_id
    model_fn = model_fn_builder(
        config, job.branch, names, padding_id, optimization, job.objective, aligned=True, scale=scale
    )
    return Estimator(model_fn, RunConfig(folder, hyper.evaluation_interval(rows)))


def _evaluate(job: TrainingJob, estimator: Estimator, prefix: str) -> tuple[Metrics, Tuned]:
    """Dev metrics of a checkpoint, and the variables that take the place of its own to get them.

    Those are matrices with their update added, and those of its head that are tuned on dev.
    """
    prefix, merged = _merged(job, prefix)
    predictions = predict(estimator, job.dev, job.hyperparameters.eval_batch_size, prefix)
    metrics, tuned = scored(job.branch.task, predictions, job.dev, job.score)
    return metrics, {**merged, **tuned}


def scored(task: TaskSpec, predictions: Arrays, dev: Encoded, score: Score) -> tuple[Metrics, Tuned]:
    """Metrics of the answers to dev, and the variables of the head that are tuned to get them.

    Raises:
      UserError: An answer is no number, or dev has no labels.
    """
    if not np.isfinite(predictions["logits"]).all():
        raise UserError("training diverged: the model answers NaN; try a smaller learning rate")
    if dev.labels is None:
        raise UserError(f"task {task.name}: dev has no labels")
    tuned = KINDS[task.kind].tuned(predictions["logits"], dev.labels)
    return score(dev.labels, decide(task, predictions, tuned), predictions), tuned


def _merged(job: TrainingJob, prefix: str) -> tuple[str, Tuned]:
    """A checkpoint as the branch will be, and the matrices with an update: with LoRA a copy, else itself."""
    if (lora := job.hyperparameters.lora) is None:
        return prefix, NOTHING_TUNED
    tensors = checkpoint.read(Path(prefix))
    merged, copy = lora.merged(tensors), job.output_dir / TRAINING / MERGED
    owned = job.branch.owned_shapes(job.bert.config())
    checkpoint.write(copy, {**{name: tensors[name] for name in owned}, **merged})
    return str(copy), merged


def _finish(
    job: TrainingJob, estimator: Estimator, trunk: dict[str, str], best: BestCheckpoint
) -> BranchRecord:
    """Writes checkpoint and goldens, then branch.json, which makes the folder a branch."""
    task, scale = job.branch.task, label_scale(job.branch.task, job.train.labels)
    tensors = in_label_units(task, checkpoint.read(best.best_prefix()), scale)
    checkpoint.write(job.output_dir / CHECKPOINT, tensors)
    record = BranchRecord(
        branch=job.branch,
        config=job.bert.config(),
        trunk=trunk,
        variables=tensor_digests(tensors),
        vocabulary_digest=job.tokenizer.digest,
        do_lower_case=job.tokenizer.do_lower_case,
        metrics=best.best.metrics,
        hyperparameters=_recorded(job),
        teacher_digest=job.teacher.digest if job.teacher else None,
    )
    write_golden(job.output_dir / GOLDEN, golden_answers(estimator, task, job.dev, str(best.best_prefix())))
    write_text(job.output_dir / RECORD, dump(record.to_json()))
    _tidy(job.output_dir / TRAINING)
    return record


def _recorded(job: TrainingJob) -> dict[str, Any]:
    """The hyper-parameters of branch.json: the method and its settings among them."""
    return {
        **job.hyperparameters.to_json(),
        **job.objective.to_json(),
        "initialization": job.initialization.to_json(),
    }


def _tidy(folder: Path) -> None:
    """Removes what only a resumed run needs; TensorBoard's files stay."""
    for file in folder.iterdir():
        if file.is_dir():
            shutil.rmtree(file)
        elif not file.name.startswith("events.out."):
            file.unlink()
