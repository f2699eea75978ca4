"""Training tasks together, and what comes of it: a BERT folder, and a branch of a head alone for each task.

MT-DNN (Liu et al. 2019): an epoch is every batch of every task once, in random order, and each trains the
whole encoder. What one task needs, the others get too: a change of one is a change of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, files, scopes
from centrabert.modeling.bert_folder import POOLER, BertFolder
from centrabert.modeling.branch_checkpoint import in_label_units
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN, RECORD, BranchRecord, read_record
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.digest import joint_digest, tensor_digests
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.joint.joint_batches import JointTask, joint_input_fn
from centrabert.modeling.joint.joint_model import JointHead, head_branch, joint_model_fn, joint_names
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.best_checkpoint import BestCheckpoint, Metrics
from centrabert.modeling.training.branch_model import Optimization, model_fn_builder
from centrabert.modeling.training.estimator import Estimator, RunConfig
from centrabert.modeling.training.hooks import ProgressBar, interruptible
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.label_targets import label_targets
from centrabert.modeling.training.prediction import (
    Tuned,
    branch_estimator,
    golden_answers,
    predict,
)
from centrabert.modeling.training.train_branch import EVALUATIONS, TRAINING, check_reads, scored
from centrabert.modeling.training.training_identity import claim

BERT, BRANCHES = "bert", "branches"  # folders of the output
MEAN = "MEAN"  # of the tasks' metrics; no task has such a name


@dataclass(frozen=True)
class JointJob:
    """All that decides a joint training.

    Raises:
      UserError: There is no task, two have one name, the BERT cannot read one's texts, or class weights or
        label smoothing do not suit one.
    """

    bert: BertFolder
    tokenizer: Tokenizer
    tasks: tuple[JointTask, ...]
    hyperparameters: Hyperparameters
    output_dir: Path

    def __post_init__(self) -> None:
        names = [each.spec.name for each in self.tasks]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"task {twice[0]} is given twice")
        if not names:
            raise UserError("there is no task to train")
        if rank := self.hyperparameters.lora_rank:
            raise UserError(f"--lora_rank={rank}: a joint training trains all layers; leave the flag out")
        for each in self.tasks:
            check_reads(self.bert, self.tokenizer, each.spec)
            label_targets(each.hyperparameters, each.spec, each.train)  # raises where they do not fit

    @property
    def specs(self) -> list[TaskSpec]:
        return [each.spec for each in self.tasks]

    @property
    def steps_per_epoch(self) -> int:
        return sum(self.hyperparameters.steps_per_epoch(len(each.train)) for each in self.tasks)


def train_jointly(job: JointJob) -> dict[str, BranchRecord]:
    """Trains all tasks, or goes on training, and writes `bert` and `branches/TASK` into the output folder.

    The checkpoint that is kept has the best mean of all tasks' metrics on dev.

    Raises:
      UserError: The folder holds another run, another process trains there, or training diverged.
      OSError: The disk is full.
      KeyboardInterrupt: Stopped after a checkpoint; the same call goes on from it.
    """
    job.output_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(job.output_dir):
        claim(job.output_dir, _identity(job))
        best = _fit(job)
        bert = _bert_folder(job, best.best_prefix())
        return {each.spec.name: _branch_folder(job, each, bert, best) for each in job.tasks}


def _identity(job: JointJob) -> dict[str, Any]:
    """What two runs must have in common for one to go on where the other stopped."""
    return {
        "objective": {"method": "joint"},
        "tasks": {
            each.spec.name: {
                "spec": each.spec.to_json(),
                "train_digest": each.train.digest,
                "dev_digest": each.dev.digest,
                "hyperparameters": each.hyperparameters.to_json(),
            }
            for each in job.tasks
        },
        "task_order": [each.spec.name for each in job.tasks],  # decides that of the batches
        "hyperparameters": job.hyperparameters.to_json(),
        "base_digest": joint_digest(job.bert.digests),
        "config": job.bert.config().to_json(),
        "vocabulary_digest": job.tokenizer.digest,
        "padded_to": {},
    }


def _fit(job: JointJob) -> BestCheckpoint:
    hyper, per_epoch = job.hyperparameters, job.steps_per_epoch
    num_steps = max(1, round(hyper.num_train_epochs * per_epoch))
    every = hyper.save_checkpoints_steps or per_epoch
    config = job.bert.config()
    names = sorted(
        {there for of_task in joint_names(job.specs, config).values() for there in of_task.values()}
    )
    best = BestCheckpoint(
        job.output_dir / TRAINING,
        job.output_dir / EVALUATIONS,
        MEAN,
        hyper.early_stopping_patience,
        names,
        evaluate=lambda prefix: _evaluate(job, Path(prefix)),
        is_evaluation_step=lambda step: step > 0 and (step % every == 0 or step == num_steps),
    )
    if best.converged or any(evaluation.step == num_steps for evaluation in best.history):
        return best
    heads = [
        JointHead(each.spec, label_targets(each.hyperparameters, each.spec, each.train), each.scale)
        for each in job.tasks
    ]
    optimization = Optimization(
        hyper.learning_rate,
        num_steps,
        int(num_steps * hyper.warmup_proportion),
        hyper.seed,
        bias_correction=hyper.bias_correction,
        bfloat16=hyper.bfloat16,
    )
    model_fn = joint_model_fn(config, heads, job.bert.checkpoint, job.tokenizer.padding_id, optimization)
    estimator = Estimator(model_fn, RunConfig(job.output_dir / TRAINING, every))
    bar = ProgressBar(f"{len(job.tasks)} tasks", num_steps)
    with interruptible() as interruption:
        estimator.train(joint_input_fn(job.tasks, hyper), num_steps, [best, bar, interruption], [best])
    return best


def _evaluate(job: JointJob, prefix: Path) -> tuple[Metrics, Tuned]:
    """The mean of the tasks' own metrics, and each; what is tuned on dev, as the checkpoint names it."""
    names = joint_names(job.specs, job.bert.config())
    metrics: Metrics = {}
    tuned: dict[str, npt.NDArray[Any]] = {}
    for each in job.tasks:
        task = each.spec
        branch = head_branch(task, job.bert.config())
        model_fn = model_fn_builder(
            job.bert.config(), branch, {prefix: names[task.name]}, each.dev.padding_id, scale=each.scale
        )
        predictions = predict(Estimator(model_fn, RunConfig()), each.dev, job.hyperparameters.eval_batch_size)
        of_dev, of_task = scored(task, predictions, each.dev, each.score)
        metrics[task.name] = of_dev[task.metric]
        tuned |= {names[task.name][name]: value for name, value in of_task.items()}
    return {MEAN: float(np.mean(list(metrics.values()))), **metrics}, tuned


