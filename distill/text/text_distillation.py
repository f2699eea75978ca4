"""A BERT with fewer layers from a pretrained one, by what the larger one says of texts."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from centrabert.distill.text.text_hyperparameters import CHECKPOINT_STEPS, UNUSED
from centrabert.distill.text.text_model import text_model_fn
from centrabert.distill.text.text_objectives import OBJECTIVES
from centrabert.errors import UserError
from centrabert.modeling import checkpoint, files, scopes
from centrabert.modeling.bert_folder import POOLER, BertFolder
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.estimator import Estimator, RunConfig
from centrabert.modeling.training.hooks import ProgressBar, interruptible
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.prediction import training_input_fn
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.train_branch import TRAINING
from centrabert.modeling.training.training_identity import claim

BERT = "bert"  # folder of the output
DEFAULTS = Hyperparameters()


@dataclass(frozen=True)
class TextDistillation:
    """All that decides it.

    Attributes:
      objective: A name of `OBJECTIVES`.
      rows: The texts, without labels.

    Raises:
      UserError: The student is not smaller, or one of the hyper-parameters `UNUSED` is given.
    """

    bert: BertFolder
    tokenizer: Tokenizer
    num_hidden_layers: int
    objective: str
    rows: Encoded
    hyperparameters: Hyperparameters
    output_dir: Path

    def __post_init__(self) -> None:
        layers = self.bert.config().num_hidden_layers
        if not 1 <= self.num_hidden_layers < layers:
            raise UserError(
                f"--num_hidden_layers={self.num_hidden_layers} is outside 1..{layers - 1}: the pretrained "
                f"BERT has {layers}"
            )
        unused = [name for name in UNUSED if getattr(self.hyperparameters, name) != getattr(DEFAULTS, name)]
        if unused:
            raise UserError(f"--{unused[0]}: distillation on texts has no use for it; leave the flag out")


def distil_texts(job: TextDistillation) -> BertFolder:
    """Trains the smaller BERT, or goes on training, and writes it as a folder `bert` in the output folder.

    It has the pooler of the larger one, which no text trains.

    Raises:
      UserError: The folder holds another run, another process trains there, or training diverged.
      OSError: The disk is full.
      KeyboardInterrupt: Stopped after a checkpoint; the same call goes on from it.
    """
    job.output_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(job.output_dir):
        claim(job.output_dir, _identity(job))
        folder = job.output_dir / BERT
        if not folder.exists():
            _write(job, folder, _train(job))
        return BertFolder.at(folder)


def _identity(job: TextDistillation) -> dict[str, Any]:
    return {
        "objective": {"method": job.objective, "num_hidden_layers": job.num_hidden_layers},
        "hyperparameters": job.hyperparameters.to_json(),
        "base_digest": joint_digest(job.bert.digests),
        "config": job.bert.config().to_json(),
        "vocabulary_digest": job.tokenizer.digest,
        "texts_digest": job.rows.pieces_digest,
        "padded_to": {},
    }


def _train(job: TextDistillation) -> Path:
    """Trains to the last step; returns the prefix of its checkpoint."""
    config, hyper, rows = job.bert.config(), job.hyperparameters, len(job.rows)
    comparisons = OBJECTIVES[job.objective](job.num_hidden_layers, config.num_hidden_layers)
    num_steps = hyper.num_train_steps(rows)
    optimization = Optimization(
        hyper.learning_rate,
        num_steps,
        hyper.num_warmup_steps(rows),
        hyper.seed,
        bias_correction=hyper.bias_correction,
        bfloat16=hyper.bfloat16,
    )
    model_fn = text_model_fn(
        config, job.num_hidden_layers, comparisons, job.bert.checkpoint, job.rows.padding_id, optimization
    )
    every = hyper.save_checkpoints_steps or CHECKPOINT_STEPS
    estimator = Estimator(model_fn, RunConfig(job.output_dir / TRAINING, every))
    bar = ProgressBar(f"{job.objective} {job.num_hidden_layers}", num_steps)
    with interruptible() as interruption:
        estimator.train(training_input_fn(job.rows, hyper), num_steps, [bar, interruption])
    return job.output_dir / TRAINING / f"model.ckpt-{num_steps}"


def _write(job: TextDistillation, folder: Path, trained: Path) -> None:
    config = replace(job.bert.config(), num_hidden_layers=job.num_hidden_layers)
    names = list(scopes.encoder_shapes(config, config.num_hidden_layers))
    tensors = {**checkpoint.read(trained, names), **job.bert.read(list(POOLER))}
    with files.atomic_folder(folder) as new:
        Pretrained(config, job.tokenizer, tensors).write_google(new)