def _bert_folder(job: JointJob, best: Path) -> BertFolder:
    """The encoder that all tasks trained, as a pretrained BERT, with the pooler of the one it came from."""
    folder = job.output_dir / BERT
    if not folder.exists():
        config = job.bert.config()
        names = list(scopes.encoder_shapes(config, config.num_hidden_layers))
        tensors = {**checkpoint.read(best, names), **job.bert.read(list(POOLER))}
        with files.atomic_folder(folder) as new:
            Pretrained(config, job.tokenizer, tensors).write_google(new)
    return BertFolder.at(folder)


def _branch_folder(job: JointJob, task: JointTask, bert: BertFolder, best: BestCheckpoint) -> BranchRecord:
    """A task's head as a branch on the jointly trained encoder, all of it or nothing."""
    folder = job.output_dir / BRANCHES / task.spec.name
    if (folder / RECORD).exists():
        return read_record(folder)
    config, spec = bert.config(), task.spec
    branch = head_branch(spec, config)
    names = joint_names([spec], config)[spec.name]
    there = checkpoint.read(best.best_prefix(), [names[name] for name in branch.owned_shapes(config)])
    owned = {name: there[names[name]] for name in branch.owned_shapes(config)}
    owned = in_label_units(spec, owned, task.scale)
    metrics: Mapping[str, float] = best.best.metrics
    record = BranchRecord(
        branch=branch,
        config=config,
        trunk={name: bert.digests[name] for name in branch.shared_names(config)},
        variables=tensor_digests(owned),
        vocabulary_digest=job.tokenizer.digest,
        do_lower_case=job.tokenizer.do_lower_case,
        metrics={spec.metric: metrics[spec.name]},
        hyperparameters={
            **task.hyperparameters.to_json(),
            "method": "joint",
            "trained_with": ",".join(each.name for each in job.specs),
        },
        teacher_digest=None,
    )
    with files.atomic_folder(folder) as new:
        checkpoint.write(new / CHECKPOINT, owned)
        estimator = branch_estimator(bert, branch, new / CHECKPOINT, task.dev.padding_id)
        write_golden(new / GOLDEN, golden_answers(estimator, spec, task.dev))
        files.write_text(new / RECORD, dump(record.to_json()))
    return record
